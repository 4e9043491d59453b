import CSystem
import XCTest

@testable import TelemetryCore

/// C10: what is wrong with the registry is said with file, line, column and key.
final class EventsSectionTests: XCTestCase {
    private func parse(_ bytes: [UInt8]) throws -> Manifest {
        try bytes.withUnsafeBytes { try Manifest.parse($0, name: "f.yaml") }
    }

    private func check(_ events: String, _ expected: String, file: StaticString = #filePath, line: UInt = #line) {
        let text = "tool: {name: mytool}\nevents: " + events
        XCTAssertThrowsError(try parse(Array(text.utf8)), text, file: file, line: line) {
            XCTAssertEqual(($0 as? ManifestError)?.text, "f.yaml:" + expected, text, file: file, line: line)
        }
    }

    /// H9: spans are declared as events are, without types.
    func testSpans() throws {
        func check(_ spans: String, _ expected: String, line: UInt = #line) {
            XCTAssertThrowsError(try parse(Array("tool: {name: mytool}\nspans: \(spans)".utf8)), spans, line: line) {
                XCTAssertEqual(($0 as? ManifestError)?.text, "f.yaml:" + expected, spans, line: line)
            }
        }
        check("[a]", "2:8: spans: a sequence is not a mapping; expected a mapping")
        check("{a: {}}", "2:12: spans.a.description: missing; expected 1 to 1024 bytes of text for people")
        check(
            "{a: {description: d, type: x}}",
            "2:29: spans.a.type: unknown key; expected 'expires' or another of description, expires, attributes")
        check(
            "{a*b: {description: d}}",
            "2:9: spans.a*b: '*' before the end; expected it as the last character, for any rest")
        check(
            "{a: {description: d, expires: never}}",
            "2:38: spans.a.expires: 'never' is not a date; expected a day such as 2027-01-31")
        let many = "\n" + (0...500).map { "  e\($0): {description: d}\n" }.joined()
        check(many, "3:3: spans: too many spans; expected at most 500")
    }

    func testEvents() {
        let type = "expected a type of 1 to 64 letters, digits, '.', '_' or '-', or a list of up to 16"
        check("[a]", "2:9: events: a sequence is not a mapping; expected a mapping")
        check("{a: x}", "2:13: events.a: a single value is not a mapping; expected a mapping")
        check("{a: {}}", "2:13: events.a.description: missing; expected 1 to 1024 bytes of text for people")
        check(
            "{a: {description: ''}}",
            "2:27: events.a.description: '' is not a description; expected 1 to 1024 bytes of text for people")
        check(
            "{a: {description: ~}}",
            "2:27: events.a.description: '~' is not text; expected 1 to 1024 bytes of text for people")
        check(
            "{a: {description: \"\\e\"}}",
            "2:27: events.a.description: '?' is not a description; expected 1 to 1024 bytes of text for people")
        check(
            "{a: {descripton: d}}",
            "2:14: events.a.descripton: unknown key; expected 'description' or another of type, description, expires, attributes"
        )
        check("{'': {description: d}}", "2:10: events.: empty or too long; expected 1 to 256 bytes")
        check(
            "{a*b: {description: d}}",
            "2:10: events.a*b: '*' before the end; expected it as the last character, for any rest")
        check("{\"a\\n\": {description: d}}", "2:10: events.a?: a control character; expected a name without")
        check("{a: {description: d, type: 'a b'}}", "2:36: events.a.type: 'a b' is not a type; \(type)")
        check("{a: {description: d, type: []}}", "2:36: events.a.type: no list of types; \(type)")
        check("{a: {description: d, type: [x, {}]}}", "2:40: events.a.type: a mapping is not a type; \(type)")
        check("{a: {description: d, type: [x, x]}}", "2:40: events.a.type: 'x' is there twice; expected each type once")
        check(
            "{a: {description: d, type: heartbeat}}",
            "2:36: events.a.type: 'heartbeat' is always allowed; expected another type")
        for date in [
            "2027-02-29", "2027-13-01", "2027-1-1", "27-01-01", "2027-01-01T00:00:00Z", "never", "2027-00-10",
            "2300-01-01",
        ] {
            check(
                "{a: {description: d, expires: \(date)}}",
                "2:39: events.a.expires: '\(date)' is not a date; expected a day such as 2027-01-31")
        }
        let many = "\n" + (0...500).map { "  e\($0): {description: d}\n" }.joined()
        check(many, "3:3: events: too many events; expected at most 500")
    }

