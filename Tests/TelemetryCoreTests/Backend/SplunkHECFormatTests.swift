import Foundation
import XCTest

@testable import TelemetryCore

/// F, E8: wire-formats "Splunk", the HTTP Event Collector.
final class SplunkHECFormatTests: XCTestCase {
    private func format(_ settings: [(String, String)] = []) -> SplunkHECFormat {
        let choice = NetworkChoice(.splunkHEC)
        for (key, value) in settings { XCTAssertNil(choice.set(key, value)) }
        return SplunkHECFormat(choice)
    }

    private func object(_ time: String, _ rest: String, head: String = #""source":"mytool","sourcetype":"_json""#)
        -> String
    {
        #"{"time":\#(time),\#(head),"event":{"schema_version":1,"event_id":"01020304-0506-0708-090a-0b0c0d0e0f10","#
            + #""timestamp":"2026-05-12T14:30:45.123456789Z","type":"feature.used","name":"search",\#(rest)},"#
            + #""fields":{"type":"feature.used","name":"search","tool_name":"mytool","version":"1.2.3"}}"#
    }

    func testGoldenBytes() throws {
        let request = try XCTUnwrap(format().written(Batch([WireSample.fullEvent, WireSample.fullEvent])))
        let one = object("1778596245.123456789", WireSample.rest)
        XCTAssertEqual(request.body, one + one)
        XCTAssertEqual(request.head, ["Content-Type: application/json"])
        XCTAssertEqual(request.secret, ["Authorization: Splunk s3cret"])
        XCTAssertEqual(request.count, 2)
    }

    func testSettings() throws {
        let request = try XCTUnwrap(
            format([("source", "s\"1"), ("sourcetype", "my:type"), ("index", "main")]).written(
                Batch([WireSample.fullEvent])))
        XCTAssertEqual(
            request.body,
            object(
                "1778596245.123456789", WireSample.rest, head: #""source":"s\"1","sourcetype":"my:type","index":"main""#
            ))
    }

    /// All nine decimals, of every moment there is.
    func testTime() throws {
        for (nanoseconds, written) in [
            (0, "0.000000000"), (1, "0.000000001"), (1_700_000_000_123_000_000, "1700000000.123000000"),
            (999_999_999, "0.999999999"), (1_000_000_000, "1.000000000"),
            (-1, "-0.000000001"), (-1_500_000_000, "-1.500000000"), (.max, "9223372036.854775807"),
            (.min, "-9223372036.854775808"),
        ] as [(Int64, String)] {
            var builder = RecordBuilder()
            builder.timestamp = nanoseconds
            let body = try XCTUnwrap(format().written(Batch([builder]))).body
            XCTAssertTrue(body.hasPrefix(#"{"time":\#(written),"source":"#), body)
        }
    }

    /// At most 1 MB a request; an event that has no type is none that Splunk takes.
    func testLimits() throws {
        let request = try XCTUnwrap(format().written(Batch(Array(repeating: WireSample.largestEvent, count: 5))))
        XCTAssertTrue((700_000...1_000_000).contains(request.body.utf8.count), "\(request.body.utf8.count)")
        XCTAssertEqual(request.count, 2)
        var nameless = RecordBuilder()
        nameless.type = []
        XCTAssertEqual(format().written(Batch([RecordBuilder(), nameless]))?.count, 1)
        XCTAssertLessThanOrEqual(format().batchLimit.bytes, 256 << 10)
    }

    func testAddresses() {
        for (endpoint, url) in [
            ("https://splunk.example.org:8088", "https://splunk.example.org:8088/services/collector/event"),
            ("https://splunk.example.org:8088/", "https://splunk.example.org:8088/services/collector/event"),
            (
                "https://splunk.example.org/services/collector/event/1.0",
                "https://splunk.example.org/services/collector/event/1.0"
            ),
        ] { XCTAssertEqual(NetworkChoice.address(.splunkHEC, ["endpoint": endpoint]), url) }
    }

    /// Splunk's error codes, as its documentation lists them.
    func testVerdicts() {
        // Of the token, which may be replaced.
        let refused = Verdict.retry(afterSeconds: 3600)
        let codes: [(status: Int, code: Int, verdict: Verdict)] = [
            (200, 0, .accepted), (403, 1, refused), (401, 2, refused), (401, 3, refused), (403, 4, refused),
            (400, 5, .rejected), (400, 6, .rejected),
            (400, 7, .rejected), (500, 8, .retry(afterSeconds: nil)), (503, 9, .retry(afterSeconds: nil)),
            (400, 10, .rejected), (400, 11, .rejected),
            (400, 12, .rejected), (400, 13, .rejected), (400, 14, .rejected), (400, 15, .rejected),
            (400, 16, .rejected),
        ]
        for (status, code, verdict) in codes {
            XCTAssertEqual(
                outcome(status, #"{"text":"x","code":\#(code)}"#).verdict, verdict, "\(status), code \(code)")
        }
        XCTAssertEqual(format().verdict(503, retryAfter: "9"), .retry(afterSeconds: 9))
        XCTAssertEqual(format().verdict(429, retryAfter: "9"), .retry(afterSeconds: 9))
        XCTAssertEqual(format().verdict(504), .retry(afterSeconds: nil))
        XCTAssertEqual(format().verdict(413), .split)
        XCTAssertEqual(format().verdict(413, count: 1), .rejected)
        XCTAssertEqual(format().verdict(404), .rejected)
    }

    /// The one that is named is dropped, unless the answer cannot be meant so.
    func testInvalidEvent() {
        for (number, code, verdict) in [
            ("0", 6, .invalid(at: 0)), ("2", 12, .invalid(at: 2)), ("3", 6, .rejected), ("-1", 6, .rejected),
            ("99999999999999999999", 6, .rejected), ("null", 6, .rejected),
            // The index is the same for all of them.
            ("1", 7, .rejected), ("1", 15, .invalid(at: 1)),
        ] as [(String, Int, Verdict)] {
            XCTAssertEqual(
                outcome(400, #"{"text":"Invalid data format","code":\#(code),"invalid-event-number":\#(number)}"#)
                    .verdict, verdict, number)
        }
        XCTAssertEqual(outcome(400, #"{"invalid-event-number":1}"#).reason, "HTTP 400, event 1")
        XCTAssertEqual(outcome(503, #"{"invalid-event-number":1}"#).verdict, .retry(afterSeconds: nil))
        XCTAssertEqual(outcome(401, #"{"invalid-event-number":1}"#).verdict, .retry(afterSeconds: 3600))
        XCTAssertEqual(outcome(400, "<html>").verdict, .rejected)
    }

    private func outcome(_ status: Int, _ body: String) -> Outcome {
        format().outcome(HTTPResponse(status: status, body: Array(body.utf8)), eventCount: 3, now: 0)
    }
}
