import Foundation
import XCTest

@testable import TelemetryCore

/// F, E8: wire-formats "OTLP/HTTP logs".
final class OTLPFormatTests: XCTestCase {
    private func body(_ batch: Batch, isJSON: Bool = false) throws -> [UInt8] {
        let format = OTLPFormat(isJSON: isJSON)
        let request = try XCTUnwrap(
            batch.views.withUnsafeBufferPointer {
                format.request(for: WireBatch(events: $0, key: "", attempt: 0, now: 0))
            })
        XCTAssertEqual(request.headers, ["Content-Type: application/" + (isJSON ? "json" : "x-protobuf")])
        return Array(request.body)
    }

    private func field(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length = content.count
        var bytes = [tag]
        while length >= 128 {
            bytes.append(UInt8(length & 127) | 128)
            length >>= 7
        }
        return bytes + [UInt8(length)] + content
    }

    private func text(_ tag: UInt8, _ text: String) -> [UInt8] { field(tag, Array(text.utf8)) }

    private func attribute(_ key: String, _ value: [UInt8], tag: UInt8 = 0x32) -> [UInt8] {
        field(tag, text(0x0A, key) + field(0x12, value))
    }

    private func attribute(_ key: String, _ value: String, tag: UInt8 = 0x32) -> [UInt8] {
        attribute(key, text(0x0A, value), tag: tag)
    }

    private let time: [UInt8] = withUnsafeBytes(of: Int64(1_778_596_245_123_456_789)) { Array($0) }

    /// The author's or the environment's words in place of the tool's name and version.
    func testService() throws {
        let choice = NetworkChoice(.otlp)
        XCTAssertNil(OTLPService.chosen(choice))
        XCTAssertNil(choice.set("service", "mine"))
        XCTAssertNil(choice.set("service_version", "9"))
        for service in [OTLPService.chosen(choice), nil] {
            let format = OTLPFormat(isJSON: true, service)
            let batch = Batch(count: 1)
            let request = try XCTUnwrap(
                batch.views.withUnsafeBufferPointer {
                    format.request(for: WireBatch(events: $0, key: "", attempt: 0, now: 0))
                })
            let text = String(decoding: Array(request.body), as: UTF8.self)
            for (key, value) in [("name", "mine"), ("version", "9")] {
                let attribute = "{\"key\":\"service.\(key)\",\"value\":{\"stringValue\":\"\(value)\"}}"
                XCTAssertEqual(text.contains(attribute), service != nil, text)
            }
        }
    }

    private func envelope(_ records: [[UInt8]]) -> [UInt8] {
        let resource = attribute("service.name", "mytool", tag: 0x0A) + attribute("service.version", "1.2.3", tag: 0x0A)
        let scope = text(0x0A, "libtelemetry") + text(0x12, TelemetryVersion.text)
        return field(
            0x0A, field(0x0A, resource) + field(0x12, field(0x0A, scope) + records.flatMap { field(0x12, $0) }))
    }

    private func record(_ own: [UInt8], _ metadata: [UInt8], type: String = "feature.used") -> [UInt8] {
        var record = [0x09] + time + [0x10, 9] + field(0x2A, text(0x0A, "search"))
        record += attribute("event.id", "01020304-0506-0708-090a-0b0c0d0e0f10") + attribute("event.name", "search")
        record += attribute("event.type", type) + attribute("event.schema_version", [0x18, 1]) + own
        record +=
            attribute("tool.name", "mytool") + attribute("tool.version", "1.2.3") + attribute("host.arch", "x86_64")
        record += attribute("os.type", "linux") + attribute("os.version", "12") + attribute("telemetry.runtime", "c")
        return record + attribute("machine.id", "00ff") + metadata + [0x59] + time + text(0x62, type)
    }

    func testGoldenBytesOfTheSmallestEvent() throws {
        XCTAssertEqual(try body(Batch([RecordBuilder()])), envelope([record([], [])]))
    }

    func testGoldenBytesOfEveryField() throws {
        var builder = RecordBuilder()
        builder.duration = 0
        builder.exitCode = -1
        builder.errorCategory = Array("network".utf8)
        builder.arguments = [Array("get".utf8), []]
        builder.error = Array("no\nroute".utf8)
        builder.attributes = [
            (Array("i".utf8), .int(.min)), (Array("d".utf8), .double(0.5)), (Array("b".utf8), .bool(false)),
            (Array("m".utf8), .string([])),
        ]
        let minusOne: [UInt8] = [0x18] + [UInt8](repeating: 0xFF, count: 9) + [1]
        let values = field(0x0A, text(0x0A, "get")) + field(0x0A, text(0x0A, ""))
        let own =
            attribute("command.duration_ms", [0x18, 0]) + attribute("command.exit_code", minusOne)
            + attribute("error.type", "network")
            + attribute("command.args", field(0x2A, values)) + attribute("command.error", "no\nroute")
        let metadata =
            attribute("tool.metadata.z", "shared")
            + attribute("tool.metadata.i", [0x18] + [UInt8](repeating: 0x80, count: 9) + [1])
            + attribute("tool.metadata.d", [0x21, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F])
            + attribute("tool.metadata.b", [0x10, 0])
            + attribute("tool.metadata.m", "")
        let batch = Batch(
            [builder], metadata: [(Array("m".utf8), .int(1)), (Array("z".utf8), .string(Array("shared".utf8)))])
        XCTAssertEqual(try body(batch), envelope([record(own, metadata)]))
    }

