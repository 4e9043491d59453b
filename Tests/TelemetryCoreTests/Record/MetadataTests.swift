import XCTest

@testable import TelemetryCore

/// C8: what a tool may send with every event.
final class MetadataTests: XCTestCase {
    private func problem(_ attributes: [(key: String, value: AttributeValue)]) -> String? {
        Metadata.validate(attributes)
    }

    func testGood() {
        XCTAssertNil(problem([]))
        XCTAssertNil(problem([("a", .string("")), ("b", .int(.min)), ("c", .double(.nan)), ("d", .bool(true))]))
        XCTAssertNil(problem([(String(repeating: "k", count: 64), .int(1))]))
        XCTAssertNil(problem((0..<32).map { ("key\($0)", .bool(false)) }))
    }

    func testCount() {
        XCTAssertEqual(problem((0..<33).map { ("key\($0)", .int(1)) }), "33 attributes; expected at most 32")
    }

    func testKeys() {
        let table = [
            ("", "key '' of 0 bytes; expected 1 to 64 bytes"),
            (
                String(repeating: "k", count: 65),
                "key '\(String(repeating: "k", count: 64))...' of 65 bytes; expected 1 to 64 bytes"
            ),
            ("os", "'os' is the name of an event field; expected another name"),
            ("exit_code", "'exit_code' is the name of an event field; expected another name"),
        ]
        for (key, expected) in table { XCTAssertEqual(problem([(key, .int(1))]), expected) }
        XCTAssertEqual(
            problem([("a", .int(1)), ("b", .int(1)), ("a", .int(2))]), "'a' is there twice; expected each key once")
    }

    /// 4 bytes, the key and the value of each: 1024 fit, 1025 do not.
    func testTotal() {
        let full = 1024 - 4 - 1
        XCTAssertNil(problem([("a", .string(String(repeating: "v", count: full)))]))
        XCTAssertEqual(
            problem([("a", .string(String(repeating: "v", count: full + 1)))]),
            "1025 bytes; expected at most 1024, counting 4 bytes, the key and the value of each")
        XCTAssertEqual(Metadata.encodedBytes("é", .int(1)), 4 + 2 + 8)
        XCTAssertEqual(Metadata.encodedBytes("k", .bool(true)), 4 + 1 + 1)
    }
}