    private func attribute(_ attribute: String, _ expected: String, file: StaticString = #filePath, line: UInt = #line)
    {
        check("{a: {description: d, attributes:\n  {" + attribute + "}}}", expected, file: file, line: line)
    }

    func testAttributes() {
        attribute("os: {}", "3:4: events.a.attributes.os: 'os' is the name of an event field; expected another name")
        attribute("'': {}", "3:4: events.a.attributes.: key '' of 0 bytes; expected 1 to 64 bytes")
        attribute("k: 1", "3:7: events.a.attributes.k: a single value is not a mapping; expected a mapping")
        attribute("k: {}", "3:7: events.a.attributes.k.type: missing; expected string, int, double or bool")
        attribute(
            "k: {type: float}",
            "3:14: events.a.attributes.k.type: 'float' is not known; expected string, int, double or bool")
        attribute(
            "k: {type: int}",
            "3:7: events.a.attributes.k.description: missing; expected 1 to 1024 bytes of text for people")
        attribute(
            "k: {type: int, maxi: 1}",
            "3:19: events.a.attributes.k.maxi: unknown key; expected 'max' or another of type, description, enum, min, max, max_length, pattern, unit"
        )
        let numbers = "expected type: int or type: double"
        attribute(
            "k: {type: bool, description: d, enum: [true]}",
            "3:42: events.a.attributes.k.enum: does not go with type: bool; expected type: string or type: int")
        attribute(
            "k: {type: string, description: d, min: 1}",
            "3:43: events.a.attributes.k.min: does not go with type: string; \(numbers)")
        attribute(
            "k: {type: string, description: d, unit: s}",
            "3:44: events.a.attributes.k.unit: does not go with type: string; \(numbers)")
        attribute(
            "k: {type: int, description: d, pattern: a}",
            "3:44: events.a.attributes.k.pattern: does not go with type: int; expected type: string")
        attribute(
            "k: {type: int, description: d, max_length: 1}",
            "3:47: events.a.attributes.k.max_length: does not go with type: int; expected type: string")
        attribute(
            "k: {type: int, description: d, min: 5, max: 4}",
            "3:48: events.a.attributes.k.max: '4' is below min; expected no less than min")
        attribute(
            "k: {type: double, description: d, min: 0.5, max: 0.4}",
            "3:53: events.a.attributes.k.max: '0.4' is below min; expected no less than min")
        attribute(
            "k: {type: double, description: d, min: low}",
            "3:43: events.a.attributes.k.min: 'low' is not a number; expected a decimal number")
        attribute(
            "k: {type: int, description: d, min: 1.5}",
            "3:40: events.a.attributes.k.min: '1.5' is not an integer; expected an integer from -9223372036854775808 to 9223372036854775807"
        )
        attribute(
            "k: {type: string, description: d, max_length: 1025}",
            "3:50: events.a.attributes.k.max_length: '1025' is out of range; expected an integer from 1 to 1024")
        attribute(
            "k: {type: string, description: d, pattern: '(a'}",
            "3:47: events.a.attributes.k.pattern: '(' without ')'; expected '\\(' for the character")
        attribute(
            "k: {type: string, description: d, enum: []}",
            "3:44: events.a.attributes.k.enum: no list of values; expected a sequence of 1 to 256")
        attribute(
            "k: {type: string, description: d, enum: x}",
            "3:44: events.a.attributes.k.enum: no list of values; expected a sequence of 1 to 256")
        let strings = "expected strings, in quotes if they look like another type"
        attribute(
            "k: {type: string, description: d, enum: [a, 1]}",
            "3:48: events.a.attributes.k.enum: '1' is not of type string; \(strings)")
        attribute(
            "k: {type: string, description: d, enum: [a, true]}",
            "3:48: events.a.attributes.k.enum: 'true' is not of type string; \(strings)")
        attribute(
            "k: {type: int, description: d, enum: [1, '2']}",
            "3:45: events.a.attributes.k.enum: '2' is not of type int; expected integers of 64 bits")
        attribute(
            "k: {type: string, description: d, enum: [a, a]}",
            "3:48: events.a.attributes.k.enum: 'a' is there twice; expected each value once")
        let rules = "expected values that keep the other rules"
        attribute(
            "k: {type: string, description: d, max_length: 1, enum: [a, bb]}",
            "3:63: events.a.attributes.k.enum: 'bb' is outside max_length; \(rules)")
        attribute(
            "k: {type: string, description: d, pattern: '^a', enum: [b]}",
            "3:60: events.a.attributes.k.enum: 'b' is outside pattern; \(rules)")
        attribute(
            "k: {type: int, description: d, min: 2, enum: [1]}",
            "3:50: events.a.attributes.k.enum: '1' is outside min; \(rules)")
        let many = (0...64).map { "k\($0): {type: int, description: d}" }.joined(separator: ", ")
        attribute(many, "3:3: events.a.attributes: too many attributes; expected at most 64")
        let patterns = (0..<51).map { "k\($0): {type: string, description: d, pattern: a}" }.joined(separator: ", ")
        let two = "{a: {description: d, attributes: {\(patterns)}}, b: {description: d, attributes:\n {\(patterns)}}}"
        XCTAssertThrowsError(try parse(Array(("tool: {name: mytool}\nevents: " + two).utf8))) {
            XCTAssertTrue(
                "\($0)".contains(
                    "events.b.attributes.k49.pattern: one pattern too many; expected at most 100 in all events"),
                "\($0)")
        }
    }

    private static let valid = """
        tool: {name: mytool}
        events:
          ai.chat:
            type: [feature.used, own]
            description: A chat was started.
            expires: 2027-01-01
            attributes:
              provider: {type: string, description: d, enum: [claude, openai], max_length: 64, pattern: '^[a-z0-9-]+$'}
              tokens: {type: int, description: d, min: 0, max: 100000, unit: tokens}
              ratio: {type: double, description: d, min: 0, max: 1}
              cached: {type: bool, description: d}
          'deploy *': {description: "x"}
        """

    func testValid() throws {
        let registry = try XCTUnwrap(try parse(Array(Self.valid.utf8)).options.events)
        XCTAssertEqual(registry.declarations.map { $0.name }, ["ai.chat", "deploy *"])
        XCTAssertEqual(registry.declarations.map { $0.types }, [["feature.used", "own"], ["feature.used"]])
        let attributes = registry.declarations[0].attributes
        XCTAssertEqual(attributes.map { $0.kind.name }, ["string", "int", "double", "bool"])
        XCTAssertEqual(attributes[0].choices, [.string("claude"), .string("openai")])
        XCTAssertEqual(attributes[1].high, .int(100_000))
        XCTAssertEqual(attributes[2].high, .double(1))
        XCTAssertEqual(registry.declarations[0].expires?.text, "2027-01-01")
        XCTAssertNil(try parse(Array("tool: {name: mytool}".utf8)).options.events)
    }

    /// C10: a changed manifest is a manifest or an error, never a trap.
    func testMutations() {
        var random = SystemRandomNumberGenerator()
        let valid = Array(Self.valid.utf8)
        var taken = 0
        var refused = 0
        for _ in 0..<4_000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0x20...0x7E, using: &random)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(Array("{}[]*'\"-:,19\n ".utf8).randomElement(using: &random)!, at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 0...20, using: &random)))
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            do {
                _ = try parse(bytes)
                taken += 1
            } catch { refused += 1 }
        }
        XCTAssertGreaterThan(taken, 50)
        XCTAssertGreaterThan(refused, 1_000)
    }
}
