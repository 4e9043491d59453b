import Foundation
import XCTest

@testable import TelemetryCore

/// F, E8: wire-formats "Segment".
final class SegmentIOFormatTests: XCTestCase {
    private let format = SegmentIOFormat()
    private let head = #"{"writeKey":"s3cret","sentAt":"2026-05-12T14:31:00.000000000Z","batch":["#

    private func event(_ anonymousID: String) -> String {
        #"{"type":"track","event":"feature.used","anonymousId":"\#(anonymousID)","messageId":"01020304-0506-0708-090a-0b0c0d0e0f10","#
            + #""timestamp":"2026-05-12T14:30:45.123456789Z","context":{"library":{"name":"libtelemetry","version":"\#(TelemetryVersion.text)"}},"#
            + #""properties":{"schema_version":1,"name":"search","#
    }

    func testGoldenBytes() throws {
        let request = try XCTUnwrap(format.written(Batch([WireSample.fullEvent])))
        XCTAssertEqual(request.body, head + event("00ff") + WireSample.rest + "}}]}")
        XCTAssertEqual(request.head, ["Content-Type: application/json"])
        XCTAssertEqual(request.secret, ["Authorization: Basic czNjcmV0Og=="])
        XCTAssertEqual(request.count, 1)
    }

    func testWithoutIdentityEachEventIsSomebodyElse() throws {
        let request = try XCTUnwrap(format.written(Batch([RecordBuilder()], identity: "")))
        XCTAssertTrue(
            request.body.hasPrefix(head + event("01020304-0506-0708-090a-0b0c0d0e0f10") + #""tool_name":"#),
            request.body)
    }

    func testRetriesAreCounted() throws {
        let request = try XCTUnwrap(format.written(Batch(count: 1), attempt: 3))
        XCTAssertEqual(request.head, ["Content-Type: application/json", "X-Retry-Count: 3"])
    }

    /// 32 KiB an event: a larger one is left out, what stands before it goes.
    func testEventThatIsTooLargeEndsTheRequest() throws {
        func sized(_ bytes: Int) -> RecordBuilder {
            var builder = RecordBuilder()
            builder.error = [UInt8](repeating: 0x78, count: bytes)
            return builder
        }
        let overhead = try XCTUnwrap(format.written(Batch([sized(1)]))).body.utf8.count - head.utf8.count - 3
        let fits = (32 << 10) - overhead
        XCTAssertEqual(format.written(Batch([sized(fits)]))?.count, 1)
        XCTAssertEqual(format.written(Batch([sized(fits + 1)]))?.count, 0)
        XCTAssertEqual(format.written(Batch([sized(1), sized(2), sized(fits + 1), sized(1)]))?.count, 2)
    }

    func testRequestIsWithinTheLimits() throws {
        let request = try XCTUnwrap(format.written(Batch(count: 1000, padding: 900)))
        XCTAssertTrue((200..<1000).contains(try XCTUnwrap(request.count)))
        XCTAssertTrue((495_000...500_000).contains(request.body.utf8.count), "\(request.body.utf8.count)")
        XCTAssertLessThanOrEqual(format.batchLimit.events, 2500)
        XCTAssertNoThrow(try JSONSerialization.jsonObject(with: Data(request.body.utf8)))
    }

    func testAddresses() {
        for (settings, url) in [
            ([:], "https://api.segment.io/v1/batch"), (["region": "eu"], "https://events.eu1.segmentapis.com/v1/batch"),
            (["endpoint": "https://jitsu.example.org"], "https://jitsu.example.org/v1/batch"),
            (["endpoint": "https://jitsu.example.org/api/s/batch"], "https://jitsu.example.org/api/s/batch"),
        ] { XCTAssertEqual(NetworkChoice.address(.segment, settings), url) }
        XCTAssertTrue(NetworkChoice.address(.segment, ["region": "asia"]).contains("expected one of us eu"))
    }

    func testVerdicts() {
        XCTAssertEqual(format.verdict(200), .accepted)
        for status in [408, 410, 429, 460, 500, 502, 503, 504, 508] {
            XCTAssertEqual(format.verdict(status, retryAfter: "9"), .retry(afterSeconds: 9), "\(status)")
        }
        for status in [400, 404, 501, 505, 511] {
            XCTAssertEqual(format.verdict(status, retryAfter: "9"), .rejected, "\(status)")
        }
        for status in [401, 403] {
            XCTAssertEqual(format.verdict(status), .retry(afterSeconds: 3600), "\(status): the key may be replaced")
            XCTAssertEqual(format.verdict(status, retryAfter: "9"), .retry(afterSeconds: 9), "\(status)")
        }
        XCTAssertEqual(format.verdict(413), .split)
        XCTAssertEqual(format.verdict(429, retryAfter: "301"), .retry(afterSeconds: 300))
    }

    /// RFC 4648, section 10, and every byte.
    func testBase64() {
        for (text, code) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            XCTAssertEqual(Base64.text(of: text), code)
        }
        let all = String(String.UnicodeScalarView((0...0x2FF).compactMap(Unicode.Scalar.init)))
        XCTAssertEqual(Base64.text(of: all), Data(all.utf8).base64EncodedString())
    }
}
