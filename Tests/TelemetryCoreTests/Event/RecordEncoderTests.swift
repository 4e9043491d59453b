import CSystem
import XCTest

@testable import TelemetryCore

/// C2, C8, C9: from a caller's event to a record, and back.
final class RecordEncoderTests: XCTestCase {
    private struct Result {
        var seen: Seen
        var isAdjusted: Bool
        var length: Int
        var flags: UInt16
    }

    /// `between`: what happens after the event was measured and before it is written.
    private func roundTrip(_ builder: InputBuilder, now: Int64 = 1000, between: () -> Void = {}) -> Result? {
        let segment = Sample.heapSegment(size: 1 << 18)
        defer { segment.release(removingFrom: nil) }
        return builder.withInput { input in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: EventLimits.attributes) { headers in
                var plan = RecordPlan(rules: input.rules, headers: headers.baseAddress!)
                plan.measure(input)
                between()
                XCTAssertLessThanOrEqual(plan.length, RecordLayout.maximumSize)
                memset(segment.base + 4096, 0xEE, 1 << 17)
                XCTAssertTrue(Recorder.record(input, &plan, now: now, in: segment.base, capacity: segment.size))
                let behind = UnsafeRawBufferPointer(start: segment.base + 4096 + plan.length, count: 64)
                XCTAssertTrue(behind.allSatisfy { $0 == 0xEE }, "nothing is written behind the record")
                var reader = SegmentReader(segment)
                guard let event = reader.next() else { return nil }
                let flags = segment.base.load(fromByteOffset: 4096 + 12, as: UInt16.self)
                return Result(seen: Seen(event), isAdjusted: plan.isAdjusted, length: plan.length, flags: flags)
            }
        }
    }

    func testEveryField() throws {
        let builder = InputBuilder(type: "command.error", name: "get apis")
        builder.category = Array("network".utf8)
        builder.error = Array("no route to høst".utf8)
        builder.duration = -7
        builder.exitCode = .min
        for argument in ["get", "", "--output=json"] { builder.argument(Array(argument.utf8)) }
        builder.string("text", Array("väl\tue".utf8))
        builder.string("empty", [])
        for value in [Int64.min, -1, 0, .max] { builder.int("i", value) }
        for value in [0.0, -0.5, Double.pi, .infinity, .greatestFiniteMagnitude] { builder.double("d", value) }
        builder.bool("yes", true)
        builder.bool("no", false)
        let result = try XCTUnwrap(roundTrip(builder, now: 1_778_596_245_123_456_789))
        XCTAssertFalse(result.isAdjusted)
        XCTAssertEqual(result.flags, 3)
        let seen = result.seen
        XCTAssertEqual(
            [seen.type, seen.name, seen.category, seen.error],
            ["command.error", "get apis", "network", "no route to høst"])
        XCTAssertEqual(seen.arguments, ["get", "", "--output=json"])
        XCTAssertEqual(
            seen.attributes,
            [
                "text=väl\tue", "empty=", "i=\(Int64.min)i", "i=-1i", "i=0i", "i=\(Int64.max)i", "d=0.0d", "d=-0.5d",
                "d=\(Double.pi)d",
                "d=infd", "d=\(Double.greatestFiniteMagnitude)d", "yes=true", "no=false",
            ])
        XCTAssertEqual(seen.duration, -7)
        XCTAssertEqual(seen.exitCode, .min)
        XCTAssertEqual(seen.timestamp, 1_778_596_245_123_456_789)
        XCTAssertEqual(seen.schema, 1)
    }

    /// Zero is a value, absence is none.
    func testZeroAndAbsent() throws {
        let builder = InputBuilder()
        XCTAssertNil(try XCTUnwrap(roundTrip(builder)).seen.duration)
        XCTAssertNil(try XCTUnwrap(roundTrip(builder)).seen.exitCode)
        XCTAssertEqual(try XCTUnwrap(roundTrip(builder)).flags, 0)
        (builder.duration, builder.exitCode) = (0, 0)
        let seen = try XCTUnwrap(roundTrip(builder)).seen
        XCTAssertEqual(seen.duration, 0)
        XCTAssertEqual(seen.exitCode, 0)
    }

    func testTooManyAttributesAndArguments() throws {
        for (count, isAdjusted) in [(63, false), (64, false), (65, true), (1000, true)] {
            let attributes = InputBuilder()
            let arguments = InputBuilder()
            for index in 0..<count {
                attributes.int("k\(index)", Int64(index))
                arguments.argument(Array("a\(index)".utf8))
            }
            let kept = min(count, 64)
            let first = try XCTUnwrap(roundTrip(attributes))
            XCTAssertEqual(first.seen.attributes, (0..<kept).map { "k\($0)=\($0)i" })
            let second = try XCTUnwrap(roundTrip(arguments))
            XCTAssertEqual(second.seen.arguments, (0..<kept).map { "a\($0)" })
            for result in [first, second] {
                XCTAssertEqual(result.isAdjusted, isAdjusted, "\(count)")
                XCTAssertEqual(result.flags, isAdjusted ? EventInput.isAdjusted : 0)
            }
        }
    }

    /// C8. Its neighbours stay.
    func testAttributesThatAreLeftOut() throws {
        let table: [(what: String, add: (InputBuilder) -> Void)] =
            [
                ("NULL key", { $0.string([UInt8]?.none, [0x61]) }), ("empty key", { $0.string("", [0x61]) }),
                ("NULL string", { $0.string("a", nil) }), ("type 4", { $0.unknown("a", type: 4) }),
                ("type 256", { $0.unknown("a", type: 256) }), ("a type beyond all", { $0.unknown("a", type: .max) }),
            ]
            + [
                "schema_version", "event_id", "timestamp", "type", "name", "machine_id", "tool_name", "version", "os",
                "arch", "os_version",
                "runtime", "duration_ms", "exit_code", "error_category", "args", "error", "metadata",
            ].map { key in
                ("reserved \(key)", { $0.int(key, 1) })
            }
        XCTAssertEqual(table.count, 24)
        for row in table {
            let builder = InputBuilder()
            builder.int("before", 1)
            row.add(builder)
            builder.bool("after", true)
            let result = try XCTUnwrap(roundTrip(builder), row.what)
            XCTAssertEqual(result.seen.attributes, ["before=1i", "after=true"], row.what)
            XCTAssertTrue(result.isAdjusted, row.what)
        }
    }

    func testNullArgumentIsEmpty() throws {
        let builder = InputBuilder()
        builder.argument([0x61])
        builder.argument(nil)
        builder.argument([0x62])
        XCTAssertEqual(try XCTUnwrap(roundTrip(builder)).seen.arguments, ["a", "", "b"])
    }

    /// Each text cut at its own limit.
    func testLimits() throws {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
        let builder = InputBuilder(name: String(repeating: "n", count: 300))
        builder.category = long
        builder.error = long
        builder.argument(long)
        builder.string(long, long)
        let result = try XCTUnwrap(roundTrip(builder))
        let seen = result.seen
        XCTAssertEqual([seen.name, seen.category, seen.error].map(\.utf8.count), [256, 64, 4096])
        XCTAssertEqual(seen.arguments.map(\.utf8.count), [1024])
        XCTAssertEqual(seen.attributes.map(\.utf8.count), [64 + 1 + 1024])
        XCTAssertTrue(result.isAdjusted)
    }

    /// Every part alone makes the event an adjusted one.
    func testRepairedText() throws {
        let broken: [UInt8] = [0x61, 0xFF, 0x62]
        let table: [(what: String, make: (InputBuilder) -> Void, read: (Seen) -> String)] = [
            ("category", { $0.category = broken }, { $0.category }), ("error", { $0.error = broken }, { $0.error }),
            ("argument", { $0.argument(broken) }, { $0.arguments.first ?? "" }),
            ("value", { $0.string("k", broken) }, { String($0.attributes.first?.dropFirst(2) ?? "") }),
            ("key", { $0.string(broken, [0x76]) }, { String($0.attributes.first?.dropLast(2) ?? "") }),
        ]
        for row in table {
            let builder = InputBuilder()
            row.make(builder)
            let result = try XCTUnwrap(roundTrip(builder), row.what)
            XCTAssertEqual(row.read(result.seen), "a\u{FFFD}b", row.what)
            XCTAssertTrue(result.isAdjusted, row.what)
        }
    }

    /// A broken key with a sound value, cut and replaced together.
    func testRepairedAndCut() throws {
        let builder = InputBuilder()
        builder.string([UInt8](repeating: 0xFF, count: 40), Array(String(repeating: "€", count: 400).utf8))
        let result = try XCTUnwrap(roundTrip(builder))
        let expected = String(repeating: "\u{FFFD}", count: 21) + "=" + String(repeating: "€", count: 341)
        XCTAssertEqual(result.seen.attributes, [expected])
    }

    /// What does not fit is left out, and what comes behind it and fits is kept.
    func testRecordSizeLimit() throws {
        let value = [UInt8](repeating: UInt8(ascii: "v"), count: 1024)
        let attributes = InputBuilder()
        for index in 0..<63 { attributes.string(String(repeating: "k", count: 62) + String(10 + index), value) }
        attributes.int("last", 1)
        let first = try XCTUnwrap(roundTrip(attributes))
        XCTAssertEqual(first.seen.attributes.count, (65_528 - 64 - 18) / (4 + 64 + 1024) + 1)
        XCTAssertEqual(first.seen.attributes.last, "last=1i")
        XCTAssertTrue(first.isAdjusted)

        let arguments = InputBuilder()
        for _ in 0..<64 { arguments.argument(value) }
        arguments.int("kept", 1)
        let second = try XCTUnwrap(roundTrip(arguments))
        XCTAssertEqual(second.seen.arguments.count, (65_528 - 64 - 18) / 1026)
        XCTAssertEqual(second.seen.attributes, ["kept=1i"])
        XCTAssertTrue(second.isAdjusted)
    }

    /// Exactly the largest record, and one byte more.
    func testLargestRecord() throws {
        for (extra, count) in [(0, 64), (1, 63)] {
            let builder = InputBuilder()
            for _ in 0..<63 { builder.argument([UInt8](repeating: 0x61, count: 1024)) }
            builder.argument([UInt8](repeating: 0x62, count: 65_528 - 64 - 18 - 63 * 1026 - 2 + extra))
            let result = try XCTUnwrap(roundTrip(builder))
            XCTAssertEqual(result.seen.arguments.count, count)
            if extra == 0 { XCTAssertEqual(result.length, 65_528) }
        }
    }

    private static let starts: [[UInt8]] = [Array("abcdefgh".utf8), [0xFF, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68]]
    private static let changes: [[UInt8]] = [
        Array("ABCDEFGH".utf8), [0x41, 0, 0, 0, 0, 0, 0, 0], [UInt8](repeating: 0xFF, count: 8),
        [0xE2, 0x82, 0xAC, 0xE2, 0x82, 0xAC, 0xC3, 0xA9],
    ]

    /// Another thread writes to the strings after they were measured: the record stays whole.
    func testAttributesThatChangeMeanwhile() throws {
        for start in Self.starts {
            for change in Self.changes {
                let builder = InputBuilder()
                // Measured as shorter than the memory behind it, which the change makes longer.
                let areas = [builder.string("k", start), builder.string("l", [0x61, 0] + start)]
                let result = try XCTUnwrap(
                    roundTrip(builder) {
                        for case let area? in areas { memcpy(area, change, 8) }
                    }, "\(start) \(change)")
                XCTAssertEqual(result.seen.arguments.count, 0)
                XCTAssertEqual(result.seen.attributes.count, 2)
            }
        }
    }

    /// The same of arguments, which are measured twice.
    func testArgumentsThatChangeMeanwhile() throws {
        for start in Self.starts {
            for change in Self.changes {
                let builder = InputBuilder()
                // Measured as shorter than the memory behind it, which the change makes longer.
                let areas = [builder.argument(start), builder.argument([0x61, 0] + start)]
                let result = try XCTUnwrap(
                    roundTrip(builder) {
                        for case let area? in areas { memcpy(area, change, 8) }
                    }, "\(start) \(change)")
                XCTAssertEqual(result.seen.arguments.count, 2)
                XCTAssertEqual(result.seen.attributes.count, 0)
            }
        }
    }
}

