import Foundation
import XCTest

@testable import TelemetryCore

/// F, C2: wire-formats "Splunk", key=value over UDP.
final class KeyValueWriterTests: XCTestCase {
    private var writer = KeyValueWriter()

    private func line(_ builder: RecordBuilder, metadata: [(key: [UInt8], value: RecordBuilder.Value)] = []) -> [UInt8]
    {
        let batch = Batch([builder], metadata: metadata)
        writer.write(batch.views[0])
        return writer.bytes
    }

    private func event(_ key: String, _ value: RecordBuilder.Value) -> RecordBuilder {
        var builder = RecordBuilder()
        builder.attributes = [(Array(key.utf8), value)]
        return builder
    }

    func testGoldenBytes() {
        XCTAssertEqual(
            String(
                decoding: line(WireSample.fullEvent, metadata: [(Array("release".utf8), .string(Array("beta".utf8)))]),
                as: UTF8.self),
            #"<14>mytool: signal=mytool;arch=x86_64;args="get||\"";duration_ms=0;error="no\nroute";error_category=network;"#
                + #"event_id=01020304-0506-0708-090a-0b0c0d0e0f10;exit_code=-1;machine_id=00ff;metadata.b=true;metadata.d=0.5;"#
                + "metadata.event_id=\"é\u{1}\";metadata.i=-9223372036854775808;metadata.release=beta;name=search;os=linux;os_version=12;"
                + "runtime=c;schema_version=1;timestamp=2026-05-12T14:30:45.123456789Z;type=feature.used;version=1.2.3\n"
        )
    }

    /// The line of wire-formats: what it has of ours stands in ours the same way.
    func testLineOfKongctl() throws {
        let golden =
            "<14>signal=kongctl;arch=arm64;command_path=\"kongctl plan\";os=darwin;schema_version=1;timestamp=2026-05-12T14:30:45Z;version=0.4.0\n"
        let theirs = try KeyValueLine(Array(golden.utf8))
        XCTAssertEqual(theirs.keys, ["signal", "arch", "command_path", "os", "schema_version", "timestamp", "version"])
        var builder = RecordBuilder()
        builder.timestamp -= 123_456_789
        builder.name = Array("kongctl plan".utf8)
        let ours = String(decoding: line(builder), as: UTF8.self)
        for part in [#";name="kongctl plan";"#, ";schema_version=1;timestamp=2026-05-12T14:30:45Z;type="] {
            XCTAssertTrue(ours.contains(part), ours)
        }
        XCTAssertTrue(ours.hasPrefix("<14>mytool: signal=mytool;arch=x86_64;"), ours)
        writer.isTagged = false
        let bare = String(decoding: line(builder), as: UTF8.self)
        XCTAssertEqual(bare, "<14>" + ours.dropFirst("<14>mytool: ".count))
        XCTAssertEqual(try KeyValueLine(Array(bare.utf8)).keys, try KeyValueLine(Array(ours.utf8)).keys)
        XCTAssertTrue(ours.hasSuffix(";version=1.2.3\n"), ours)
    }

