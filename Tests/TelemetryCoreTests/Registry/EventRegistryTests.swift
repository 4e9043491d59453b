import CSystem
import XCTest

@testable import TelemetryCore

/// C10: what is declared, and under which rules.
final class EventRegistryTests: XCTestCase {
    private func registry(_ events: String) throws -> EventRegistry {
        let text = "tool: {name: mytool}\nevents:\n" + events
        return try XCTUnwrap(
            try Array(text.utf8).withUnsafeBytes { try Manifest.parse($0, name: "f.yaml") }.options.events)
    }

    /// The description of the declaration found; nil: none.
    private func find(_ registry: EventRegistry, _ type: String, _ name: String, now: Int64 = 0) -> Int? {
        type.withCString { type in
            name.withCString { name in
                let text = Text(name, limit: EventLimits.nameBytes)
                guard let event = registry.table.pointee.find(Text(type, limit: 64), text, now: now) else { return nil }
                return event.pointee.ruleCount
            }
        }
    }

    func testMatching() throws {
        // Told apart by how many attributes they have.
        let a = { (count: Int) in
            "attributes: {" + (0..<count).map { "k\($0): {type: int, description: d}" }.joined(separator: ", ") + "}"
        }
        let registry = try registry(
            """
              build: {description: d, \(a(1))}
              deploy *: {description: d, \(a(2))}
              deploy prod *: {description: d, \(a(3))}
              '*': {type: [command.invocation, own.type], description: d, \(a(4))}
              deploy prod now: {description: d, \(a(5))}
              deploy: {type: command.invocation, description: d, \(a(6))}
            """)
        let table: [(String, String, Int?)] = [
            ("feature.used", "build", 1), ("feature.used", "builds", nil), ("feature.used", "buil", nil),
            ("feature.used", "Build", nil),
            ("feature.used", "deploy x", 2), ("feature.used", "deploy ", 2), ("feature.used", "deploy", nil),
            ("feature.used", "deploy prod x", 3), ("feature.used", "deploy prod now", 5),
            ("feature.used", "deploy prod now!", 3),
            // The exact name has another type: the longest beginning that has it.
            ("command.invocation", "build", 4), ("own.type", "deploy prod now", 4), ("command.invocation", "deploy", 6),
            ("other", "build", nil), ("feature.use", "build", nil), ("own.typ", "x", nil),
        ]
        for (type, name, expected) in table { XCTAssertEqual(find(registry, type, name), expected, "\(type) \(name)") }
        // A name that was cut or repaired is none that was declared.
        XCTAssertNil(find(registry, "own.type", String(repeating: "x", count: 257)))
        XCTAssertEqual(find(registry, "own.type", String(repeating: "x", count: 256)), 4)
    }

    func testManyNames() throws {
        let names = (0..<500).map { "event-number-\($0 * 7919 % 5000)-\(String(repeating: "x", count: $0 % 20))" }
        let registry = try registry(names.map { "  \($0): {description: d}\n" }.joined())
        for name in names {
            XCTAssertEqual(find(registry, "feature.used", name), 0, name)
            XCTAssertNil(find(registry, "feature.used", name + "y"))
        }
    }

    /// The words by which texts are compared first are the same for a text of eight bytes and for its complement.
    func testEqualWords() throws {
        let name = "1a2b3c4d"
        let other = String(decoding: name.utf8.map { ~$0 }, as: UTF8.self)
        XCTAssertEqual(other.utf8.map { ~$0 }, Array(name.utf8))
        let registry = try registry(
            "  \(name): {description: d, attributes: {\(name): {type: string, description: d, enum: [\(name)]}}}\n")
        XCTAssertEqual(find(registry, "feature.used", name), 1)
        XCTAssertNil(find(registry, "feature.used", other))
        defer { withExtendedLifetime(registry) {} }
        let rule = try XCTUnwrap(
            "feature.used".withCString { type in
                name.withCString { registry.table.pointee.find(Text(type, limit: 64), Text($0, limit: 64), now: 0) }
            })
        for (key, found) in [(name, true), (other, false)] {
            let bytes = Array(key.utf8)
            XCTAssertEqual(
                bytes.withUnsafeBufferPointer { rule.pointee.rule($0.baseAddress!, $0.count) } != nil, found, key)
            let allowed = try XCTUnwrap(
                Array(name.utf8).withUnsafeBufferPointer { rule.pointee.rule($0.baseAddress!, $0.count) })
            XCTAssertEqual(key.withCString { allowed.pointee.allows(Text($0, limit: 64)) }, found, key)
        }
    }

    func testEmpty() throws {
        let registry = try registry("  {}")
        XCTAssertNil(find(registry, "feature.used", "x"))
        XCTAssertNil(find(registry, "feature.used", ""))
    }

    /// From 00:00 UTC of the day on.
    func testExpiry() throws {
        let registry = try registry(
            "  a: {description: d, expires: 2027-01-01}\n  b*: {description: d, expires: 2024-02-29}\n")
        let day: Int64 = 1_798_761_600_000_000_000
        XCTAssertNotNil(find(registry, "feature.used", "a", now: day - 1))
        XCTAssertNil(find(registry, "feature.used", "a", now: day))
        XCTAssertNil(find(registry, "feature.used", "a", now: .max))
        XCTAssertNotNil(find(registry, "feature.used", "b1", now: 1_709_164_799_999_999_999))
        XCTAssertNil(find(registry, "feature.used", "b1", now: 1_709_164_800_000_000_000))
    }

