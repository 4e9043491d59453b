import TelemetryCore
import XCTest

@testable import TelemetryAgent

final class LineRecordTests: XCTestCase {
    private func read(_ line: String) -> Result<LineRecord, LineMistake> {
        Array(line.utf8).withUnsafeBytes { bytes in
            do throws(LineMistake) { return .success(try LineRecord(bytes)) } catch { return .failure(error) }
        }
    }

    private func mistake(_ line: String) -> String? {
        if case .failure(let mistake) = read(line) { return mistake.text }
        return nil
    }

    func testMistakes() {
        for (line, expected) in [
            ("{", "byte 2: expected a key in quotes"), ("{\"tool\" 1}", "byte 9: expected ':' behind the key"),
            ("{\"tool\":\"t\",}", "byte 13: expected a key in quotes"),
            ("{} x", "byte 4: expected the end of the line"),
            ("{\"tool\":[1]}", "no list"), ("{\"a\":{\"b\":{}}}", "no object in an object"),
            ("{}", "'tool' is missing"),
            ("{\"tool\":1}", "'tool': expected a text, got a number"), ("{\"tool\":\"t\"}", "'name' is missing"),
            ("{\"tool\":\"t\",\"tool\":\"t\"}", "'tool' is there twice"),
            ("{\"tool\":\"t\",\"name\":\"\\u0000\"}", "no U+0000"),
            (
                "{\"tool\":\"t\",\"nmae\":\"x\",\"name\":\"x\"}",
                "an event has no member 'nmae' (did you mean 'name'?); expected tool, version, type, name, "
            ),
            ("{\"tool\":\"t\",\"name\":\"x\",\"timestamp\":\"yesterday\"}", "'timestamp': expected a time"),
            ("{\"tool\":\"t\",\"name\":\"x\",\"exit_code\":1.5}", "'exit_code': expected a whole number, got a number"),
            (
                "{\"tool\":\"t\",\"name\":\"x\",\"exit_code\":2147483648}",
                "'exit_code': expected a number from -2147483648"
            ),
            ("{\"tool\":\"t\",\"name\":\"x\",\"error_category\":\"bad\"}", "'error_category': expected one of "),
            ("{\"tool\":\"t\",\"gauge\":\"x\"}", "'value' is missing"),
            ("{\"tool\":\"t\",\"name\":\"x\",\"a\":01}", "',' or '}'"),
            (
                "{\"tool\":\"t\",\"count\":\"x\",\"value\":1}",
                "a counter has no member 'value'; expected its number in 'by'"
            ),
            ("{\"tool\":\"t\",\"gauge\":\"x\",\"by\":1}", "a gauge has no member 'by'; expected its number in 'value'"),
            (
                "{\"tool\":\"t\",\"observe\":\"x\",\"by\":1,\"value\":1}",
                "a histogram has no member 'by'; expected its number in 'value'"
            ),
            (
                "{\"tool\":\"t\",\"gauge\":\"x\",\"value\":1,\"attribute\":{}}",
                "a gauge has no member 'attribute' (did you mean 'attributes'?); expected tool, version, gauge, value, unit or attributes"
            ),
            (
                "{\"tool\":\"t\",\"nam\":\"x\"}",
                "'name' is missing (did you mean 'name' by 'nam'?); expected 'name' of an"
            ),
            ("{\"tool\":\"t\",\"cuont\":\"x\"}", "'name' is missing (did you mean 'count' by 'cuont'?); expected"),
            ("{\"Tool\":\"t\",\"name\":\"x\"}", "'tool' is missing (did you mean 'tool' by 'Tool'?); expected"),
            ("{\"tool\":\"t\",\"nom\":\"x\"}", "'name' is missing; expected 'name' of an event"),
            ("[1]", "byte 1: expected '{': each line is a JSON object, such as {\"tool\""),
            (" tool=x", "byte 2: expected '{': each line is"),
            ("{\"tool\":\"t\",\"observe\":\"x\",\"value\":1e999}", "a number that 64 bits can hold"),
            ("{\"tool\":\"t\",\"type\":\"span\",\"name\":\"x\"}", "'timestamp' and 'duration_ns'"),
            (
                "{\"tool\":\"t\",\"type\":\"span\",\"name\":\"x\",\"trace_id\":\"1\"}",
                "'trace_id': expected 32 hexadecimal digits"
            ),
            ("{\"tool\":\"\u{1}\"}", "no control character"), ("{\"tool\":\"t\\x\"}", "an escape of JSON"),
            ("{\"tool\":\"t", "the end of a text"), ("{\"tool\":tru}", "a value"), ("{\"tool\":-}", "a value"),
        ] {
            XCTAssert(mistake(line)?.contains(expected) == true, "\(line): \(mistake(line) ?? "no mistake")")
        }
        let many = (0...128).map { "\"k\($0)\":1" }.joined(separator: ",")
        XCTAssertEqual(mistake("{\"tool\":\"t\",\"name\":\"x\",\"metadata\":{\(many)}}")?.contains("128 members"), true)
    }