    /// Shared attributes are copied: with and without attributes of the event's own, the metadata is there once.
    func testMetadataOfSeveralEvents() throws {
        var second = RecordBuilder()
        second.attributes = [(Array("a".utf8), .bool(true))]
        let batch = Batch([RecordBuilder(), second, RecordBuilder()], metadata: [(Array("m".utf8), .int(5))])
        let shared = attribute("tool.metadata.m", [0x18, 5])
        let own = shared + attribute("tool.metadata.a", [0x10, 1])
        XCTAssertEqual(try body(batch), envelope([record([], shared), record([], own), record([], shared)]))
    }

    /// The ids of a span are fields of the record; what only has their names is an attribute as any other.
    func testTrace() throws {
        func event(_ trace: String, _ span: String) -> RecordBuilder {
            var event = RecordBuilder()
            event.attributes = [
                (Array("trace_id".utf8), .string(Array(trace.utf8))), (Array("a".utf8), .bool(true)),
                (Array("span_id".utf8), .string(Array(span.utf8))),
            ]
            return event
        }
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
        let ids =
            field(
                0x4A, [0x0A, 0xF7, 0x65, 0x19, 0x16, 0xCD, 0x43, 0xDD, 0x84, 0x48, 0xEB, 0x21, 0x1C, 0x80, 0x31, 0x9C])
            + field(0x52, [0xB7, 0xAD, 0x6B, 0x71, 0x69, 0x20, 0x33, 0x31])
        XCTAssertEqual(
            try body(Batch([event(trace, span)])),
            envelope([record([], attribute("tool.metadata.a", [0x10, 1]) + ids)]))
        let zeroes = String(repeating: "0", count: 32)
        for (trace, span) in [
            (trace, "b7"), ("x" + trace.dropFirst(), span), (zeroes, span), (trace.uppercased(), span),
        ] {
            let metadata =
                attribute("tool.metadata.trace_id", trace) + attribute("tool.metadata.a", [0x10, 1])
                + attribute("tool.metadata.span_id", span)
            XCTAssertEqual(try body(Batch([event(trace, span)])), envelope([record([], metadata)]), trace)
        }
    }

