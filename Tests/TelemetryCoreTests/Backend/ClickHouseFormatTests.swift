import Foundation
import XCTest

@testable import TelemetryCore

/// F, E8: one INSERT a batch, and what ClickHouse's exceptions make of it.
final class ClickHouseFormatTests: XCTestCase {
    private func format(_ settings: [(String, String)] = []) -> ClickHouseFormat {
        let choice = NetworkChoice(.clickHouse)
        for (key, value) in settings { XCTAssertNil(choice.set(key, value)) }
        return ClickHouseFormat(choice)
    }

    private let row =
        #"{"schema_version":1,"event_id":"01020304-0506-0708-090a-0b0c0d0e0f10","timestamp":"2026-05-12 14:30:45.123456789","#
        + #""type":"feature.used","name":"search","machine_id":"00ff","tool_name":"mytool","version":"1.2.3","os":"linux","arch":"x86_64","#
        + #""os_version":"12","runtime":"c","duration_ms":0,"exit_code":-1,"error_category":"network","args":["get","","\""],"#
        + #""error":"no\nroute","metadata":"{\"event_id\":\"é\\u0001\",\"i\":-9223372036854775808,\"d\":0.5,\"b\":true}"}"#
        + "\n"

    func testGoldenBytes() throws {
        let request = try XCTUnwrap(
            format([("deduplication", "none")]).written(Batch([WireSample.fullEvent, WireSample.fullEvent])))
        XCTAssertEqual(request.body, "INSERT INTO `events` FORMAT JSONEachRow\n" + row + row)
        XCTAssertEqual(request.head, ["Content-Type: text/plain; charset=UTF-8"])
        XCTAssertEqual(request.secret, ["X-ClickHouse-Key: s3cret"])
        XCTAssertEqual(request.count, 2)
    }

    func testSettings() throws {
        let settings = [("database", "a`b"), ("table", "c\\"), ("user", "me"), ("deduplication", "none")]
        let request = try XCTUnwrap(format(settings).written(Batch([WireSample.fullEvent])))
        XCTAssertEqual(request.body, "INSERT INTO `a\\`b`.`c\\\\` FORMAT JSONEachRow\n" + row)
        XCTAssertEqual(request.secret, ["X-ClickHouse-User: me", "X-ClickHouse-Key: s3cret"])
    }

    /// The same rows have the same token, others another: 36 bytes in their place, whatever the table's name is.
    func testToken() throws {
        func token(_ builders: [RecordBuilder]) throws -> String {
            let statement = try XCTUnwrap(format([("table", "t")]).written(Batch(builders))).body.components(
                separatedBy: "\n")[0]
            let parts = statement.components(separatedBy: "'")
            XCTAssertEqual(
                [parts[0], parts[2]],
                [
                    "INSERT INTO `t` SETTINGS async_insert = 0, input_format_skip_unknown_fields = 1, insert_deduplication_token = ",
                    " FORMAT JSONEachRow",
                ])
            XCTAssertNotNil(UUID(uuidString: parts[1]), parts[1])
            return parts[1]
        }
        var other = WireSample.fullEvent
        other.error = Array("no\nroutf".utf8)
        let full = WireSample.fullEvent
        XCTAssertEqual(try token([full]), try token([full]))
        XCTAssertEqual(
            Set([
                try token([full]), try token([other]), try token([full, full]), try token([full, other]),
                try token([other, full]),
            ]).count, 5)
    }

    func testAddresses() {
        for (endpoint, url) in [
            ("https://ch.example.org:8443", "https://ch.example.org:8443/"),
            ("https://ch.example.org:8443/", "https://ch.example.org:8443/"),
            ("https://example.org/ch?x=1", "https://example.org/ch?x=1"),
        ] { XCTAssertEqual(NetworkChoice.address(.clickHouse, ["endpoint": endpoint]), url) }
    }

    func testVerdicts() {
        let (later, hour) = (Verdict.retry(afterSeconds: nil), Verdict.retry(afterSeconds: 3600))
        let cases: [(status: Int, body: String, verdict: Verdict, hasLeft: Bool)] = [
            (200, "", .accepted, true),
            (
                500,
                "Code: 27, e.displayText() = DB::Exception: … (at row 9)\"}: (at row 2)\n, e.what() = DB::Exception",
                .spoilt(by: 1), true
            ),
            (
                400, "Code: 376. DB::Exception: Cannot parse UUID: (at row 3)\n: While executing (CANNOT_PARSE_UUID)",
                .spoilt(by: 2), true
            ),
            (
                500, "Code: 469. DB::Exception: Constraint is violated at row 1. Column values: name = 'at row 2'",
                .spoilt(by: 0), true
            ),
            // None of the three.
            (500, "Code: 27. DB::Exception: (at row 4)", later, true),
            (500, "Code: 27. DB::Exception: (at row 0)", later, true),
            (500, "Code: 27. DB::Exception: at row ", later, true),
            (400, "Code: 376. DB::Exception: Cannot parse uuid: while pushing to view tm.mv", later, true),
            (500, "Code: 192, e.displayText() = DB::Exception: Unknown user nobody", hour, false),
            (401, "Code: 193, e.displayText() = DB::Exception: Wrong password", hour, false),
            (404, "Code: 60. DB::Exception: Table tm.nope does not exist. (UNKNOWN_TABLE)", later, false),
            (500, "Code: 252. DB::Exception: Too many parts", later, false),
            (200, "Code: 241. DB::Exception: Memory limit exceeded", later, true),
            (400, "Code: 99999. DB::Exception: of a later version", later, true),
            (413, "Code: 229. DB::Exception: Query is too large", .split, true),
            (400, "", .rejected, true), (400, "Code: x", .rejected, true), (503, "busy", later, false),
        ]
        for (status, body, verdict, hasLeft) in cases {
            let outcome = format().outcome(HTTPResponse(status: status, body: Array(body.utf8)), eventCount: 3, now: 0)
            XCTAssertEqual(outcome.verdict, verdict, body)
            XCTAssertEqual(outcome.hasLeft, hasLeft, body)
            XCTAssertFalse(outcome.reason.contains("DB::"), "the exception's text may hold what was sent")
        }
        for (body, isOwn) in [
            ("", true), ("Code: 1. ", true), ("{\"x\":1}", false), ("<html>", false), ("hello", false),
        ] {
            XCTAssertEqual(format().recognises(Array(body.utf8)), isOwn, body)
        }
    }
}