    /// What is wrong behind the tool's name leaves the name known.
    func testToolOfMistakes() {
        for (line, tool) in [
            ("{\"tool\":\"t\"}", "t"), ("{\"tool\":\"t\",\"name\":\"x\",\"colour\":1}", "t"),
            ("{\"tool\":\"t\",\"gauge\":1}", "t"), ("{\"tool\":\"t\",\"name\"", nil), ("{}", nil),
            ("{\"tool\":1}", nil),
        ] as [(String, String?)] {
            guard case .failure(let mistake) = read(line) else { return XCTFail(line) }
            XCTAssertEqual(mistake.tool, tool, line)
        }
    }

    func testContents() throws {
        let event = try read(
            #"{"tool":"t","version":"2","type":"a.b","name":"\u00e4\ud83d\ude00\ud800","timestamp":"2026-05-12T14:30:45.5+02:00","metadata":{"i":-1,"d":0.5,"b":true,"n":null,"s":"x"},"duration_ms":7,"exit_code":-1,"error_category":"network"}"#
        ).get()
        guard case .event(let found) = event.content else { return XCTFail("no event") }
        XCTAssertEqual([event.tool, event.version], ["t", "2"])
        XCTAssertEqual(String(decoding: found.name, as: UTF8.self), "ä😀\u{FFFD}")
        XCTAssertEqual(found.time, 1_778_589_045_500_000_000)
        XCTAssertEqual(found.attributes.count, 5)
        XCTAssertEqual([found.duration, found.exitCode.map { Int64($0) }], [7, -1])
        guard case .metric(let count) = try read(#"{"tool":"t","count":"x"}"#).get().content else {
            return XCTFail("no count")
        }
        XCTAssertEqual(count.number.whole, 1)
        let line =
            #"{"tool":"t","type":"span","name":"x","timestamp":"1970-01-01T00:00:01Z","duration_ns":5,"status":"error","kind":"client"}"#
        guard case .span(let span) = try read(line).get().content else { return XCTFail("no span") }
        XCTAssertEqual(
            [span.start, span.end, UInt64(span.kind), UInt64(span.status)], [1_000_000_000, 1_000_000_005, 3, 2])
    }

    func testTimes() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:60Z", 951_868_799_000_000_000),
            ("1970-01-01t00:00:00.1234567891z", 123_456_789), ("1970-01-01 01:00:00+01:00", 0),
            ("1969-12-31T23:59:59Z", nil), ("2001-02-29T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil),
            ("2026-01-01T24:00:00Z", nil), ("2026-01-01T00:00:00", nil), ("2026-01-01T00:00:00.Z", nil),
            ("2026-01-01T00:00:00Zx", nil), ("2026-01-01", nil), ("", nil), ("1970-01-01T00:00:00+01:00", nil),
            ("9999-12-31T23:59:59Z", nil), ("2026-01-32T00:00:00Z", nil), ("2026-01-00T00:00:00Z", nil),
        ] as [(String, Int64?)] {
            XCTAssertEqual(Timestamp.nanoseconds(Array(text.utf8)), expected, text)
        }
    }
}