    func testOneResourceLogsForEachContext() throws {
        let (first, second) = (Batch([RecordBuilder()]), Batch([RecordBuilder()], identity: "11ee"))
        let views = first.views + second.views + second.views
        let format = OTLPFormat(isJSON: true)
        let request = try XCTUnwrap(
            views.withUnsafeBufferPointer { format.request(for: WireBatch(events: $0, key: "", attempt: 0, now: 0)) })
        let parsed = try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: [[String: Any]]]
        let logs = try XCTUnwrap(parsed?["resourceLogs"])
        let counts = logs.compactMap { ($0["scopeLogs"] as? [[String: Any]])?.first?["logRecords"] as? [Any] }.map(
            \.count)
        XCTAssertEqual(counts, [1, 2])
    }

    func testGoldenJSON() throws {
        var builder = RecordBuilder()
        builder.attributes = [
            (Array("n".utf8), .double(.nan)), (Array("\"".utf8), .int(-1)), (Array("inf".utf8), .double(-.infinity)),
        ]
        builder.arguments = [Array("x".utf8)]
        let text = String(decoding: try body(Batch([builder]), isJSON: true), as: UTF8.self)
        func string(_ key: String, _ value: String) -> String {
            #"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"#
        }
        let attributes = [
            string("event.id", "01020304-0506-0708-090a-0b0c0d0e0f10"), string("event.name", "search"),
            string("event.type", "feature.used"),
            #"{"key":"event.schema_version","value":{"intValue":"1"}}"#,
            #"{"key":"command.args","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}}"#,
            string("tool.name", "mytool"), string("tool.version", "1.2.3"), string("host.arch", "x86_64"),
            string("os.type", "linux"),
            string("os.version", "12"), string("telemetry.runtime", "c"), string("machine.id", "00ff"),
            #"{"key":"tool.metadata.n","value":{"doubleValue":"NaN"}}"#,
            #"{"key":"tool.metadata.\"","value":{"intValue":"-1"}}"#,
            #"{"key":"tool.metadata.inf","value":{"doubleValue":"-Infinity"}}"#,
        ]
        XCTAssertEqual(
            text,
            #"{"resourceLogs":[{"resource":{"attributes":["# + string("service.name", "mytool") + ","
                + string("service.version", "1.2.3")
                + #"]},"scopeLogs":[{"scope":{"name":"libtelemetry","version":"\#(TelemetryVersion.text)"},"#
                + #""logRecords":[{"timeUnixNano":"1778596245123456789","severityNumber":9,"body":{"stringValue":"search"},"attributes":["#
                + attributes.joined(separator: ",")
                + #"],"observedTimeUnixNano":"1778596245123456789","eventName":"feature.used"}]}]}]}"#)
    }

    /// Protobuf has no strings but of UTF-8, and a time before 1970 is none.
    func testInvalidTextAndTimeAreRepaired() throws {
        var builder = RecordBuilder()
        builder.name = [0xFF, 0x61]
        builder.timestamp = -1
        builder.attributes = [([0xC3], .string([0x61, 0xED, 0xA0]))]
        let bytes = try body(Batch([builder]))
        func has(_ part: [UInt8]) -> Bool { bytes.indices.contains { Array(bytes[$0...].prefix(part.count)) == part } }
        XCTAssertTrue(has(field(0x2A, text(0x0A, "\u{FFFD}a"))))
        XCTAssertTrue(has(attribute("tool.metadata.\u{FFFD}", "a\u{FFFD}\u{FFFD}")))
        XCTAssertTrue(has([0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]))
    }

    /// 4 MiB is never passed: what does not fit is left for the next request.
    func testRequestIsWithinTheLimit() throws {
        let batch = Batch(Array(repeating: WireSample.largestEvent, count: 80))
        for isJSON in [false, true] {
            let format = OTLPFormat(isJSON: isJSON)
            let request = try XCTUnwrap(
                batch.views.withUnsafeBufferPointer {
                    format.request(for: WireBatch(events: $0, key: "", attempt: 0, now: 0))
                })
            let count = try XCTUnwrap(request.eventCount)
            XCTAssertTrue((1..<80).contains(count), "\(count)")
            XCTAssertLessThanOrEqual(request.body.count, 4 << 20)
            XCTAssertEqual(
                try body(Batch(Array(repeating: WireSample.largestEvent, count: count)), isJSON: isJSON),
                Array(request.body))
        }
    }

    // MARK: answers

    private func verdict(_ status: Int, _ body: [UInt8] = [], retryAfter: String = "", count: Int = 5) -> Verdict {
        let response = HTTPResponse(status: status, retryAfter: Array(retryAfter.utf8), body: body)
        return OTLPFormat(isJSON: false).outcome(response, eventCount: count, now: 0).verdict
    }

    func testStatuses() {
        for status in [200, 202, 204] { XCTAssertEqual(verdict(status), .accepted) }
        for status in [408, 429, 500, 502, 503, 504] {
            XCTAssertEqual(verdict(status), .retry(afterSeconds: nil))
            XCTAssertEqual(verdict(status, retryAfter: "7"), .retry(afterSeconds: 7))
        }
        for status in [400, 404, 410, 415, 501, 505, 511] { XCTAssertEqual(verdict(status), .rejected, "\(status)") }
        for status in [401, 403] {
            XCTAssertEqual(verdict(status), .retry(afterSeconds: 3600), "\(status): the key may be replaced")
            XCTAssertEqual(verdict(status, retryAfter: "7"), .retry(afterSeconds: 7), "\(status)")
        }
        for status in [421, 425] { XCTAssertEqual(verdict(status), .retry(afterSeconds: nil), "\(status)") }
        XCTAssertEqual(verdict(413), .split)
        XCTAssertEqual(verdict(413, count: 1), .rejected)
    }

    func testPartialSuccess() {
        XCTAssertEqual(verdict(200, [0x0A, 2, 8, 3]), .partial(rejected: 3))
        XCTAssertEqual(verdict(200, [0x0A, 8, 8, 2, 0x12, 4] + Array("late".utf8)), .partial(rejected: 2))
        XCTAssertEqual(verdict(200, [0x0A, 8, 0x12, 4] + Array("late".utf8) + [8, 2]), .partial(rejected: 2))
        XCTAssertEqual(verdict(200, [0x0A, 3, 8, 0xE8, 7]), .partial(rejected: 5))
        XCTAssertEqual(
            verdict(200, Array(#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"x"}}"#.utf8)),
            .partial(rejected: 2))
        XCTAssertEqual(
            verdict(
                200,
                Array(
                    #" { "partialSuccess" : { "errorMessage":"\"rejectedLogRecords\":9", "rejectedLogRecords" : 4 } }"#
                        .utf8)), .partial(rejected: 4))
    }

    /// A warning, or what is not an answer: the status has said that all were accepted.
    func testNoPartialSuccess() {
        for body: [UInt8] in [
            [], [0x0A, 0], [0x0A, 6, 0x12, 4] + Array("warn".utf8), [0x0A, 2, 8, 0],
            [0x0A, 11, 8] + [UInt8](repeating: 0xFF, count: 9) + [1],
            [0x0A, 99, 8, 3], [0x0A], [0x0B, 8, 3], [0xFF, 0xFF], Array("{}".utf8), Array("{\"rejectedLogRecords".utf8),
            Array(#"{"errorMessage":"rejectedLogRecords"}"#.utf8), Array(#"{"rejectedLogRecords":"-3"}"#.utf8),
            Array("<html>".utf8), Array("{\"\\".utf8),
        ] { XCTAssertEqual(verdict(200, body), .accepted, "\(body)") }
    }
}
