import Foundation

@testable import TelemetryCore

extension WireFormat {
    /// The request for a batch, as text; lines of the head first.
    func written(_ batch: Batch, key: String = "s3cret", attempt: UInt32 = 0, now: Int64 = WireSample.now) -> (
        head: [String], secret: [String], body: String, count: Int?
    )? {
        batch.views.withUnsafeBufferPointer { events in
            request(for: WireBatch(events: events, key: key, attempt: attempt, now: now)).map {
                ($0.headers, $0.privateHeaders, String(decoding: $0.body, as: UTF8.self), $0.eventCount)
            }
        }
    }

    func verdict(_ status: Int, retryAfter: String = "", reset: String = "", count: Int = 2) -> Verdict {
        let response = HTTPResponse(
            status: status, retryAfter: Array(retryAfter.utf8), rateLimitReset: Array(reset.utf8))
        return outcome(response, eventCount: count, now: 0).verdict
    }
}

/// Events for the formats of receivers.
enum WireSample {
    /// 2026-05-12T14:31:00Z, 15 seconds after the events of `RecordBuilder`.
    static let now: Int64 = 1_778_596_260_000_000_000

    /// Every field, with what needs an escape.
    static var fullEvent: RecordBuilder {
        var builder = RecordBuilder()
        builder.duration = 0
        builder.exitCode = -1
        builder.errorCategory = Array("network".utf8)
        builder.arguments = [Array("get".utf8), [], Array("\"".utf8)]
        builder.error = Array("no\nroute".utf8)
        builder.attributes = [
            (Array("event_id".utf8), .string(Array("é\u{1}".utf8))), (Array("i".utf8), .int(.min)),
            (Array("d".utf8), .double(0.5)), (Array("b".utf8), .bool(true)),
        ]
        return builder
    }

    /// The members behind `name`, of `fullEvent`.
    static let rest =
        #""machine_id":"00ff","tool_name":"mytool","version":"1.2.3","os":"linux","arch":"x86_64","os_version":"12","runtime":"c","#
        + #""duration_ms":0,"exit_code":-1,"error_category":"network","args":["get","","\""],"error":"no\nroute","#
        + #""metadata":{"event_id":"é\u0001","i":-9223372036854775808,"d":0.5,"b":true}"#

    /// One that is as large as a record can be, of bytes that JSON writes with six.
    static var largestEvent: RecordBuilder {
        var builder = RecordBuilder()
        let size = RecordLayout.maximumSize - builder.bytes().count
        builder.arguments = (0..<60).map { _ in [UInt8](repeating: 1, count: 1024) }
        builder.error = [UInt8](repeating: 1, count: size - 60 * 1026)
        return builder
    }
}
