import Foundation
import XCTest

@testable import TelemetryCore

/// Zipkin's API, version 2, and OpenTelemetry's transformation to it.
final class ZipkinFormatTests: XCTestCase {
    private let format = ZipkinFormat()

    private func body(_ spans: [any RecordBytes], metadata: [SpanBuilder.Attribute] = [], identity: String = "00ff")
        throws -> String
    {
        let request = try XCTUnwrap(format.written(Batch(spans, metadata: metadata, identity: identity), key: ""))
        XCTAssertEqual(request.head, ["Content-Type: application/json"])
        XCTAssertEqual(request.secret, [])
        XCTAssertEqual(request.count, spans.count)
        return request.body
    }

    private func spans(_ builders: [SpanBuilder], metadata: [SpanBuilder.Attribute] = []) throws -> [[String: Any]] {
        let data = Data(try body(builders, metadata: metadata).utf8)
        return try XCTUnwrap(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    }

    private func tags(_ span: SpanBuilder, metadata: [SpanBuilder.Attribute] = []) throws -> [String: String] {
        try XCTUnwrap(try spans([span], metadata: metadata)[0]["tags"] as? [String: String])
    }

    private let context =
        #""otel.scope.name":"libtelemetry","otel.scope.version":"\#(TelemetryVersion.text)","#
        + #""service.version":"1.2.3","host.arch":"x86_64","os.type":"linux","os.version":"12","#
        + #""telemetry.runtime":"c","machine.id":"00ff""#

    func testGoldenSmallestSpan() throws {
        XCTAssertEqual(
            try body([SpanBuilder()]),
            #"[{"traceId":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","id":"b0b1b2b3b4b5b6b7","name":"GET /items","#
                + #""timestamp":1778596245123456,"duration":501234,"localEndpoint":{"serviceName":"mytool"},"#
                + #""tags":{"# + context + "}}]")
    }

    func testGoldenEveryField() throws {
        let expected = [
            #"[{"traceId":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","id":"b0b1b2b3b4b5b6b7","parentId":"0102030405060708","#,
            #""name":"get \"it\"","kind":"CLIENT","timestamp":1778596245123456,"duration":501234,"#,
            #""localEndpoint":{"serviceName":"mytool"},"#,
            #""annotations":[{"timestamp":1778596245200000,"value":"\"exception\": {\"n\":1,\"k\":\"b\"}"},"#,
            #"{"timestamp":1778596245300000,"value":""}],"#,
            #""tags":{"i":"-9223372036854775808","d":"0.5","b":"true","again":"last\n","#,
            #""otel.status_code":"ERROR","error":"no route","otel.dropped_attributes_count":"1","#,
            #""otel.dropped_events_count":"2","otel.dropped_links_count":"300","#, context,
            #","tool.metadata.m":"5","tool.metadata.z":"\""}}]"#,
        ].joined()
        let metadata: [SpanBuilder.Attribute] = [(Array("m".utf8), .int(5)), SpanSample.text("z", "\"")]
        XCTAssertEqual(try body([SpanSample.full], metadata: metadata), expected)
    }

    func testAbandoned() throws {
        let found = try tags(SpanSample.abandoned)
        XCTAssertEqual(found["telemetry.abandoned"], "true")
        XCTAssertEqual(found["otel.status_code"], "ERROR")
        XCTAssertEqual(found["error"], "abandoned: the span was never ended")
    }

    /// Any tag `error` marks a span as failed, so that only the status makes one.
    func testStatus() throws {
        var span = SpanBuilder()
        span.items = [
            .attribute((Array("error".utf8), .bool(false))), .attribute(SpanSample.text("otel.status_code", "x")),
            .message(Array("ignored".utf8)), .attribute(SpanSample.text("machine.id", "own")),
            .attribute(SpanSample.text("tool.metadata.m", "own")),
        ]
        let metadata = [SpanSample.text("m", "shared")]
        var found = try tags(span, metadata: metadata)
        XCTAssertNil(found["error"])
        XCTAssertNil(found["otel.status_code"])
        XCTAssertEqual([found["machine.id"], found["tool.metadata.m"]], ["own", "own"])
        span.status = 1
        found = try tags(span)
        XCTAssertEqual(found["otel.status_code"], "OK")
        XCTAssertNil(found["error"])
        (span.status, span.items) = (2, [])
        XCTAssertEqual(try tags(span)["error"], "")
    }

    func testKinds() throws {
        for (kind, expected) in [
            (0, nil), (1, nil), (2, "SERVER"), (3, "CLIENT"), (4, "PRODUCER"), (5, "CONSUMER"), (200, nil),
        ] as [(UInt8, String?)] {
            var span = SpanBuilder()
            span.kind = kind
            XCTAssertEqual(try spans([span])[0]["kind"] as? String, expected, "\(kind)")
        }
    }

    func testTimes() throws {
        for (start, end, timestamp, duration) in [
            (1_000_000, 1_001_234, 1000, 1), (1_000_000, 1_000_000, 1000, 1), (1_000_000, 1_000_999, 1000, 1),
            (5_000_000, 4, 5000, 1), (999, 2000, nil, 1), (-7, 2_500_000, nil, 2500),
            (.min, .max, nil, Int64.max / 1000),
        ] as [(Int64, Int64, Int64?, Int64)] {
            var span = SpanBuilder()
            (span.start, span.end) = (start, end)
            span.items = [.event(time: -1, name: [0x61])]
            let found = try spans([span])[0]
            XCTAssertEqual(found["timestamp"] as? Int64, timestamp, "\(start)")
            XCTAssertEqual(found["duration"] as? Int64, duration, "\(start)")
            let annotations = found["annotations"] as? [[String: Any]]
            XCTAssertEqual(annotations?[0]["timestamp"] as? Int64, 1)
        }
    }

    func testValues() throws {
        var span = SpanBuilder()
        span.items = [
            .attribute((Array("nan".utf8), .double(.nan))), .attribute((Array("inf".utf8), .double(-.infinity))),
            .attribute((Array("whole".utf8), .double(3))),
        ]
        let found = try tags(span)
        XCTAssertEqual([found["nan"], found["inf"], found["whole"]], ["NaN", "-Infinity", "3.0"])
        span.parentID = span.spanID
        XCTAssertNil(try spans([span])[0]["parentId"])
        XCTAssertNil(try JSONSerialization.jsonObject(with: Data(try body([span], identity: "").utf8)) as? String)
        XCTAssertFalse(try body([span], identity: "").contains("machine.id"))
    }

    func testRemoteEndpoint() throws {
        func remote(_ pairs: [(String, RecordBuilder.Value)], kind: UInt8 = 3) throws -> [String: AnyHashable]? {
            var span = SpanBuilder()
            span.kind = kind
            span.items = pairs.map { .attribute((Array($0.0.utf8), $0.1)) }
            return try spans([span])[0]["remoteEndpoint"] as? [String: AnyHashable]
        }
        func text(_ value: String) -> RecordBuilder.Value { .string(Array(value.utf8)) }
        XCTAssertEqual(
            try remote([("server.address", text("h")), ("peer.service", text("Pay"))]), ["serviceName": "pay"])
        XCTAssertEqual(
            try remote([("network.peer.address", text("10.0.0.1")), ("server.address", text("db.example"))], kind: 4),
            ["serviceName": "db.example"])
        XCTAssertEqual(
            try remote([("network.peer.address", text("10.0.0.1")), ("network.peer.port", .int(5432))]),
            ["ipv4": "10.0.0.1", "port": NSNumber(value: 5432)])
        for port: RecordBuilder.Value in [.int(0), .int(70000), .int(-1), text("80")] {
            XCTAssertEqual(
                try remote([("network.peer.address", text("::1")), ("network.peer.port", port)]), ["ipv6": "::1"])
        }
        XCTAssertEqual(
            try remote([("network.peer.address", text("/run/x.sock")), ("db.name", text("d"))]), ["serviceName": "d"])
        XCTAssertNil(try remote([("server.address", text("me"))], kind: 2))
        XCTAssertNil(try remote([("peer.service", text("")), ("peer.service", .int(1))]))
    }

    func testNumericAddresses() {
        func family(_ text: String) -> NumericAddress? { Array(text.utf8).withUnsafeBytes { NumericAddress($0) } }
        for text in ["0.0.0.0", "255.255.255.255", "10.0.0.1"] { XCTAssertEqual(family(text), .ipv4, text) }
        for text in [
            "::", "::1", "1::", "fe80::A", "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::ffff:1.2.3.4",
            "1:2:3:4:5:6:1.2.3.4", "1::3:4:5:6:7:8",
        ] { XCTAssertEqual(family(text), .ipv6, text) }
        for text in [
            "", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.0.0.1", "1..2.3", "a.b.c.d", ":", ":1", "1:", ":::",
            "1::2::3",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "fe80::1%eth0", "[::1]", "1.2.3.4::", "::1.2.3",
            "1:2:3:4:5:6:7:1.2.3.4", "1::2:3:4:5:6:7:8", "::1:", ":1::", String(repeating: ":", count: 60),
        ] { XCTAssertNil(family(text), text) }
    }

    /// Every address that the system reads as one of a family is, and no other.
    func testNumericAddressesLikeTheSystem() {
        var generator = SeededGenerator(15)
        let parts = ["::", ":", "1", "ffff", "12", ".", "1.2.3.4", "0", "f", "255", "01"]
        var seen = 0
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                parts.randomElement(using: &generator) ?? ""
            }.joined()
            var room = [UInt8](repeating: 0, count: 16)
            let (four, six) = (inet_pton(AF_INET, text, &room) == 1, inet_pton(AF_INET6, text, &room) == 1)
            let found = Array(text.utf8).withUnsafeBytes { NumericAddress($0) }
            seen += found == nil ? 0 : 1
            XCTAssertEqual(found, four ? .ipv4 : six ? .ipv6 : nil, text)
        }
        XCTAssertGreaterThan(seen, 100)
    }

