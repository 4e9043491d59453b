import XCTest

@testable import TelemetryCore

/// H10: `traceparent`, and the ids of new spans.
final class TraceContextTests: XCTestCase {
    private func parse(_ text: String) -> TraceContext? { TraceContext(text: text) }

    private func text(_ context: TraceContext) -> String {
        String(unsafeUninitializedCapacity: TraceContext.textLength) {
            context.write(to: $0.baseAddress!)
            return TraceContext.textLength
        }
    }

    private let high: UInt64 = 0x0af7_6519_16cd_43dd
    private let low: UInt64 = 0x8448_eb21_1c80_319c
    private let ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"

    func testParsed() throws {
        let context = try XCTUnwrap(parse("00-\(ids)-01"))
        XCTAssertEqual(context.traceID, TraceID(high: high, low: low))
        XCTAssertEqual(context.spanID, 0xb7ad_6b71_6920_3331)
        XCTAssertEqual(context.flags, 1)
        XCTAssertTrue(context.isRemote && context.isSampled)
    }

    /// What is answered: nil, or a text of version 00.
    func testForms() {
        let table: [(String, String?)] = [
            ("00-\(ids)-00", "00-\(ids)-00"), ("00-\(ids)-02", "00-\(ids)-02"), ("00-\(ids)-03", "00-\(ids)-03"),
            // Flags that are not known are zeroed.
            ("00-\(ids)-ff", "00-\(ids)-03"), ("00-\(ids)-fc", "00-\(ids)-00"), ("00-\(ids)-09", "00-\(ids)-01"),
            // A higher version.
            ("01-\(ids)-01", "00-\(ids)-01"), ("fe-\(ids)-81", "00-\(ids)-01"), ("cc-\(ids)-01-", "00-\(ids)-01"),
            ("cc-\(ids)-01-more -and\u{7F}", "00-\(ids)-01"), ("cc-\(ids)-01.", nil), ("cc-\(ids)-010", nil),
            ("cc-\(ids)-0", nil), ("cc-\(ids)-01 \t", "00-\(ids)-01"), ("cc-\(ids)-01,cc-\(ids)-01", nil),
            ("ff-\(ids)-01", nil), ("ff-\(ids)-01-more", nil),
            ("00-\(ids)-01-", nil), ("00-\(ids)-01-more", nil), ("00-\(ids)-010", nil), ("00-\(ids)-1", nil),
            ("00-\(ids)-", nil), ("00-\(ids)", nil), ("", nil), (" ", nil), ("00", nil), ("-", nil),
            ("0-\(ids)-01", nil), ("000-\(ids)-01", nil), ("0A-\(ids)-01", nil), ("00-\(ids.uppercased())-01", nil),
            ("00-\(ids)-0A", nil), ("00_\(ids)-01", nil), ("00-\(ids)_01", nil),
            ("00-\(ids.replacingOccurrences(of: "-", with: "0"))-01", nil),
            ("00-\(String(repeating: "0", count: 32))-b7ad6b7169203331-01", nil),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", nil),
            // Half of an id may be zero.
            (
                "00-00000000000000000000000000000001-0000000000000001-01",
                "00-00000000000000000000000000000001-0000000000000001-01"
            ),
            (
                "00-00000000000000010000000000000000-1000000000000000-00",
                "00-00000000000000010000000000000000-1000000000000000-00"
            ),
            (
                "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01",
                "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01"
            ),
            // White space.
            (" 00-\(ids)-01", "00-\(ids)-01"), ("\t \t00-\(ids)-01\t ", "00-\(ids)-01"), ("00-\(ids)-01\n", nil),
            ("00-\(ids)-01\r\n", nil), ("\u{A0}00-\(ids)-01", nil), ("00-\(ids)- 1", nil), ("00 -\(ids)-01", nil),
        ]
        for (given, expected) in table { XCTAssertEqual(parse(given).map(text), expected, given) }
    }

