import Foundation
import XCTest

@testable import TelemetryCore

/// OTLP/HTTP traces: opentelemetry-proto's trace.proto.
final class OTLPSpansFormatTests: XCTestCase {
    private func body(_ batch: Batch, isJSON: Bool = false) throws -> [UInt8] {
        let format = OTLPSpansFormat(isJSON: isJSON)
        let request = try XCTUnwrap(format.written(batch, key: ""))
        XCTAssertEqual(request.head, ["Content-Type: application/" + (isJSON ? "json" : "x-protobuf")])
        XCTAssertEqual(request.count, batch.views.count)
        return try XCTUnwrap(
            batch.views.withUnsafeBufferPointer {
                format.request(for: WireBatch(events: $0, key: "", attempt: 0, now: 0)).map { Array($0.body) }
            })
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

    private func attribute(_ tag: UInt8, _ key: String, _ value: [UInt8]) -> [UInt8] {
        field(tag, text(0x0A, key) + field(0x12, value))
    }

    private func attribute(_ tag: UInt8, _ key: String, _ value: String) -> [UInt8] {
        attribute(tag, key, text(0x0A, value))
    }

    private func time(_ tag: UInt8, _ time: Int64) -> [UInt8] { [tag] + RecordBuilder.raw(time) }

    private let resource = [
        ("service.name", "mytool"), ("service.version", "1.2.3"), ("telemetry.sdk.language", "c"),
        ("telemetry.sdk.name", "libtelemetry"), ("telemetry.sdk.version", TelemetryVersion.text),
        ("host.arch", "x86_64"), ("os.type", "linux"), ("os.version", "12"), ("telemetry.runtime", "c"),
        ("machine.id", "00ff"),
    ]

    private func envelope(_ spans: [[UInt8]], metadata: [UInt8] = []) -> [UInt8] {
        let scope = field(0x0A, text(0x0A, "libtelemetry") + text(0x12, TelemetryVersion.text))
        let attributes = resource.flatMap { attribute(0x0A, $0, $1) } + metadata
        return field(0x0A, field(0x0A, attributes) + field(0x12, scope + spans.flatMap { field(0x12, $0) }))
    }

    private func smallest(attributes: [UInt8] = [], status: [UInt8] = []) -> [UInt8] {
        let span = SpanBuilder()
        var bytes = field(0x0A, span.traceID) + field(0x12, span.spanID) + text(0x2A, "GET /items") + [0x30, 1]
        bytes += time(0x39, span.start) + time(0x41, span.end) + attributes + status
        return bytes + [0x85, 1, 3, 1, 0, 0]
    }

    func testGoldenBytesOfTheSmallestSpan() throws {
        XCTAssertEqual(try body(Batch([SpanBuilder()])), envelope([smallest()]))
    }

    func testGoldenBytesOfEveryField() throws {
        let span = SpanSample.full
        var bytes = field(0x0A, span.traceID) + field(0x12, span.spanID) + text(0x1A, "vendor=a,other=b")
        bytes += field(0x22, span.parentID) + text(0x2A, "get \"it\"") + [0x30, 3]
        bytes += time(0x39, span.start) + time(0x41, span.end)
        bytes += attribute(0x4A, "i", [0x18] + [UInt8](repeating: 0x80, count: 9) + [1])
        bytes += attribute(0x4A, "d", [0x21, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F]) + attribute(0x4A, "b", [0x10, 1])
        bytes += attribute(0x4A, "again", "last\n") + [0x50, 1]
        let exception =
            time(0x09, 1_778_596_245_200_000_000) + text(0x12, "exception") + attribute(0x1A, "n", [0x18, 1])
            + attribute(0x1A, "k", "b") + [0x20, 4]
        bytes += field(0x5A, exception) + field(0x5A, time(0x09, 1_778_596_245_300_000_000)) + [0x60, 2]
        let ids = field(0x0A, SpanSample.otherTrace) + field(0x12, SpanSample.otherSpan)
        let link = ids + text(0x1A, "v=1") + attribute(0x22, "why", "é") + [0x28, 5, 0x35, 1, 0, 0, 0]
        bytes += field(0x6A, link) + field(0x6A, ids) + [0x70, 0xAC, 2]
        bytes += field(0x7A, text(0x12, "no route") + [0x18, 2]) + [0x85, 1, 3, 3, 0, 0]
        let metadata = attribute(0x0A, "tool.metadata.m", [0x18, 5])
        let batch = Batch([span], metadata: [(Array("m".utf8), .int(5))])
        XCTAssertEqual(try body(batch), envelope([bytes], metadata: metadata))
    }

    func testAbandoned() throws {
        let mark = attribute(0x4A, "telemetry.abandoned", [0x10, 1])
        let failed = field(0x7A, text(0x12, "abandoned: the span was never ended") + [0x18, 2])
        XCTAssertEqual(
            try body(Batch([SpanSample.abandoned])), envelope([smallest(attributes: mark, status: failed)]))
        // What was said stays. A message belongs to an error alone.
        var said = SpanSample.abandoned
        said.status = 1
        said.items.append(.message(Array("fine".utf8)))
        XCTAssertEqual(
            try body(Batch([said])), envelope([smallest(attributes: mark, status: field(0x7A, [0x18, 1]))]))
        // The author's attribute of that name stays with a span that was ended.
        said = SpanSample.abandoned
        said.flags = 0
        let own = attribute(0x4A, "telemetry.abandoned", [0x18, 1])
        XCTAssertEqual(try body(Batch([said])), envelope([smallest(attributes: own)]))
    }

    /// An end before the start, a time before 1970, an unknown kind and status: nothing that a receiver refuses.
    func testOddValues() throws {
        var span = SpanBuilder()
        (span.start, span.end, span.kind, span.status, span.name) = (-5, -9, 77, 9, [])
        var bytes = field(0x0A, span.traceID) + field(0x12, span.spanID) + [0x30, 1]
        bytes += [0x85, 1, 3, 1, 0, 0]
        XCTAssertEqual(try body(Batch([span])), envelope([bytes]))
        (span.start, span.end) = (7, 3)
        bytes = field(0x0A, span.traceID) + field(0x12, span.spanID) + [0x30, 1] + time(0x39, 7) + time(0x41, 7)
        bytes += [0x85, 1, 3, 1, 0, 0]
        XCTAssertEqual(try body(Batch([span])), envelope([bytes]))
    }

    func testGoldenJSON() throws {
        func string(_ key: String, _ value: String) -> String {
            #"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"#
        }
        let spans = [
            #"{"traceId":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","spanId":"b0b1b2b3b4b5b6b7","#,
            #""traceState":"vendor=a,other=b","parentSpanId":"0102030405060708","name":"get \"it\"","kind":3,"#,
            #""startTimeUnixNano":"1778596245123456789","endTimeUnixNano":"1778596245624691356","attributes":["#,
            #"{"key":"i","value":{"intValue":"-9223372036854775808"}},{"key":"d","value":{"doubleValue":0.5}},"#,
            #"{"key":"b","value":{"boolValue":true}},"# + string("again", #"last\n"#),
            #"],"droppedAttributesCount":1,"events":[{"timeUnixNano":"1778596245200000000","name":"exception","#,
            #""attributes":[{"key":"n","value":{"intValue":"1"}},"# + string("k", "b"),
            #"],"droppedAttributesCount":4},{"timeUnixNano":"1778596245300000000"}],"droppedEventsCount":2,"#,
            #""links":[{"traceId":"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf","spanId":"d0d1d2d3d4d5d6d7","traceState":"v=1","#,
            #""attributes":["# + string("why", "é") + #"],"droppedAttributesCount":5,"flags":1},"#,
            #"{"traceId":"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf","spanId":"d0d1d2d3d4d5d6d7"}],"droppedLinksCount":300,"#,
            #""status":{"message":"no route","code":2},"flags":771}"#,
        ].joined()
        let resource = self.resource.map { string($0, $1) }.joined(separator: ",")
        XCTAssertEqual(
            String(decoding: try body(Batch([SpanSample.full]), isJSON: true), as: UTF8.self),
            #"{"resourceSpans":[{"resource":{"attributes":["# + resource
                + #"]},"scopeSpans":[{"scope":{"name":"libtelemetry","version":""# + TelemetryVersion.text
                + #""},"spans":["# + spans + "]}]}]}")
    }

    func testOneResourceSpansForEachContext() throws {
        let (first, second) = (Batch([SpanBuilder()]), Batch([SpanBuilder()], identity: "11ee"))
        let views = first.views + second.views + second.views
        let format = OTLPSpansFormat(isJSON: true)
        let request = try XCTUnwrap(
            views.withUnsafeBufferPointer {
                format.request(for: WireBatch(events: $0, key: "", attempt: 0, now: 0)).map {
                    (Data($0.body), $0.eventCount)
                }
            })
        XCTAssertEqual(request.1, 3)
        let parsed = try JSONSerialization.jsonObject(with: request.0) as? [String: [[String: Any]]]
        let counts = parsed?["resourceSpans"]?.compactMap {
            (($0["scopeSpans"] as? [[String: Any]])?.first?["spans"] as? [Any])?.count
        }
        XCTAssertEqual(counts, [1, 2])
    }

    /// A batch has one kind. Should an event be in it, no byte behind it is read as a span's.
    func testEventsAreNotTaken() throws {
        for isJSON in [false, true] {
            let format = OTLPSpansFormat(isJSON: isJSON)
            let mixed = Batch([SpanBuilder(), RecordBuilder(), SpanBuilder()] as [any RecordBytes])
            XCTAssertEqual(try XCTUnwrap(format.written(mixed)).count, 1)
            XCTAssertEqual(try XCTUnwrap(format.written(Batch([RecordBuilder()]))).count, 0)
        }
    }

    /// 4 MiB is never passed: what does not fit is left for the next request. The items are those that grow most.
    func testRequestIsWithinTheLimit() throws {
        var span = SpanBuilder()
        let room = RecordLayout.maximumSize - span.bytes().count
        let choices: [SpanBuilder.Item] = [
            .event(time: .max, name: [], attributes: [([], .bool(false))], dropped: .max),
            .link(trace: SpanSample.otherTrace, span: SpanSample.otherSpan, flags: 255, dropped: .max),
            .attribute((Array("k".utf8), .string([UInt8](repeating: 1, count: 1020)))),
        ]
        for item in choices {
            var probe = SpanBuilder()
            probe.items = [item]
            let size = probe.bytes().count - SpanBuilder().bytes().count
            span.items = Array(repeating: item, count: room / size)
            // Different keys, of which none counts as given again.
            if case .attribute(let attribute) = item {
                span.items = (0..<UInt8(room / size)).map { .attribute(([$0], attribute.value)) }
            }
            let views = Batch([span])
            for isJSON in [false, true] {
                let all = Array(repeating: views.views[0], count: 60)
                let (length, count) = try XCTUnwrap(
                    all.withUnsafeBufferPointer {
                        OTLPSpansFormat(isJSON: isJSON).request(
                            for: WireBatch(events: $0, key: "", attempt: 0, now: 0)
                        ).map { ($0.body.count, $0.eventCount ?? -1) }
                    })
                XCTAssertTrue((1..<60).contains(count), "\(count)")
                XCTAssertLessThanOrEqual(length, 4 << 20)
            }
        }
    }

    /// Whatever a record holds, JSON can be parsed and keys are unique; protobuf consists of whole fields, each once.
    func testAnyContent() throws {
        var generator = SeededGenerator(13)
        for _ in 0..<400 {
            let batch = Batch((0..<3).map { _ in SpanSample.random(&generator) })
            let json = try JSONSerialization.jsonObject(with: Data(try body(batch, isJSON: true)))
            check(json)
            let bytes = try body(batch)
            var request = ProtobufReader(bytes)
            guard case (1, .bytes(let resourceSpans))? = request.next() else { return XCTFail("no ResourceSpans") }
            XCTAssertTrue(request.isAtEnd)
            var inner = ProtobufReader(bytes, resourceSpans)
            _ = inner.next()
            guard case (2, .bytes(let scopeSpans))? = inner.next() else { return XCTFail("no ScopeSpans") }
            XCTAssertTrue(inner.isAtEnd)
            var spans = ProtobufReader(bytes, scopeSpans)
            _ = spans.next()
            for _ in 0..<3 {
                guard case (2, .bytes(let span))? = spans.next() else { return XCTFail("no span") }
                checkSpan(bytes, span)
            }
            XCTAssertTrue(spans.isAtEnd)
        }
    }

    private func checkSpan(_ bytes: [UInt8], _ range: Range<Int>) {
        var (reader, last): (ProtobufReader, UInt64) = (ProtobufReader(bytes, range), 0)
        while let field = reader.next() {
            XCTAssertTrue(field.number > last || field.number == last && [9, 11, 13].contains(last))
            last = field.number
        }
        XCTAssertTrue(reader.isAtEnd)
        XCTAssertEqual(last, 16)
    }

    private func check(_ value: Any) {
        if let list = value as? [Any] {
            XCTAssertFalse(list.isEmpty)
            let keys = list.compactMap { ($0 as? [String: Any])?["key"] as? String }
            XCTAssertEqual(keys.count, Set(keys.map { Array($0.utf8) }).count)
            for each in list { check(each) }
        } else if let object = value as? [String: Any] {
            for each in object.values { check(each) }
        }
    }

    // MARK: answers

    func testAnswers() {
        let format = OTLPSpansFormat(isJSON: true)
        func verdict(_ status: Int, _ body: String = "") -> Verdict {
            format.outcome(HTTPResponse(status: status, body: Array(body.utf8)), eventCount: 5, now: 0).verdict
        }
        XCTAssertEqual(verdict(200), .accepted)
        XCTAssertEqual(
            verdict(200, #"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}"#), .partial(rejected: 2))
        XCTAssertEqual(verdict(200, "\u{0A}\u{02}\u{08}\u{03}"), .partial(rejected: 3))
        XCTAssertEqual(verdict(200, #"{"partialSuccess":{"rejectedLogRecords":"2"}}"#), .accepted)
        for status in [429, 502, 503, 504, 408, 500] { XCTAssertEqual(verdict(status), .retry(afterSeconds: nil)) }
        for status in [400, 404, 501] { XCTAssertEqual(verdict(status), .rejected) }
        XCTAssertEqual(verdict(413), .split)
        XCTAssertTrue(format.recognises(Array("{}".utf8)))
        XCTAssertFalse(format.recognises(Array("<html>".utf8)))
    }

    // MARK: the choice

    private func choice(_ signals: String?, _ settings: [(String, String)] = []) -> NetworkChoice {
        let choice = NetworkChoice(.otlp)
        for (key, value) in settings { XCTAssertNil(choice.set(key, value), key) }
        if let signals { XCTAssertNil(choice.set("signals", signals)) }
        return choice
    }

    func testSignals() throws {
        for (signals, events, metrics, spans) in [
            (nil, true, false, false), ("spans", false, false, true), ("events,spans", true, false, true),
            ("spans metrics", false, true, true), ("events metrics spans", true, true, true),
            ("metrics", false, true, false),
        ] {
            let choice = choice(signals)
            XCTAssertEqual(choice.takesEvents, events, signals ?? "none")
            XCTAssertEqual(choice.takesMetrics, metrics, signals ?? "none")
            XCTAssertEqual(choice.takesSpans, spans, signals ?? "none")
            let destination = Destination(name: "x", .network(choice))
            XCTAssertEqual(destination.takesSpans, spans)
            XCTAssertEqual(destination.forSpans?.name, spans ? "x" : nil)
            guard let alone = destination.forSpans else { continue }
            XCTAssertTrue(alone.takesSpans && !alone.takesEvents && !alone.takesMetrics)
            XCTAssertEqual(alone.forSpans?.network?.kind.path, "/v1/traces")
        }
    }

    func testEndpoints() throws {
        for (given, url) in [
            ("https://a.example", "https://a.example/v1/traces"), ("https://a.example/", "https://a.example/v1/traces"),
            ("https://a.example/x/", "https://a.example/x/v1/traces"),
            ("https://a.example/v1/logs", "https://a.example/v1/traces"),
            ("https://a.example/x/v1/metrics", "https://a.example/x/v1/traces"),
            ("https://a.example/v1/traces", "https://a.example/v1/traces"),
            ("https://a.example/in", "https://a.example/in/v1/traces"),
            ("https://a.example/in?x=1", "https://a.example/in/v1/traces?x=1"),
            ("https://a.example?x=1", "https://a.example/v1/traces?x=1"),
            ("https://v1/logs", "https://v1/logs/v1/traces"),
            ("https://a.example//v1/logs/", "https://a.example//v1/traces"),
        ] { XCTAssertEqual(choice("spans", [("endpoint", given)]).forSpans?.url, url) }
        let own = choice("events,spans", [("endpoint", "https://a.example/in"), ("endpoint_is_whole", "true")])
        XCTAssertEqual(own.url, "https://a.example/in")
        XCTAssertEqual(own.forSpans?.url, "https://a.example/in")
        let whole = choice("events,metrics", [("endpoint", "https://a.example/v1/traces")])
        XCTAssertEqual(whole.url, "https://a.example/v1/logs")
        XCTAssertEqual(whole.forMetrics?.url, "https://a.example/v1/metrics")
    }

    func testEnvironment() throws {
        let author = choice("spans", [("endpoint", "https://author.example"), ("environment", "override")])
        let spans = try XCTUnwrap(author.forSpans)
        let resolved = OTLPEnvironment.resolve(spans, .traces) {
            switch $0 {
            case "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://user.example/own"
            case "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"
            case "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://wrong.example"
            default: nil
            }
        }
        XCTAssertEqual(resolved.url, "https://user.example/own")
        XCTAssertEqual(resolved.setting("protocol"), "http/json")
        XCTAssertEqual(
            OTLPEnvironment.resolve(spans, .traces) {
                $0 == "OTEL_EXPORTER_OTLP_ENDPOINT" ? "https://user.example" : nil
            }.url, "https://user.example/v1/traces")
        let unset = try XCTUnwrap(choice("spans", [("environment", "fill")]).forSpans)
        XCTAssertEqual(
            unset.address, "the endpoint of OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT")
    }
}
