import XCTest

@testable import TelemetryCore

final class MetricsJSONTests: XCTestCase {
    func testDocument() throws {
        let scene = try MetricScene()
        scene.declare("runs", .counter, unit: "{run}", help: "Runs \"of\" it.")
        scene.record("runs", .add(.max), [("os", "linux"), ("n", -1), ("d", 0.5), ("ok", false)])
        scene.declare("level", .gauge)
        scene.record("level", .set(3))
        scene.declare("wait", .histogram, unit: "s", bounds: [0.5, 1])
        for value in [0.25, 0.75] { scene.record("wait", .observe(value)) }
        scene.record("wait", Exemplar(value: 5, time: 1_000_000, traceID: TraceID(high: 1, low: 2), spanID: 3))
        scene.declare("idle", .upDownCounter)
        for _ in 0..<7 { MetricMap.count(.refusedValue, scene.map.base) }
        let times = #""created":"[-0-9T:.]+Z""#
        var writer = MetricsJSON()
        writer.write(try scene.snapshot())
        let text = String(bytes: try XCTUnwrap(writer.bytes)).replacingOccurrences(
            of: times, with: "\"created\":T", options: .regularExpression)
        XCTAssertEqual(
            text,
            #"{"metrics":[{"name":"runs","type":"counter","unit":"{run}","description":"Runs \"of\" it.","series":["#
                + #"{"attributes":{"os":"linux","n":-1,"d":0.5,"ok":false},"value":9223372036854775807,"created":T}]},"#
                + #"{"name":"level","type":"gauge","unit":"","description":"","series":["#
                + #"{"attributes":{},"value":3.0,"created":T}]},"#
                + #"{"name":"wait","type":"histogram","unit":"s","description":"","series":["#
                + #"{"attributes":{},"count":3,"sum":6.0,"min":0.25,"max":5.0,"buckets":[{"le":0.5,"count":1},"#
                + #"{"le":1.0,"count":2},{"le":null,"count":3}],"exemplars":["#
                + #"{"value":5.0,"time":"1970-01-01T00:00:00.001000000Z","trace_id":"00000000000000010000000000000002","#
                + #""span_id":"0000000000000003"}],"created":T}]},"#
                + #"{"name":"idle","type":"up_down_counter","unit":"","description":"","series":[]}],"#
                + #""refused":{"refused_value":7,"overflowed":0,"refused_metric":0,"adjusted":0,"dropped":0,"superseded":0,"not_in_prometheus":0}}"#
                + "\n")
    }

    func testIsJSONWhateverTheValues() throws {
        let scene = try MetricScene()
        scene.declare("x", .gauge, help: "\u{0}\u{1F}\"\\")
        scene.record("x", .set(5e-324), [("\u{7}\"", .bytes([0xFF, 0, 0x22])), ("nan", 0)])
        scene.record("x", .set(-1e300), [("d", .double(.nan))])
        for isPretty in [false, true] {
            var writer = MetricsJSON(pretty: isPretty)
            writer.write(try scene.snapshot())
            let bytes = Data(try XCTUnwrap(writer.bytes))
            XCTAssertNotNil(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        }
    }
}
