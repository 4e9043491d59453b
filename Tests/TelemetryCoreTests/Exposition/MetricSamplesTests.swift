import XCTest

@testable import TelemetryCore

/// Samples for the parsers of others: `METRICS_SAMPLES=dir swift test --filter MetricSamplesTests`.
final class MetricSamplesTests: XCTestCase {
    private func write(_ name: String, _ snapshot: MetricSnapshot, earlier: MetricSnapshot? = nil) throws {
        var files: [(String, [UInt8])] = []
        for (format, ending) in [(ExpositionFormat.text, "prom"), (.openMetrics, "om")] {
            var text = PrometheusText(format)
            text.write(snapshot)
            files.append((ending, Array(try XCTUnwrap(text.bytes))))
        }
        var plain = PrometheusText(.openMetrics, hasCreated: false)
        plain.write(snapshot)
        files.append(("plain.om", Array(try XCTUnwrap(plain.bytes))))
        var json = MetricsJSON(pretty: true)
        json.write(snapshot)
        files.append(("json", Array(try XCTUnwrap(json.bytes))))
        for isJSON in [false, true] {
            for isDelta in [false, true] {
                var otlp = OTLPMetrics(isJSON: isJSON)
                _ = otlp.write(
                    snapshot, MetricSource(name: "mytool", version: "1.2.3"), time: Clock.realtime(),
                    interval: isDelta ? SnapshotInterval(since: earlier, start: snapshot.created) : nil)
                let ending = (isDelta ? "delta." : "") + (isJSON ? "otlp.json" : "otlp.pb")
                files.append((ending, Array(try XCTUnwrap(otlp.bytes))))
            }
        }
        guard let directory = ProcessInfo.processInfo.environment["METRICS_SAMPLES"] else { return }
        for (ending, bytes) in files {
            try Data(bytes).write(to: URL(fileURLWithPath: directory + "/" + name + "." + ending))
        }
    }

    func testUsual() throws {
        let scene = try MetricScene()
        scene.declare("http.server.request.duration", .histogram, unit: "s", help: "Duration of requests.")
        scene.declare("http.server.active_requests", .upDownCounter, unit: "{request}", help: "Requests being served.")
        scene.declare("flipt.cache.hit", .counter, help: "Cache hits.")
        scene.declare("process.memory", .gauge, unit: "By", help: "Memory in use.")
        scene.declare("cpu", .counter, unit: "s", help: "Processor time.")
        for number in 0..<200 {
            scene.record(
                "http.server.request.duration", .observe(Double(number) / 7),
                [("http.method", number % 3 == 0 ? "GET" : "POST"), ("code", .int(Int64(200 + number % 4)))])
            scene.record(
                "flipt.cache.hit", .add(1), [("cache", "memory"), ("type", number % 2 == 0 ? "flag" : "segment")])
            scene.record("cpu", .addNumber(0.001 * Double(number)))
        }
        scene.record("http.server.active_requests", .add(-3))
        scene.record("process.memory", .set(123_456_789))
        let earlier = try scene.snapshot()
        scene.record("flipt.cache.hit", .add(1), [("cache", "memory"), ("type", "flag")])
        scene.record("http.server.request.duration", .observe(0.5), [("http.method", "GET"), ("code", 200)])
        try write("usual", try scene.snapshot(), earlier: earlier)
    }

    func testHostile() throws {
        let scene = try MetricScene()
        let values: [MetricScene.Value] = [
            "a\"b", "back\\slash", "line\nfeed", "tab\t and \r", .text(String(repeating: "x", count: 1024)),
            .text(String(repeating: "\"\\\n", count: 341)), .bytes([0xFF, 0xFE, 0x41]), .bytes([0xC3]),
            .bytes([0, 1, 2]),
            "é 漢字 \u{1F600}", " ", "}", "{}", ",x=\"", "# EOF", "\\", "\\n", "\\\"", "\u{85}\u{2028}", .int(.min),
            .int(.max),
            .double(.nan), .double(-.infinity), .double(5e-324), true, false,
        ]
        scene.declare("hostile.values", .counter, help: "Text with \"quotes\", back\\slash,\nline feed and \u{0}.")
        scene.declare("hostile.buckets", .histogram, unit: "ms", bounds: [-1e300, -1, 0, 1e-300, 1, 123456.789, 1e300])
        for value in values {
            scene.record("hostile.values", .add(1), [("v", value)])
            scene.record("hostile.buckets", .observe(-1e200), [("v", value), ("le", value), ("quantile", value)])
        }
        for key in [
            "job", "instance", "__name__", "__x", "9lives", "a.b", "é", "a:b", "A", "_", "-", "le", "quantile",
            "otel.x",
        ] {
            scene.record("hostile.values", .add(2), [(key, "v")])
        }
        scene.record("hostile.values", .add(3), [("a.b", "1"), ("a-b", "2"), ("a_b", "3"), ("empty", "")])
        scene.record("hostile.values", .add(4), [("v", 7)])
        scene.record("hostile.values", .add(4), [("v", "7")])
        scene.declare("numbers", .gauge, unit: "1")
        for (index, value) in [0, -0.0, 5e-324, 1.7976931348623157e308, -1e21, 1e6, 0.1, 1.0 / 3.0, 1e-7, 123456789]
            .enumerated()
        {
            scene.record("numbers", .set(value), [("i", .int(Int64(index)))])
        }
        scene.declare("large", .counter)
        scene.record("large", .add(.max))
        scene.record("large", .addNumber(1e300), [("a", "b")])
        for (name, type) in [
            ("x", MetricType.counter), ("x.total", .counter), ("x_created", .gauge), ("y", .histogram),
            ("y_sum", .gauge),
            ("y.count", .counter), ("y/bucket", .gauge), ("z_total", .gauge), ("z", .counter), ("w.sum", .counter),
            ("w", .histogram), ("v_bucket", .gauge),
        ] {
            scene.declare(name, type)
            switch type {
            case .gauge: scene.record(name, .set(1))
            case .histogram: scene.record(name, .observe(1))
            default: scene.record(name, .add(1))
            }
        }
        for unit in [
            "s", "ms", "By", "%", "1", "{x}", "m/s", "KiBy/min", "}{", "/", "total", "°", "\"", "\\", "#", "bucket",
        ] {
            let name = "unit" + (unit.unicodeScalars.first.map { String($0.value) } ?? "") + String(unit.count)
            scene.declare(name, .counter, unit: unit.allSatisfy(\.isASCII) ? unit : "")
            scene.record(name, .addNumber(0.5))
        }
        try write("hostile", try scene.snapshot())
    }

    func testOverflow() throws {
        let scene = try MetricScene()
        scene.declare("many", .counter, help: "Too many.")
        scene.declare("waits", .histogram, unit: "s", help: "Too many.", limit: 100)
        for number in 0..<2500 {
            scene.record("many", .add(1), [("n", .int(Int64(number))), ("m", "x")])
            scene.record("waits", .observe(Double(number)), [("n", .int(Int64(number)))])
        }
        try write("overflow", try scene.snapshot())
    }

    func testEmpty() throws { try write("empty", try MetricScene().snapshot()) }
}
