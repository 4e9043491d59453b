import XCTest

@testable import TelemetryCore

/// E8: what each status means for a batch; wire-formats "HTTP JSON (generic)".
final class StatusRulesTests: XCTestCase {
    func testTable() {
        let cases: [(statuses: [Int], verdict: Verdict)] = [
            ([200, 201, 202, 204, 299], .accepted),
            ([401, 403, 408, 421, 425, 429, 500, 501, 502, 503, 504, 599], .retry(afterSeconds: 7)),
            ([410], .stop), ([413], .split),
            ([400, 404, 405, 409, 411, 415, 422, 431, 499], .rejected),
            ([300, 301, 304, 399, 600, 999, 0], .retry(afterSeconds: nil)),
        ]
        for (statuses, verdict) in cases {
            for status in statuses {
                let outcome = HTTPJSONFormat().outcome(
                    HTTPResponse(status: status, retryAfter: Array("7".utf8)), eventCount: 2, now: 0)
                XCTAssertEqual(outcome.verdict, verdict, "\(status)")
                XCTAssertEqual(outcome.reason.isEmpty, verdict == .accepted)
            }
        }
    }

    /// E7: at most once, what the receiver says it did not take is kept.
    func testWhatTheReceiverDoesNotHave() {
        let cases: [(statuses: [Int], hasLeft: Bool)] = [
            ([401, 403, 408, 410, 421, 425, 429, 501, 503, 507, 511], false),
            ([500, 502, 504, 599, 300, 303, 304, 0], true),
        ]
        for (statuses, hasLeft) in cases {
            for status in statuses {
                let outcome = HTTPJSONFormat().outcome(HTTPResponse(status: status), eventCount: 2, now: 0)
                XCTAssertEqual(outcome.hasLeft, hasLeft, "\(status)")
            }
        }
    }

    /// A key is looked after by a person: nobody is asked every minute until then.
    func testRefusedKeyWaits() {
        for status in [401, 403] {
            let outcome = HTTPJSONFormat().outcome(HTTPResponse(status: status), eventCount: 2, now: 0)
            XCTAssertEqual(outcome.verdict, .retry(afterSeconds: StatusRules.refusalPauseSeconds))
        }
    }

    func testDateOfRetryAfterIsByTheReceiversClock() {
        let response = HTTPResponse(
            status: 503, retryAfter: Array("Thu, 01 Jan 1970 00:01:10 GMT".utf8),
            date: Array("Thu, 01 Jan 1970 00:01:00 GMT".utf8))
        XCTAssertEqual(
            HTTPJSONFormat().outcome(response, eventCount: 1, now: 1_700_000_000).verdict, .retry(afterSeconds: 10))
    }

    func testAnswersOfEachVendor() throws {
        let table: [(format: any WireFormat, own: [String], foreign: [String])] = [
            (HTTPJSONFormat(), ["", "{}", "thanks", "<html>"], []),
            (
                OTLPFormat(isJSON: false), ["", "{}", "{\"partialSuccess\":{}}", "\u{0A}\u{02}\u{08}\u{00}"],
                ["<html>", "please", "{\"error\":1}"]
            ),
            (
                PostHogFormat(), ["", "{}", "{\"status\":1}", " {\"status\":\"Ok\"}\n"],
                ["<html>", "{\"detail\":\"no\"}", "[]", "status"]
            ),
            (
                SegmentIOFormat(), ["", "{\"success\":true}", "{\"ok\":true}", "OK"],
                ["<html>", "{\"message\":\"no\"}"]
            ),
            (
                DatadogFormat(NetworkChoice(.datadog)), ["", "{}", "{\"status\":\"ok\"}"],
                ["<html>", "{\"errors\":[]}"]
            ),
            (
                SplunkHECFormat(NetworkChoice(.splunkHEC)), ["", "{\"text\":\"Success\",\"code\":0}"],
                ["<html>", "{\"code\":9}", "{\"text\":\"x\"}"]
            ),
        ]
        for (format, own, foreign) in table {
            for body in own { XCTAssertTrue(format.recognises(Array(body.utf8)), "\(format) \(body)") }
            for body in foreign { XCTAssertFalse(format.recognises(Array(body.utf8)), "\(format) \(body)") }
        }
    }

    func testSingleEventThatIsTooLargeIsRejected() {
        XCTAssertEqual(HTTPJSONFormat().outcome(HTTPResponse(status: 413), eventCount: 1, now: 0).verdict, .rejected)
    }

    func testIdentityOfABatch() {
        func key(_ batch: Batch) -> String { batch.views.withUnsafeBufferPointer { BatchIdentity($0).uuid } }
        XCTAssertEqual(key(Batch(count: 3)), key(Batch(count: 3)))
        let others = [
            Batch(count: 1), Batch(count: 2), Batch(count: 3), Batch(count: 3, from: 1), Batch(count: 2, from: 1),
            Batch(count: 1, from: 2),
        ]
        XCTAssertEqual(Set(others.map(key)).count, others.count)
        for batch in others {
            XCTAssertNotNil(
                key(batch).range(
                    of: "^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
                    options: .regularExpression))
        }
    }

    func testResponseReader() {
        let cases: [(lines: [String], response: HTTPResponse?)] = [
            (["HTTP/1.1 200 OK\r\n", "\r\n"], HTTPResponse(status: 200)),
            (
                ["HTTP/2 503 \r\n", "retry-after:  5 \r\n", "\r\n"],
                HTTPResponse(status: 503, retryAfter: Array("5".utf8))
            ),
            (["HTTP/1.1 100 Continue\r\n", "\r\n"], nil),
            (
                ["HTTP/1.1 100 Continue\r\n", "Retry-After: 9\r\n", "\r\n", "HTTP/1.1 202 Ok\r\n", "\r\n"],
                HTTPResponse(status: 202)
            ),
            (["HTTP/1.1 200 OK\r\n"], nil), (["\r\n"], nil), (["HTTP/1.1\r\n", "\r\n"], nil),
            (["HTTP/1.1 2x0\r\n", "\r\n"], nil),
        ]
        for (lines, response) in cases {
            let reader = ResponseReader()
            for line in lines { _ = Array(line.utf8).withUnsafeBytes { reader.header($0) } }
            XCTAssertEqual(reader.response, response, "\(lines)")
        }
    }
}