    func testQuotes() {
        for (text, written) in [
            ("", #""""#), ("plain", "plain"), ("a b", #""a b""#), ("a;b", #""a;b""#), ("a\"b", #""a\"b""#),
            ("a\nb", #""a\nb""#), ("a\rb", #""a\rb""#),
            ("a\\b", #""a\\b""#), ("a\\nb", #""a\\nb""#), ("a=b", #""a=b""#), ("a\tb", "\"a\tb\""),
            ("a\u{1}b", "\"a\u{1}b\""), ("a\u{7F}b", "\"a\u{7F}b\""),
            ("a\u{85}b", "\"a\u{85}b\""), ("£\u{A0}é", "£\u{A0}é"), ("e\u{301}😀שלום", "e\u{301}😀שלום"),
            ("a|b,c", "a|b,c"), ("a\0b", "\"a\0b\""),
        ] {
            let found = String(decoding: line(event("k", .string(Array(text.utf8)))), as: UTF8.self)
            XCTAssertTrue(found.contains(";metadata.k=\(written);name="), "\(text.debugDescription): \(found)")
        }
    }

    func testValuesThatAreNotText() {
        for (value, written) in [
            (.int(-1), "-1"), (.double(0.1), "0.1"), (.double(3), "3.0"), (.double(.nan), #""""#),
            (.double(-.infinity), #""""#), (.bool(false), "false"),
            (.string([0x61, 0xFF, 0xE2, 0x82]), "a\u{FFFD}\u{FFFD}"),
        ] as [(RecordBuilder.Value, String)] {
            let found = String(decoding: line(event("k", value)), as: UTF8.self)
            XCTAssertTrue(found.contains(";metadata.k=\(written);name="), found)
        }
    }

    func testArgumentsAreJoined() throws {
        for (arguments, joined) in [
            ([], nil), ([""], ""), (["", ""], "|"), (["", "a"], "|a"), (["get", "", "x y"], "get||x y"),
        ] as [([String], String?)] {
            var builder = RecordBuilder()
            builder.arguments = arguments.map { Array($0.utf8) }
            XCTAssertEqual(try KeyValueLine(line(builder))["args"], joined, "\(arguments)")
        }
    }

    /// What a key cannot hold becomes '_', and the keys are sorted as they then stand.
    func testKeys() throws {
        var builder = RecordBuilder()
        builder.attributes = ["a b", "a.b", "aé", "a=b", "A-1", "", "name"].map { (Array($0.utf8), .bool(true)) }
        let keys = try KeyValueLine(line(builder)).keys.filter { $0.hasPrefix("metadata.") }
        XCTAssertEqual(
            keys,
            [
                "metadata.", "metadata.A-1", "metadata.a.b", "metadata.a__", "metadata.a_b", "metadata.a_b_2",
                "metadata.name",
            ])
        builder.attributes = ["a b", "a_b_2", "a=b", "a_b"].map { (Array($0.utf8), .bool(true)) }
        let same = try KeyValueLine(line(builder)).keys.filter { $0.hasPrefix("metadata.") }
        XCTAssertEqual(same, ["metadata.a_b", "metadata.a_b_2", "metadata.a_b_3", "metadata.a_b_4"])
    }

    /// Any text comes back as it was.
    func testRoundTrip() throws {
        var random = Splitter(state: 7)
        let alphabet = Array("ab\\\"=; \t\n\r|,\0\u{1}\u{7F}\u{85}é😀שe\u{301}\u{2028}").map { $0 } as [Character]
        for round in 0..<2000 {
            let text = String((0..<random.below(20)).map { _ in alphabet[random.below(alphabet.count)] })
            var builder = event("k", .string(Array(text.utf8)))
            builder.name = Array(text.utf8)
            builder.error = Array(text.utf8)
            let parsed = try KeyValueLine(line(builder))
            for key in ["metadata.k", "name"] {
                XCTAssertEqual(parsed[key].map { Array($0.utf8) }, Array(text.utf8), "round \(round), \(key)")
            }
            XCTAssertEqual(parsed["error"].map { Array($0.utf8) }, text.isEmpty ? nil : Array(text.utf8))
            XCTAssertNil(parsed["truncated"])
        }
    }

    /// A datagram has 1,400 bytes at most, whatever the event is; what is cut is cut between characters and marked.
    func testLongEvents() throws {
        for size in stride(from: 500, through: 1100, by: 1) {
            let text = String(String(repeating: "é", count: size / 2).prefix(size / 2))
            var builder = event("k", .string(Array(text.utf8)))
            builder.attributes.append((Array("l".utf8), .int(1)))
            let bytes = line(builder)
            let parsed = try KeyValueLine(bytes)
            XCTAssertLessThanOrEqual(bytes.count, KeyValueWriter.limit)
            XCTAssertEqual(parsed["metadata.l"], "1")
            let value = try XCTUnwrap(parsed["metadata.k"])
            XCTAssertTrue(text.hasPrefix(value))
            XCTAssertEqual(parsed["truncated"], value == text ? nil : "true", "\(size)")
        }
        var long = WireSample.fullEvent
        long.error = [UInt8](repeating: UInt8(ascii: "\\"), count: 4096)
        let parsed = try KeyValueLine(line(long))
        XCTAssertEqual(Set(try XCTUnwrap(parsed["error"])), ["\\"])
        XCTAssertEqual((parsed["metadata.b"], parsed["exit_code"], parsed["truncated"]).0, "true")
        XCTAssertEqual(parsed["truncated"], "true")
    }

    /// The worst there is: arguments and metadata go, and what every event has stays.
    func testLargestEvents() throws {
        var many = RecordBuilder()
        many.name = [UInt8](repeating: 0xFF, count: 256)
        many.type = [UInt8](repeating: UInt8(ascii: "\""), count: 64)
        many.attributes = (0..<64).map {
            (Array(("key" + String(repeating: "x", count: 59) + "\($0)").utf8.prefix(64)), .int(.min))
        }
        for builder in [many, WireSample.largestEvent] {
            let bytes = line(builder)
            let parsed = try KeyValueLine(bytes)
            XCTAssertLessThanOrEqual(bytes.count, KeyValueWriter.limit)
            XCTAssertEqual(parsed["truncated"], "true")
            XCTAssertEqual(parsed["machine_id"], "00ff")
            XCTAssertEqual(parsed["event_id"], "01020304-0506-0708-090a-0b0c0d0e0f10")
            XCTAssertEqual(
                parsed.keys.dropFirst().sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) },
                Array(parsed.keys.dropFirst()))
        }
    }

    /// A context that no writer of this version makes: every field as long as a length can say.
    func testLargestContext() throws {
        let area = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_535, alignment: 8)
        defer { area.deallocate() }
        for byte in [UInt8(ascii: "\\"), 0xFF, UInt8(ascii: "x"), 0x0A] {
            area.initializeMemory(as: UInt8.self, repeating: byte)
            let text = UnsafeRawBufferPointer(area)
            var context = EventContext()
            (context.toolName, context.toolVersion, context.os, context.osVersion, context.arch) = (
                text, text, text, text, text
            )
            (context.runtime, context.machineID) = (text, text)
            var builder = RecordBuilder()
            (builder.duration, builder.exitCode, builder.timestamp) = (.min, .min, .min)
            builder.errorCategory = [UInt8](repeating: byte, count: 60_000)
            let bytes = builder.bytes()
            withUnsafePointer(to: &context) { context in
                bytes.withUnsafeBytes { record in
                    writer.write(RecordView(record: record, context: context)!)
                }
            }
            XCTAssertLessThanOrEqual(writer.bytes.count, KeyValueWriter.limit)
            XCTAssertEqual(try KeyValueLine(writer.bytes)["exit_code"], "-2147483648")
        }
    }
}

/// A reader of the lines, as strict as their description.
struct KeyValueLine {
    struct Malformed: Error { let text: String }

    private(set) var pairs: [(key: String, value: String)] = []

    var keys: [String] { pairs.map { $0.key } }
    subscript(key: String) -> String? { pairs.last { $0.key == key }?.value }

    init(_ bytes: [UInt8]) throws {
        guard let text = String(validatingUTF8: bytes.map { CChar(bitPattern: $0 == 0 ? 1 : $0) } + [0]), !text.isEmpty
        else { throw Malformed(text: "no UTF-8") }
        guard bytes.starts(with: Array("<14>".utf8)), bytes.last == 0x0A else { throw Malformed(text: "head or end") }
        var rest = bytes.dropFirst(4).dropLast()
        let tag = rest.prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "=") }
        if tag.endIndex < rest.endIndex, rest[tag.endIndex] == UInt8(ascii: ":") {
            if tag.isEmpty || tag.count > 32 { throw Malformed(text: "tag") }
            rest = rest[tag.endIndex...].dropFirst(2)
        }
        guard rest.starts(with: Array("signal=".utf8)) else { throw Malformed(text: "no signal") }
        while true {
            guard let equals = rest.firstIndex(of: UInt8(ascii: "=")), equals > rest.startIndex || pairs.count > 0
            else { throw Malformed(text: "no key") }
            let key = rest[..<equals]
            rest = rest[(equals + 1)...]
            let value = rest.first == UInt8(ascii: "\"") ? try Self.quoted(&rest) : try Self.plain(&rest)
            pairs.append((String(decoding: key, as: UTF8.self), String(decoding: value, as: UTF8.self)))
            guard let next = rest.first else { return }
            guard next == UInt8(ascii: ";") else { throw Malformed(text: "something behind a value") }
            rest = rest.dropFirst()
        }
    }

    private static func plain(_ rest: inout ArraySlice<UInt8>) throws -> [UInt8] {
        let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
        let value = Array(rest[..<end])
        rest = rest[end...]
        if value.isEmpty || value.contains(where: { $0 <= 0x20 || $0 == 0x7F || [UInt8](#""\="#.utf8).contains($0) }) {
            throw Malformed(text: "needs quotes")
        }
        return value
    }

    private static func quoted(_ rest: inout ArraySlice<UInt8>) throws -> [UInt8] {
        let escapes: [UInt8: UInt8] = [0x22: 0x22, 0x5C: 0x5C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D]
        var value: [UInt8] = []
        rest = rest.dropFirst()
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return value
            case UInt8(ascii: "\\"):
                guard let next = rest.popFirst(), let meant = escapes[next] else { throw Malformed(text: "an escape") }
                value.append(meant)
            case 0x0A, 0x0D: throw Malformed(text: "a line's end")
            default: value.append(byte)
            }
        }
        throw Malformed(text: "no closing quote")
    }
}

/// Numbers that are the same in every run (splitmix64).
struct Splitter {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((word ^ (word >> 31)) % UInt64(limit))
    }
}