    // MARK: what is not taken

    func testOnlySpansWithIDs() throws {
        var nobody = SpanBuilder()
        nobody.traceID = [UInt8](repeating: 0, count: 16)
        var anonymous = SpanBuilder()
        anonymous.spanID = [UInt8](repeating: 0, count: 8)
        for other in [RecordBuilder(), nobody, anonymous] as [any RecordBytes] {
            XCTAssertEqual(try XCTUnwrap(format.written(Batch([SpanBuilder(), other]))).count, 1)
            XCTAssertEqual(try XCTUnwrap(format.written(Batch([other]))).count, 0)
            XCTAssertEqual(try XCTUnwrap(OTLPSpansFormat(isJSON: true).written(Batch([other]))).count, 0)
        }
    }

    /// No span is too large, and no request.
    func testLimits() throws {
        var span = SpanBuilder()
        let room = RecordLayout.maximumSize - span.bytes().count - 4096
        let filling = [UInt8](repeating: 1, count: 1020)
        span.items = (0..<UInt8(room / 1026)).map {
            .event(time: .max, name: [], attributes: [([$0], .string(filling))])
        }
        let batch = Batch([span])
        let all = Array(repeating: batch.views[0], count: 40)
        let (length, count) = try XCTUnwrap(
            all.withUnsafeBufferPointer {
                format.request(for: WireBatch(events: $0, key: "", attempt: 0, now: 0)).map {
                    ($0.body.count, $0.eventCount ?? -1)
                }
            })
        XCTAssertTrue((2..<40).contains(count), "\(count)")
        XCTAssertLessThanOrEqual(length, 5 << 20)
    }