    /// Every byte of a version 00 that is not the right kind is refused.
    func testEveryByte() {
        let whole = Array("00-\(ids)-01".utf8)
        for place in whole.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = whole
                changed[place] = byte
                let isDigit = (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
                let isVersion = place < 2
                let isRight = byte == whole[place] || (isDigit && whole[place] != 0x2D && !isVersion)
                let result = changed.withUnsafeBytes { TraceContext($0) }
                if isVersion && isDigit { XCTAssertNotNil(result) } else { XCTAssertEqual(result != nil, isRight) }
            }
        }
        for count in 0..<whole.count { XCTAssertNil(whole[..<count].withUnsafeBytes { TraceContext($0) }) }
        XCTAssertNil(TraceContext(UnsafeRawBufferPointer(start: nil, count: 0)))
    }

    func testWhatIsWrittenIsReadBack() throws {
        for _ in 0..<1000 {
            let (high, low, spanID) = (
                UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max)
            )
            let made = try XCTUnwrap(
                TraceContext(
                    traceID: TraceID(high: high, low: low), spanID: spanID | 1, flags: .random(in: 0...255),
                    isRemote: true))
            XCTAssertEqual(parse(text(made)), made)
        }
    }

    func testRandomBytes() {
        for _ in 0..<20_000 {
            var bytes = Array("00-\(ids)-01".utf8)
            for _ in 0..<Int.random(in: 0...4) { bytes[.random(in: bytes.indices)] = .random(in: 0...255) }
            if Bool.random() { bytes += (0..<Int.random(in: 0...9)).map { _ in .random(in: 0...255) } }
            guard let context = bytes.withUnsafeBytes({ TraceContext($0) }) else { continue }
            XCTAssertEqual(parse(text(context)), context)
        }
    }

    // MARK: new spans

    func testZeroIDsAreRefused() {
        XCTAssertNil(TraceContext(traceID: TraceID(high: 0, low: 0), spanID: 1, flags: 0, isRemote: false))
        XCTAssertNil(TraceContext(traceID: TraceID(high: 1, low: 0), spanID: 0, flags: 0, isRemote: false))
    }

    func testRoot() {
        var asked: TraceID?
        let sampled = TraceContext.root {
            asked = $0
            return true
        }
        XCTAssertEqual(asked, sampled.traceID)
        XCTAssertEqual(sampled.flags, 3)
        XCTAssertFalse(sampled.isRemote)
        XCTAssertTrue(text(sampled).hasSuffix("-03"))
        let other = TraceContext.root { _ in false }
        XCTAssertEqual(other.flags, 2)
        XCTAssertNotEqual(other.traceID, sampled.traceID)
        XCTAssertNotEqual(other.spanID, sampled.spanID)
    }

    func testChild() throws {
        for (flags, isSampled, expected) in [
            ("00", true, UInt8(1)), ("00", false, 0), ("01", true, 1), ("01", false, 0), ("02", true, 3),
            ("03", false, 2), ("ff", true, 3),
        ] {
            let parent = try XCTUnwrap(parse("00-\(ids)-\(flags)"))
            let child = parent.child(isSampled: isSampled)
            XCTAssertEqual(child.traceID, parent.traceID)
            XCTAssertNotEqual(child.spanID, parent.spanID)
            XCTAssertEqual(child.flags, expected)
            XCTAssertFalse(child.isRemote)
        }
    }

    func testIDsAreNotRepeated() {
        var (traces, spans) = (Set<[UInt64]>(), Set<UInt64>())
        for _ in 0..<2000 {
            let root = TraceContext.root { _ in true }
            traces.insert([root.traceID.high, root.traceID.low])
            spans.insert(root.spanID)
            spans.insert(root.child(isSampled: true).spanID)
        }
        XCTAssertEqual(traces.count, 2000)
        XCTAssertEqual(spans.count, 4000)
    }
}
