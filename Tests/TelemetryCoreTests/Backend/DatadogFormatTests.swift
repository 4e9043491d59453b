import XCTest

@testable import TelemetryCore

/// F, E8: wire-formats "Datadog logs v2".
final class DatadogFormatTests: XCTestCase {
    private func format(_ settings: [String: String] = [:]) -> DatadogFormat {
        let choice = NetworkChoice(.datadog)
        for (key, value) in settings { XCTAssertNil(choice.set(key, value)) }
        return DatadogFormat(choice)
    }

    private let head =
        #"{"message":"feature.used: search","ddsource":"libtelemetry","ddtags":"event_type:feature.used,tool_version:1.2.3,os:linux,arch:x86_64","service":"mytool","#
    private let identity =
        #""event_id":"01020304-0506-0708-090a-0b0c0d0e0f10","event_timestamp":"2026-05-12T14:30:45.123456789Z","type":"feature.used","schema_version":1,"name":"search","#

    func testGoldenBytes() throws {
        let request = try XCTUnwrap(format().written(Batch([WireSample.fullEvent])))
        XCTAssertEqual(request.body, "[" + head + #""timestamp":1778596245123,"# + identity + WireSample.rest + "}]")
        XCTAssertEqual(request.head, ["Content-Type: application/json"])
        XCTAssertEqual(request.secret, ["DD-API-KEY: s3cret"])
        XCTAssertEqual(request.count, 1)
    }

    func testSourceAndService() throws {
        let body = try XCTUnwrap(format(["source": "c", "service": "shop"]).written(Batch([RecordBuilder()]))).body
        XCTAssertTrue(body.contains(#""ddsource":"c","#) && body.contains(#""service":"shop","#), body)
    }

    func testSites() {
        XCTAssertEqual(NetworkChoice.address(.datadog, [:]), "https://http-intake.logs.datadoghq.com/api/v2/logs")
        for site in [
            "datadoghq.com", "us3.datadoghq.com", "us5.datadoghq.com", "ap1.datadoghq.com", "ap2.datadoghq.com",
            "datadoghq.eu", "ddog-gov.com",
        ] {
            XCTAssertEqual(
                NetworkChoice.address(.datadog, ["site": site]), "https://http-intake.logs.\(site)/api/v2/logs")
        }
        for site in ["", "datadoghq", "eu", "datadoghq.com datadoghq.eu", "evil.example"] {
            XCTAssertTrue(
                NetworkChoice.address(.datadog, ["site": site]).contains(
                    "is not known; expected one of datadoghq.com "), site)
        }
    }

    /// Older than 18 hours, or further ahead than 2: Datadog gives it the time of arrival, its own stays.
    func testTimeOutsideOfTheWindowIsNotTheLogs() throws {
        let hour: Int64 = 3_600_000_000_000
        for (age, isSaid) in [
            (0, true), (16 * hour, true), (18 * hour, false), (400 * hour, false), (-hour / 2, true),
            (-2 * hour, false), (.min, false), (.max, false),
        ] {
            var builder = RecordBuilder()
            builder.timestamp = age == .min || age == .max ? age : WireSample.now - age
            let body = try XCTUnwrap(format().written(Batch([builder]))).body
            XCTAssertEqual(body.contains(#""timestamp":"#), isSaid, "\(age)")
            XCTAssertTrue(body.contains(#""event_timestamp":"\#(Timestamp.text(builder.timestamp))""#))
        }
    }

    /// No text of a tool's can make a tag of its own.
    func testTags() throws {
        var builder = RecordBuilder()
        builder.type = Array("a,b:c d\u{E9}\"".utf8)
        let body = try XCTUnwrap(format().written(Batch([builder]))).body
        XCTAssertTrue(body.contains(#""ddtags":"event_type:a_b:c_dé_,tool_version:1.2.3,"#), body)
        XCTAssertTrue(body.contains(#""type":"a,b:c dé\"""#), body)
    }

    /// The largest record that a spool can hold is below what would be cut.
    func testLargestEventIsNotCut() throws {
        let request = try XCTUnwrap(format().written(Batch([WireSample.largestEvent])))
        XCTAssertEqual(request.count, 1)
        XCTAssertGreaterThan(request.body.utf8.count, 380_000)
        XCTAssertLessThan(request.body.utf8.count, DatadogFormat.limits.event)
    }

    func testRequestIsWithinTheLimits() throws {
        let request = try XCTUnwrap(format().written(Batch(Array(repeating: WireSample.largestEvent, count: 20))))
        let count = try XCTUnwrap(request.count)
        XCTAssertTrue((10..<20).contains(count), "\(count)")
        XCTAssertLessThanOrEqual(request.body.utf8.count, 5_000_000)
        XCTAssertLessThanOrEqual(format().batchLimit.events, 1000)
    }

    func testVerdicts() {
        let format = format()
        for status in [200, 202] { XCTAssertEqual(format.verdict(status), .accepted) }
        for status in [408, 429, 500, 502, 503, 504] {
            XCTAssertEqual(format.verdict(status, retryAfter: "9"), .retry(afterSeconds: 9), "\(status)")
        }
        for status in [400, 404] { XCTAssertEqual(format.verdict(status), .rejected, "\(status)") }
        for status in [401, 403] {
            XCTAssertEqual(format.verdict(status), .retry(afterSeconds: 3600), "\(status): the key may be replaced")
        }
        XCTAssertEqual(format.verdict(413), .split)
        XCTAssertEqual(format.verdict(413, count: 1), .rejected)
        XCTAssertEqual(format.verdict(429, reset: "12"), .retry(afterSeconds: 12))
        XCTAssertEqual(format.verdict(429, retryAfter: "3", reset: "12"), .retry(afterSeconds: 3))
        XCTAssertEqual(format.verdict(429, reset: "1778596245"), .retry(afterSeconds: 3600), "no window is that long")
        XCTAssertEqual(format.verdict(429, reset: "soon"), .retry(afterSeconds: nil))
    }
}
