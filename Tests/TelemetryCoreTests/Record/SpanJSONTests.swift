import Foundation
import XCTest

@testable import TelemetryCore

/// docs/reading-events.md, "Spans".
final class SpanJSONTests: XCTestCase {
    private func line(_ span: SpanBuilder, withContext: Bool = true, metadata: [SpanBuilder.Attribute] = []) throws
        -> String
    {
        let batch = Batch([span], metadata: metadata)
        var json = EventJSON()
        json.write(batch.views[0], withContext: withContext)
        return String(decoding: try XCTUnwrap(json.bytes), as: UTF8.self)
    }

    private let identity =
        #"{"schema_version":1,"event_id":"01020304-0506-0708-090a-0b0c0d0e0f10","#
        + #""timestamp":"2026-05-12T14:30:45.123456789Z","type":"span","#
    private let context =
        #""machine_id":"00ff","tool_name":"mytool","version":"1.2.3","os":"linux","arch":"x86_64","#
        + #""os_version":"12","runtime":"c""#

    func testSmallestSpan() throws {
        let own =
            #""name":"GET /items","trace_id":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","span_id":"b0b1b2b3b4b5b6b7","#
            + #""flags":259,"kind":"internal","duration_ns":501234567,"status":"unset""#
        XCTAssertEqual(try line(SpanBuilder()), identity + own + "," + context + "}")
        XCTAssertEqual(try line(SpanBuilder(), withContext: false), identity + own + "}")
    }

    func testEveryField() throws {
        let own = [
            #""name":"get \"it\"","trace_id":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","span_id":"b0b1b2b3b4b5b6b7","#,
            #""parent_span_id":"0102030405060708","trace_state":"vendor=a,other=b","flags":771,"kind":"client","#,
            #""duration_ns":501234567,"status":"error","status_message":"no route","#,
            #""attributes":{"i":-9223372036854775808,"d":0.5,"b":true,"again":"last\n"},"#,
            #""events":[{"timestamp":"2026-05-12T14:30:45.200000000Z","name":"exception","#,
            #""attributes":{"n":1,"k":"b"},"dropped_attributes_count":4},"#,
            #"{"timestamp":"2026-05-12T14:30:45.300000000Z","name":""}],"#,
            #""links":[{"trace_id":"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf","span_id":"d0d1d2d3d4d5d6d7","#,
            #""trace_state":"v=1","flags":1,"attributes":{"why":"é"},"dropped_attributes_count":5},"#,
            #"{"trace_id":"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf","span_id":"d0d1d2d3d4d5d6d7","flags":0}],"#,
            #""dropped_attributes_count":1,"dropped_events_count":2,"dropped_links_count":300,"#,
        ].joined()
        XCTAssertEqual(
            try line(SpanSample.full, metadata: [(Array("m".utf8), .int(5))]),
            identity + own + context + #","metadata":{"m":5}}"#)
    }

    /// As it was recorded: a receiver's view of traces needs more.
    func testAbandoned() throws {
        let text = try line(SpanSample.abandoned)
        XCTAssertTrue(text.contains(#""status":"unset","abandoned":true,"attributes":{"telemetry.abandoned":1}"#), text)
    }

    func testEndBeforeStart() throws {
        for (start, end, expected) in [
            (7, 3, 0), (.max, .min, 0), (.min, .max, .max), (-5, 5, 10), (0, 0, 0),
        ] as [(Int64, Int64, Int64)] {
            var span = SpanBuilder()
            (span.start, span.end) = (start, end)
            XCTAssertTrue(try line(span).contains("\"duration_ns\":\(expected),"), "\(start) \(end)")
        }
    }

    /// Whatever a record holds, each line is one object with unique keys.
    func testAnyContent() throws {
        var generator = SeededGenerator(14)
        for _ in 0..<500 {
            let batch = Batch((0..<3).map { _ in SpanSample.random(&generator) })
            var json = EventJSON()
            batch.views.withUnsafeBufferPointer { json.writeLines($0) }
            let lines = try XCTUnwrap(json.bytes).split(separator: UInt8(ascii: "\n"))
            XCTAssertEqual(lines.count, 3)
            for line in lines {
                let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
                XCTAssertEqual(object?["type"] as? String, "span")
                XCTAssertEqual((object?["span_id"] as? String)?.utf8.count, 16)
            }
        }
    }

    /// In a list, as standard output has it.
    func testPretty() throws {
        var json = EventJSON(pretty: true)
        let batch = Batch([SpanSample.full, SpanBuilder()])
        batch.views.withUnsafeBufferPointer { json.writeArray($0) }
        let list = try JSONSerialization.jsonObject(with: Data(try XCTUnwrap(json.bytes))) as? [[String: Any]]
        XCTAssertEqual(list?.map { $0["name"] as? String }, ["get \"it\"", "GET /items"])
        XCTAssertEqual(list?.map { $0["machine_id"] as? String }, ["00ff", "00ff"])
    }
}