    private static let rules = """
          e:
            description: d
            attributes:
              text: {type: string, description: d}
              short: {type: string, description: d, max_length: 3}
              kind: {type: string, description: d, enum: [claude, openai, 'no', a-long-enough-choice]}
              slug: {type: string, description: d, pattern: '^[a-z-]+$'}
              count: {type: int, description: d, min: -5, max: 10}
              code: {type: int, description: d, enum: [200, 404, -1]}
              ratio: {type: double, description: d, min: 0, max: 1}
              free: {type: double, description: d}
              flag: {type: bool, description: d}

        """

    /// What is left of the attributes, and how many the registry refused.
    private func admitted(_ add: (InputBuilder) -> Void) throws -> (kept: [Int], refused: Int, isAdjusted: Bool) {
        let registry = try registry(Self.rules)
        let builder = InputBuilder(name: "e")
        add(builder)
        return builder.withInput { given in
            var input = given
            input.rules = registry.table.pointee.find(input.type, input.name, now: 0)
            XCTAssertNotNil(input.rules)
            var headers = [UInt32](repeating: 0, count: 64)
            return headers.withUnsafeMutableBufferPointer { headers in
                var plan = RecordPlan(rules: input.rules, headers: headers.baseAddress!)
                plan.measure(input)
                let kept = (0..<input.attributeCount).filter { plan.skipped >> UInt64($0) & 1 == 0 }
                return (kept, plan.refusedCount, plan.isAdjusted)
            }
        }
    }

    func testRules() throws {
        let good: [(InputBuilder) -> Void] = [
            { $0.string("text", Array("anything".utf8)) }, { $0.string("text", []) },
            { $0.string("short", Array("abc".utf8)) },
            { $0.string("kind", Array("claude".utf8)) }, { $0.string("kind", Array("a-long-enough-choice".utf8)) },
            { $0.string("slug", Array("a-b".utf8)) }, { $0.int("count", -5) }, { $0.int("count", 10) },
            { $0.int("code", 404) },
            { $0.int("code", -1) }, { $0.double("ratio", 0) }, { $0.double("ratio", 1) }, { $0.double("free", -1e300) },
            { $0.double("free", .nan) }, { $0.bool("flag", true) },
        ]
        for (index, add) in good.enumerated() {
            let result = try admitted(add)
            XCTAssertEqual(result.kept, [0], "good \(index)")
            XCTAssertEqual(result.refused, 0, "good \(index)")
            XCTAssertFalse(result.isAdjusted, "good \(index)")
        }
        let bad: [(InputBuilder) -> Void] = [
            { $0.string("other", Array("x".utf8)) }, { $0.string("Text", Array("x".utf8)) },
            { $0.string("tex", Array("x".utf8)) },
            { $0.string("texts", Array("x".utf8)) }, { $0.int("text", 1) }, { $0.bool("count", true) },
            { $0.int("ratio", 1) },
            { $0.double("count", 1) }, { $0.string("short", Array("abcd".utf8)) },
            { $0.string("kind", Array("claud".utf8)) },
            { $0.string("kind", []) }, { $0.string("kind", Array("a-long-enough-choicf".utf8)) },
            { $0.string("slug", Array("A".utf8)) },
            { $0.string("slug", Array(repeating: 0x61, count: 1025)) }, { $0.string("kind", [0xFF]) },
            { $0.int("count", -6) },
            { $0.int("count", 11) }, { $0.int("count", .min) }, { $0.int("code", 201) },
            { $0.double("ratio", 1.0000001) },
            { $0.double("ratio", .nan) }, { $0.double("ratio", -.infinity) },
            { $0.string([0x74, 0x65, 0x78, 0x74, 0xFF], Array("x".utf8)) },
        ]
        for (index, add) in bad.enumerated() {
            let result = try admitted(add)
            XCTAssertEqual(result.kept, [], "bad \(index)")
            XCTAssertEqual(result.refused, 1, "bad \(index)")
            XCTAssertTrue(result.isAdjusted, "bad \(index)")
        }
        let mixed = try admitted {
            $0.int("count", 99)
            $0.int("code", 200)
            $0.bool("nothing", true)
            $0.bool("flag", false)
        }
        XCTAssertEqual(mixed.kept, [1, 3])
        XCTAssertEqual(mixed.refused, 2)
    }

    func testLongTextIsCutWithoutMaxLength() throws {
        let result = try admitted { $0.string("text", Array(repeating: 0x61, count: 2000)) }
        XCTAssertEqual(result.kept, [0])
        XCTAssertEqual(result.refused, 0)
        XCTAssertTrue(result.isAdjusted)
    }

    func testAlwaysAllowed() {
        for (type, name, expected) in [
            ("data.deletion_request", "deletion_request", true), ("data.deletion_request", "diary", false),
            ("heartbeat", "heartbeat", true), ("heartbeat", "diary", false), ("heartbea", "heartbea", false),
            ("feature.used", "heartbeat", false),
        ] {
            let isAllowed = Array(type.utf8).withUnsafeBytes { type in
                Array(name.utf8).withUnsafeBytes { EventSchema.isAlwaysAllowed(type, $0) }
            }
            XCTAssertEqual(isAllowed, expected, type + " " + name)
        }
    }
}
