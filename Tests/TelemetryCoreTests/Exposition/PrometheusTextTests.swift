import XCTest

@testable import TelemetryCore

/// Prometheus text 0.0.4 and OpenMetrics 1.0.0.
final class PrometheusTextTests: XCTestCase {
    /// Without the help of metrics that have no description.
    private func text(_ scene: MetricScene, _ format: ExpositionFormat, hasCreated: Bool = false) throws -> String {
        let text = try written(scene, format, hasCreated: hasCreated).text
        let snapshot = try scene.snapshot()
        let names = withExtendedLifetime(snapshot) {
            snapshot.families.filter { $0.description.isEmpty }.map { " " + String(decoding: $0.name, as: UTF8.self) }
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.filter { line in !(line.hasPrefix("# HELP ") && names.contains { line.hasSuffix($0) }) }
            .joined(separator: "\n")
    }

    func testWithoutDescriptionTheNameIsTheHelp() throws {
        let scene = try MetricScene()
        scene.declare("a.b", .counter)
        scene.record("a.b", .add(1))
        XCTAssertEqual(try written(scene, .text).text, "# HELP a_b_total a.b\n# TYPE a_b_total counter\na_b_total 1\n")
    }

    private func written(
        _ scene: MetricScene, _ format: ExpositionFormat, hasCreated: Bool = false
    ) throws -> (text: String, families: Int, series: Int) {
        let snapshot = try scene.snapshot()
        var writer = PrometheusText(format, hasCreated: hasCreated)
        writer.write(snapshot)
        let bytes = Array(try XCTUnwrap(writer.bytes))
        // What is written twice is the same.
        writer.write(snapshot)
        XCTAssertEqual(Array(try XCTUnwrap(writer.bytes)), bytes)
        return (
            try XCTUnwrap(String(validatingUTF8: bytes.map { CChar(bitPattern: $0) } + [0])), writer.omittedFamilies,
            writer.omittedSeries
        )
    }

    func testCounter() throws {
        let scene = try MetricScene()
        scene.declare("http.requests", .counter, unit: "{request}", help: "Requests \"served\"\\\n.")
        scene.record("http.requests", .add(2), [("method", "GET"), ("code", 200), ("ok", true), ("r", 0.5)])
        scene.record("http.requests", .add(1))
        XCTAssertEqual(
            try text(scene, .text),
            #"""
            # HELP http_requests_total Requests "served"\\\n.
            # TYPE http_requests_total counter
            http_requests_total{method="GET",code="200",ok="true",r="0.5"} 2
            http_requests_total 1

            """#)
        XCTAssertEqual(
            try text(scene, .openMetrics),
            #"""
            # TYPE http_requests counter
            # HELP http_requests Requests \"served\"\\\n.
            http_requests_total{method="GET",code="200",ok="true",r="0.5"} 2
            http_requests_total 1
            # EOF

            """#)
    }

    func testUnitIsSuffixAndLine() throws {
        let scene = try MetricScene()
        scene.declare("cpu.time", .counter, unit: "s", help: "CPU.")
        scene.record("cpu.time", .addNumber(1.5))
        scene.declare("temperature", .gauge, unit: "Cel")
        scene.record("temperature", .set(-3))
        XCTAssertEqual(
            try text(scene, .openMetrics),
            """
            # TYPE cpu_time_seconds counter
            # UNIT cpu_time_seconds seconds
            # HELP cpu_time_seconds CPU.
            cpu_time_seconds_total 1.5
            # TYPE temperature_celsius gauge
            # UNIT temperature_celsius celsius
            temperature_celsius -3
            # EOF

            """)
    }

    func testHistogram() throws {
        let scene = try MetricScene()
        scene.declare("wait", .histogram, unit: "ms", bounds: [0.5, 1, 1e6])
        for value in [0.25, 1.0, 2.0, 1e7] { scene.record("wait", .observe(value), [("le", "x"), ("q", "y")]) }
        scene.record("wait", .observe(1))
        let samples = """
            wait_milliseconds_bucket{exported_le="x",q="y",le="0.5"} 1
            wait_milliseconds_bucket{exported_le="x",q="y",le="1.0"} 2
            wait_milliseconds_bucket{exported_le="x",q="y",le="1e+06"} 3
            wait_milliseconds_bucket{exported_le="x",q="y",le="+Inf"} 4
            wait_milliseconds_sum{exported_le="x",q="y"} 1.000000325e+07
            wait_milliseconds_count{exported_le="x",q="y"} 4
            wait_milliseconds_bucket{le="0.5"} 0
            wait_milliseconds_bucket{le="1.0"} 1
            wait_milliseconds_bucket{le="1e+06"} 1
            wait_milliseconds_bucket{le="+Inf"} 1
            wait_milliseconds_sum 1
            wait_milliseconds_count 1

            """
        XCTAssertEqual(try text(scene, .text), "# TYPE wait_milliseconds histogram\n" + samples)
        XCTAssertEqual(
            try text(scene, .openMetrics),
            "# TYPE wait_milliseconds histogram\n# UNIT wait_milliseconds milliseconds\n" + samples + "# EOF\n")
    }

    func testSumThatMayFallIsNotInOpenMetrics() throws {
        let scene = try MetricScene()
        scene.declare("bounds", .histogram, bounds: [-1, 1])
        scene.record("bounds", .observe(5))
        scene.declare("values", .histogram, bounds: [1])
        scene.record("values", .observe(-5))
        let openMetrics = try text(scene, .openMetrics)
        XCTAssertFalse(openMetrics.contains("_sum"))
        XCTAssertFalse(openMetrics.contains("_count"))
        XCTAssertTrue(openMetrics.contains("bounds_bucket{le=\"-1.0\"} 0\n"))
        XCTAssertTrue(try text(scene, .text).contains("values_sum -5\nvalues_count 1\n"))
    }

    func testCreated() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter)
        scene.record("c", .add(1), [("a", "b")])
        scene.declare("h", .histogram, bounds: [1])
        scene.record("h", .observe(1))
        scene.declare("g", .gauge)
        scene.record("g", .set(1))
        let lines = try text(scene, .openMetrics, hasCreated: true).split(separator: "\n")
        let created = lines.filter { $0.contains("_created") }
        XCTAssertEqual(created.map { $0.split(separator: " ")[0] }, ["c_created{a=\"b\"}", "h_created"])
        let time = Double(try XCTUnwrap(created.first?.split(separator: " ").last))
        XCTAssertEqual(try XCTUnwrap(time), Double(Clock.realtime()) / 1e9, accuracy: 60)
        XCTAssertTrue(lines[2].hasPrefix("c_created"), "beside the counter")
        XCTAssertFalse(try text(scene, .text, hasCreated: true).contains("_created"))
    }

    func testNothing() throws {
        let scene = try MetricScene()
        scene.declare("unset", .gauge)
        scene.declare("unused", .counter, limit: 0)
        XCTAssertEqual(try text(scene, .text), "")
        XCTAssertEqual(try text(scene, .openMetrics), "# EOF\n")
    }

    // MARK: clashes

    func testFamiliesOfOneName() throws {
        let pairs: [(String, MetricType, String, MetricType)] = [
            ("a.b", .gauge, "a_b", .gauge), ("x", .counter, "x.total", .counter), ("x", .counter, "x_total", .gauge),
            ("x", .histogram, "x_sum", .gauge), ("x", .histogram, "x_count", .counter),
            ("x", .histogram, "x_bucket", .gauge), ("x", .counter, "x_created", .gauge),
            ("x_sum", .gauge, "x", .histogram), ("x_created", .gauge, "x", .counter),
        ]
        for (first, firstType, second, secondType) in pairs {
            let scene = try MetricScene()
            for (name, type) in [(first, firstType), (second, secondType)] {
                scene.declare(name, type, help: "The one named \(name).")
                switch type {
                case .gauge: scene.record(name, .set(1))
                case .histogram: scene.record(name, .observe(1))
                default: scene.record(name, .add(1))
                }
            }
            for format in [ExpositionFormat.text, .openMetrics] {
                let result = try written(scene, format, hasCreated: true)
                XCTAssertEqual(result.families, 1, "\(first) \(second)")
                XCTAssertEqual(result.text.components(separatedBy: "# TYPE").count, 2)
                XCTAssertTrue(result.text.contains("The one named \(first)."), "\(first) \(second)")
            }
        }
    }

    func testExponential() throws {
        let scene = try MetricScene()
        scene.declare("e", .exponentialHistogram, help: "E.")
        for value in [-2.0, 0, 0, 1, 4, 4] { scene.record("e", .observe(value), [("k", "v")]) }
        let result = try text(scene, .text)
        XCTAssertTrue(result.hasPrefix("# HELP e E.\n# TYPE e histogram\ne_bucket{k=\"v\",le=\"-"), result)
        XCTAssertTrue(result.hasSuffix("le=\"+Inf\"} 6\ne_sum{k=\"v\"} 7\ne_count{k=\"v\"} 6\n"), result)
        var last = (-Double.infinity, 0)
        for line in result.split(separator: "\n") where line.contains("_bucket{") {
            let parts = line.split(separator: "\"")
            let bound = try XCTUnwrap(Double(parts[3] == "+Inf" ? "inf" : String(parts[3])))
            let count = try XCTUnwrap(Int(parts[4].dropFirst(2)))
            XCTAssertGreaterThan(bound, last.0)
            XCTAssertGreaterThanOrEqual(count, last.1)
            last = (bound, count)
        }
        XCTAssertTrue(result.contains("le=\"0.0\"} 3\n"), result)
        XCTAssertTrue(result.contains("le=\"1.0\"} 4\n"), result)
        XCTAssertTrue(result.contains("le=\"4.0\"} 6\n"), result)
    }

    func testSeriesOfOneLabelSet() throws {
        let scene = try MetricScene()
        scene.declare("x", .counter)
        scene.record("x", .add(1), [("a", 1), ("b", "2")])
        scene.record("x", .add(2), [("b", 2), ("a", "1")])
        scene.record("x", .add(3), [("a", "1"), ("b", "2"), ("c", "")])
        scene.record("x", .add(4), [("a", "2"), ("b", "1")])
        scene.record("x", .add(5), [("c", "")])
        scene.record("x", .add(6))
        let result = try written(scene, .text)
        XCTAssertEqual(
            result.text,
            "# HELP x_total x\n# TYPE x_total counter\nx_total{a=\"1\",b=\"2\"} 6\nx_total{a=\"2\",b=\"1\"} 4\nx_total 11\n"
        )
        XCTAssertEqual(result.series, 0)
    }

    /// Attributes that differ in type only are one label: what adds up is added up, and of a gauge the first is written.
    func testTypesOfOneLabel() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter)
        scene.record("c", .add(1000), [("s", 200)])
        scene.record("c", .addNumber(0.5), [("s", "200")])
        scene.record("c", .add(Int64.max), [("s", "9")])
        scene.record("c", .add(5), [("s", 9)])
        scene.declare("u", .upDownCounter)
        scene.record("u", .add(-7), [("s", "1")])
        scene.record("u", .add(9), [("s", 1)])
        scene.declare("h", .histogram, bounds: [1, 2])
        for value in [0.5, 1.5, 9] { scene.record("h", .observe(value), [("s", true)]) }
        for value in [1.5, 9.0] { scene.record("h", .observe(value), [("s", "true")]) }
        scene.declare("g", .gauge)
        scene.record("g", .set(1), [("s", 1)])
        scene.record("g", .set(2), [("s", "1")])
        let result = try written(scene, .text)
        for line in [
            "c_total{s=\"200\"} 1000.5", "c_total{s=\"9\"} 9223372036854775807", "u{s=\"1\"} 2",
            "h_bucket{s=\"true\",le=\"1.0\"} 1", "h_bucket{s=\"true\",le=\"2.0\"} 3",
            "h_bucket{s=\"true\",le=\"+Inf\"} 5", "h_sum{s=\"true\"} 21.5", "h_count{s=\"true\"} 5", "g{s=\"1\"} 1",
        ] { XCTAssertTrue(result.text.contains(line + "\n"), line + "\n" + result.text) }
        XCTAssertEqual(result.series, 1)
    }

    func testAttributesWithOneLabel() throws {
        let scene = try MetricScene()
        scene.declare("x", .gauge)
        scene.record("x", .set(1), [("k", "v"), ("a_b", "3"), ("a.b", 2), ("a-b", "1\""), ("a/b", ""), ("z", "w")])
        scene.record("x", .set(2), [("job", "a"), ("exported_job", "b")])
        scene.record("x", .set(3), [("a.b", "first"), ("a-b", "second")])
        scene.record("x", .set(4), [("a.b", "alone")])
        XCTAssertEqual(
            try text(scene, .text),
            #"""
            # TYPE x gauge
            x{k="v",a_b="1\";2;3",z="w"} 1
            x{exported_job="b;a"} 2
            x{a_b="second;first"} 3
            x{a_b="alone"} 4

            """#)
    }

    // MARK: names and values

    func testLabelNames() {
        let names = [
            ("http.method", "http_method"), ("a..b", "a_b"), ("1st", "_1st"), ("_x", "_x"), ("__x", "_x"), ("x_", "x_"),
            ("___", "_"), ("é", "_"), ("a:b", "a_b"), ("job", "exported_job"), ("instance", "exported_instance"),
            ("quantile", "exported_quantile"), ("le", "exported_le"), ("Job", "Job"), (".1", "_1"), ("a b", "a_b"),
        ]
        for (key, label) in names {
            let found = Array(key.utf8).withUnsafeBytes { LabelName.of($0) }
            XCTAssertEqual(String(bytes: found), label, key)
        }
    }

    func testNames() {
        let names: [(String, String, MetricType, String, String)] = [
            ("http.server.request.duration", "s", .histogram, "http_server_request_duration_seconds", "seconds"),
            ("x_seconds", "s", .counter, "x_seconds", "seconds"), ("x.total", "By", .counter, "x_bytes", "bytes"),
            ("x_seconds_total", "s", .counter, "x_seconds", "seconds"), ("seconds", "s", .gauge, "seconds", ""),
            ("x.seconds.spent", "s", .gauge, "x_seconds_spent", ""), ("use", "1", .gauge, "use_ratio", "ratio"),
            ("use", "1", .upDownCounter, "use", ""), ("use", "1", .counter, "use", ""),
            ("a", "%", .gauge, "a_percent", "percent"),
            ("a", "{thing}", .gauge, "a", ""), ("v", "m/s", .gauge, "v_meters_per_second", "meters_per_second"),
            ("v", "{x}/s", .gauge, "v_per_second", "per_second"), ("v", "By{raw}", .gauge, "v_bytes", "bytes"),
            ("v", "KiBy/min", .gauge, "v_kibibytes_per_minute", "kibibytes_per_minute"),
            ("v", "widgets", .gauge, "v_widgets", "widgets"), ("v", "/", .gauge, "v", ""), ("v", "°", .gauge, "v", ""),
            ("v", "1/s", .gauge, "v_per_second", "per_second"), ("v", "total", .counter, "v", ""),
            ("v", "}{", .gauge, "v", ""),
            ("a--b//c.", "", .gauge, "a_b_c", ""), ("total", "", .counter, "total", ""),
            ("t", "Cel", .gauge, "t_celsius", "celsius"),
            ("t", "J/Cel", .gauge, "t_joules_per_celsius", "joules_per_celsius"),
            ("a_total_total", "", .counter, "a", ""),
        ]
        for (name, unit, type, base, word) in names {
            let found = Array(name.utf8).withUnsafeBytes { name in
                Array(unit.utf8).withUnsafeBytes { PrometheusName(name, $0, type) }
            }
            XCTAssertEqual(String(bytes: found.base), base, name + " " + unit)
            XCTAssertEqual(String(bytes: found.unit), word, name + " " + unit)
        }
    }

    func testNumbers() {
        let numbers: [(Double, String)] = [
            (0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (999_999, "999999"), (1e6, "1e+06"),
            (1_234_567, "1.234567e+06"),
            (0.1, "0.1"), (0.0001, "0.0001"), (0.00001, "1e-05"), (123456.789, "123456.789"),
            (1_234_567.5, "1.2345675e+06"), (1e21, "1e+21"), (1e100, "1e+100"), (5e-324, "5e-324"),
            (.pi, "3.141592653589793"),
            (1.7976931348623157e308, "1.7976931348623157e+308"), (-2.5e-7, "-2.5e-07"),
            (9_007_199_254_740_993, "9.007199254740992e+15"),
            (0.00012345, "0.00012345"), (123_456.123_456_789, "123456.123456789"), (100_000.5, "100000.5"),
            (.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1.0 / 3.0, "0.3333333333333333"),
            (2e15, "2e+15"),
            (4503599627370497.5, "4.503599627370498e+15"), (-9.223372036854775807e18, "-9.223372036854776e+18"),
        ]
        for (value, expected) in numbers {
            let found = [UInt8](unsafeUninitializedCapacity: GoFloat.maxLength) { area, count in
                guard let base = area.baseAddress else { return }
                count = GoFloat.write(value, to: base) - base
            }
            XCTAssertEqual(String(bytes: found), expected)
        }
        let bounds: [(Double, String)] = [
            (1, "1.0"), (-1, "-1.0"), (0, "0.0"), (0.5, "0.5"), (1e6, "1e+06"), (.infinity, "+Inf"), (1e-5, "1e-05"),
        ]
        for (value, expected) in bounds {
            let found = [UInt8](unsafeUninitializedCapacity: GoFloat.maxLength) { area, count in
                guard let base = area.baseAddress else { return }
                count = GoFloat.writeBound(value, to: base) - base
            }
            XCTAssertEqual(String(bytes: found), expected)
        }
    }

    /// Go writes the same digits as the standard library of Swift, so reading back is the test.
    func testAnyNumberReadsBack() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let value = Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &generator))
            if value.isNaN { continue }
            let found = [UInt8](unsafeUninitializedCapacity: GoFloat.maxLength) { area, count in
                guard let base = area.baseAddress else { return }
                count = GoFloat.write(value, to: base) - base
            }
            XCTAssertEqual(Double(String(bytes: found).replacingOccurrences(of: "Inf", with: "inf")), value)
        }
    }

    func testHostileValues() throws {
        let scene = try MetricScene()
        scene.declare("x", .gauge, help: "a\u{0}b\r\t\u{85}")
        scene.record("x", .set(1), [("v", .text("a\"b\\c\nd\te")), ("w", .bytes([0xFF, 0x41, 0xC3, 0, 0xE2, 0x82]))])
        scene.record("x", .set(2), [("v", .text(String(repeating: "\n", count: 1024)))])
        scene.record("x", .set(3), [("v", .bytes([UInt8](repeating: 0x80, count: 1024)))])
        scene.record("x", .set(4), [("v", .bytes([UInt8](repeating: 0xFF, count: 1024)))])
        scene.record("x", .set(5), [("v", .text(String(repeating: "é\"", count: 333)))])
        let result = try written(scene, .text)
        XCTAssertEqual(result.series, 1, "two texts of nothing but replacements are the same")
        let lines = result.text.split(separator: "\n", omittingEmptySubsequences: false)
        XCTAssertEqual(lines[0], "# HELP x a\u{FFFD}b\r\t\u{85}")
        XCTAssertEqual(lines[2], "x{v=\"a\\\"b\\\\c\\nd\te\",w=\"\u{FFFD}A\u{FFFD}\u{FFFD}\u{FFFD}\"} 1")
        XCTAssertEqual(lines[3], "x{v=\"" + String(repeating: "\\n", count: 1024) + "\"} 2")
        XCTAssertEqual(lines[4], "x{v=\"" + String(repeating: "\u{FFFD}", count: 1024) + "\"} 3")
        XCTAssertEqual(lines[5], "x{v=\"" + String(repeating: "é\\\"", count: 333) + "\"} 5")
    }

    func testOverflow() throws {
        let scene = try MetricScene()
        scene.declare("x", .counter)
        for number in 0..<2100 { scene.record("x", .add(1), [("n", .int(Int64(number)))]) }
        let lines = try text(scene, .text).split(separator: "\n")
        XCTAssertEqual(lines.count, 2002)
        XCTAssertTrue(lines.contains("x_total{otel_metric_overflow=\"true\"} 100"))
    }

    /// Each series has other keys: none of them is found where the last series had it.
    func testManyKeys() throws {
        let scene = try MetricScene()
        scene.declare("x", .counter)
        for number in 0..<500 { scene.record("x", .add(1), [("k\(number)", "v"), ("k\(number + 1)", "w")]) }
        let result = try written(scene, .text)
        XCTAssertEqual(result.series, 0)
        for number in 0..<500 {
            XCTAssertTrue(result.text.contains("x_total{k\(number)=\"v\",k\(number + 1)=\"w\"} 1\n"))
        }
    }
}