    /// Whatever a record holds: one object for each span, texts as tags, no key twice.
    func testAnyContent() throws {
        var generator = SeededGenerator(16)
        for _ in 0..<400 {
            let builders = (0..<3).map { _ in SpanSample.random(&generator) }
            let text = try body(builders)
            let found = try XCTUnwrap(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
            XCTAssertEqual(found.count, 3)
            for span in found {
                XCTAssertNotNil(span["tags"] as? [String: String])
                XCTAssertGreaterThan(try XCTUnwrap(span["duration"] as? Int64), 0)
            }
        }
    }

    // MARK: answers and settings

    func testAnswers() {
        for status in [200, 202] { XCTAssertEqual(format.verdict(status), .accepted) }
        for status in [400, 404, 415] { XCTAssertEqual(format.verdict(status), .rejected) }
        for status in [408, 429, 500, 503] {
            XCTAssertEqual(format.verdict(status, retryAfter: "7"), .retry(afterSeconds: 7))
        }
        XCTAssertEqual(format.verdict(413), .split)
        for body in ["", "{}", "\n"] { XCTAssertTrue(format.recognises(Array(body.utf8)), body) }
        for body in ["<html>", "{\"error\":1}", "Please sign in"] {
            XCTAssertFalse(format.recognises(Array(body.utf8)), body)
        }
    }

    func testChoice() throws {
        let choice = NetworkChoice(.zipkin)
        XCTAssertEqual(choice.problem()?.key, "endpoint")
        for (given, url) in [
            ("http://localhost:9411", "http://localhost:9411/api/v2/spans"),
            ("http://localhost:9411/", "http://localhost:9411/api/v2/spans"),
            ("https://z.example/zipkin/api/v2/spans", "https://z.example/zipkin/api/v2/spans"),
        ] { XCTAssertEqual(NetworkChoice.address(.zipkin, ["endpoint": given]), url) }
        XCTAssertTrue(choice.takesSpans)
        XCTAssertFalse(choice.takesEvents || choice.takesMetrics)
        XCTAssertNotNil(choice.set("signals", "events"))
        XCTAssertTrue(try XCTUnwrap(choice.forSpans) === choice)
        let options = Options(toolName: "mytool", toolVersion: "1")
        options.setBackend(.network(choice))
        XCTAssertEqual(options.destinations.map(\.name), ["file"])
        XCTAssertEqual(options.allDestinations.map(\.name), ["file", "zipkin"])
    }

    func testLocalDestinationsTakeSpans() {
        for choice in [BackendChoice.noop, .stdout(.standard), .defaultFile] {
            let destination = Destination(name: "x", choice)
            XCTAssertTrue(destination.takesSpans && destination.forSpans?.name == "x")
        }
        for choice in [BackendChoice.http(endpoint: "https://a.example"), .network(NetworkChoice(.datadog))] {
            let destination = Destination(name: "x", choice)
            XCTAssertTrue(!destination.takesSpans && destination.forSpans == nil)
        }
    }
}