/// C2: RFC 9562, section 5.7.
final class EventIdentifierTests: XCTestCase {
    func testVersionVariantAndTime() {
        for now in [Int64.min, -1, 0, 1, 999_999, 1_000_000, 1_778_596_245_123_456_789, .max] {
            for generation in [UInt64.min, 1, 0x8000_0000_0000_0000, .max] {
                for offset in [0, 4096, 16 << 20] {
                    let id = EventIdentifier.make(now: now, generation: generation, offset: offset)
                    XCTAssertEqual(id.high >> 12 & 0xF, 7)
                    XCTAssertEqual(id.low >> 62, 2)
                    XCTAssertEqual(id.high >> 16, UInt64(max(0, now)) / 1_000_000)
                }
            }
        }
    }

    /// A 4096th of a millisecond later is later, also into the next millisecond.
    func testMonotonicInTime() {
        let start: Int64 = 1_778_596_245_000_000_000
        let first = EventIdentifier.make(now: start, generation: 1, offset: 0).high
        for step in 0..<4096 * 3 {
            let now = start + (Int64(step) * 1_000_000 + 4095) / 4096
            let high = EventIdentifier.make(now: now, generation: 1, offset: 0).high
            let expected = first + UInt64(step / 4096) << 16 + UInt64(step % 4096)
            if high != expected { XCTFail("step \(step)") }
        }
    }

    /// All at the same instant: every place in a segment, and one place in many.
    func testUnique() {
        var seen = Set<UInt64>()
        for offset in stride(from: 4096, to: 4096 + 8 * 100_000, by: 8) {
            seen.insert(EventIdentifier.make(now: 5, generation: 0x1234_5678_9ABC_DEF0, offset: offset).low)
        }
        XCTAssertEqual(seen.count, 100_000)
        var generations = Set<UInt64>()
        for generation in UInt64(0)..<50_000 {
            generations.insert(EventIdentifier.make(now: 5, generation: generation &* 7, offset: 4096).low)
        }
        XCTAssertEqual(generations.count, 50_000)
    }
}
