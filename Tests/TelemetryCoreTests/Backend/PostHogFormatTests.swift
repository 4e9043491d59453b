import XCTest

@testable import TelemetryCore

/// F, E8: wire-formats "PostHog".
final class PostHogFormatTests: XCTestCase {
    private let format = PostHogFormat()
    private let head =
        #"{"api_key":"s3cret","historical_migration":false,"sent_at":"2026-05-12T14:31:00.000000000Z","batch":["#
    private let library =
        #""$process_person_profile":false,"$geoip_disable":true,"$lib":"libtelemetry","$lib_version":"\#(TelemetryVersion.text)","#

    private func event(_ distinctID: String) -> String {
        #"{"event":"feature.used","distinct_id":"\#(distinctID)","timestamp":"2026-05-12T14:30:45.123456789Z","uuid":"01020304-0506-0708-090a-0b0c0d0e0f10","properties":{"#
            + library + #""schema_version":1,"name":"search","#
    }

    func testGoldenBytes() throws {
        let request = try XCTUnwrap(format.written(Batch([WireSample.fullEvent])))
        XCTAssertEqual(request.body, head + event("00ff") + WireSample.rest + "}}]}")
        XCTAssertEqual(request.head, ["Content-Type: application/json"])
        XCTAssertEqual(request.secret, [], "the key is in the body")
        XCTAssertEqual(request.count, 1)
    }

    /// D: without an identity nobody is named, and two events are not tied to each other.
    func testWithoutIdentityEachEventIsSomebodyElse() throws {
        let request = try XCTUnwrap(format.written(Batch([RecordBuilder()], identity: "")))
        XCTAssertTrue(
            request.body.hasPrefix(head + event("01020304-0506-0708-090a-0b0c0d0e0f10") + #""tool_name":"#),
            request.body)
    }

    /// The answer would be 200, and the event gone.
    func testEventWithoutTypeEndsTheRequest() throws {
        var nameless = RecordBuilder()
        nameless.type = []
        for (events, count) in [([nameless, RecordBuilder()], 0), ([RecordBuilder(), nameless, RecordBuilder()], 1)] {
            let request = try XCTUnwrap(format.written(Batch(events)))
            XCTAssertEqual(request.count, count)
            XCTAssertEqual(request.body.components(separatedBy: #""event":"#).count - 1, count)
            XCTAssertTrue(request.body.hasSuffix("]}"))
        }
    }

    func testRequestIsWithinTheLimits() throws {
        let request = try XCTUnwrap(format.written(Batch(Array(repeating: WireSample.largestEvent, count: 20))))
        let count = try XCTUnwrap(request.count)
        XCTAssertTrue((10..<20).contains(count), "\(count)")
        XCTAssertLessThanOrEqual(request.body.utf8.count, 5 << 20)
        XCTAssertEqual(format.batchLimit.events, 100)
    }

    func testAddresses() {
        for (settings, url) in [
            ([:], "https://us.i.posthog.com/batch/"), (["region": "us"], "https://us.i.posthog.com/batch/"),
            (["region": "eu"], "https://eu.i.posthog.com/batch/"),
            (["endpoint": "https://posthog.example.org"], "https://posthog.example.org/batch/"),
            (["endpoint": "https://posthog.example.org/"], "https://posthog.example.org/batch/"),
            (["endpoint": "https://example.org/in/batch/"], "https://example.org/in/batch/"),
        ] { XCTAssertEqual(NetworkChoice.address(.posthog, settings), url) }
    }

    func testVerdicts() {
        XCTAssertEqual(format.verdict(200), .accepted)
        for status in [408, 429, 500, 502, 503, 504] {
            XCTAssertEqual(format.verdict(status, retryAfter: "9"), .retry(afterSeconds: 9), "\(status)")
        }
        for status in [400, 404] { XCTAssertEqual(format.verdict(status), .rejected, "\(status)") }
        for status in [401, 403] {
            XCTAssertEqual(format.verdict(status), .retry(afterSeconds: 3600), "\(status): the key may be replaced")
        }
        XCTAssertEqual(format.verdict(413), .split)
        XCTAssertEqual(format.verdict(429, reset: "12"), .retry(afterSeconds: nil), "which is not this receiver's")
    }
}
