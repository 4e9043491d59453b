import XCTest

@testable import TelemetryCore

/// OTLP metrics, in both forms.
final class OTLPMetricsTests: XCTestCase {
    private let time: Int64 = 4_000_000_000_000_000_000

    private func request(
        _ snapshot: MetricSnapshot, isJSON: Bool, interval: SnapshotInterval? = nil
    ) throws -> (bytes: [UInt8], points: Int) {
        var writer = OTLPMetrics(isJSON: isJSON)
        let next = writer.write(snapshot, source, time: time, interval: interval)
        XCTAssertNil(next)
        return (Array(try XCTUnwrap(writer.bytes)), writer.pointCount)
    }

    private let source = MetricSource(name: "mytool", version: "1.2.3", isAnonymous: true)

    /// The metrics of a request in JSON by their names.
    private func metrics(
        _ snapshot: MetricSnapshot, interval: SnapshotInterval? = nil
    ) throws -> [String: [String: Any]] {
        let bytes = Data(try request(snapshot, isJSON: true, interval: interval).bytes)
        let parsed = try XCTUnwrap(JSONSerialization.jsonObject(with: bytes) as? [String: [[String: Any]]])
        let scopes = try XCTUnwrap(parsed["resourceMetrics"]?.first?["scopeMetrics"] as? [[String: Any]])
        let list = try XCTUnwrap(scopes.first?["metrics"] as? [[String: Any]])
        return Dictionary(list.map { ($0["name"] as? String ?? "", $0) }) { first, _ in first }
    }

    private func points(_ metric: [String: Any]?, _ kind: String) throws -> [[String: Any]] {
        try XCTUnwrap((metric?[kind] as? [String: Any])?["dataPoints"] as? [[String: Any]])
    }

    func testGoldenJSON() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter, unit: "By", help: "Bytes.")
        scene.record("c", .add(5), [("s", "x\"\u{FF}"), ("i", -1), ("d", 0.5), ("b", true)])
        scene.declare("u", .upDownCounter)
        scene.record("u", .addNumber(-1.5))
        scene.declare("g", .gauge)
        scene.record("g", .set(2))
        scene.declare("h", .histogram, bounds: [1, 2.5])
        for value in [1.0, 2.0, 9.0] { scene.record("h", .observe(value)) }
        let text = String(bytes: try request(try scene.snapshot(), isJSON: true).bytes).replacingOccurrences(
            of: #""startTimeUnixNano":"\d+""#, with: "\"startTimeUnixNano\":S", options: .regularExpression)
        let version = TelemetryVersion.text
        let times = #""startTimeUnixNano":S,"timeUnixNano":"4000000000000000000","#
        func resource(_ key: String, _ value: String) -> String {
            #"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"#
        }
        let attributes = [
            resource("service.name", "mytool"), resource("service.version", "1.2.3"),
            resource("telemetry.sdk.language", "c"), resource("telemetry.sdk.name", "libtelemetry"),
            resource("telemetry.sdk.version", version),
        ].joined(separator: ",")
        XCTAssertEqual(
            text,
            #"{"resourceMetrics":[{"resource":{"attributes":[\#(attributes)]},"scopeMetrics":[{"scope":{"#
                + #""name":"libtelemetry","version":"\#(version)"},"metrics":["#
                + #"{"name":"c","description":"Bytes.","unit":"By","sum":{"dataPoints":[{\#(times)"asInt":"5","#
                + #""attributes":[{"key":"s","value":{"stringValue":"x\"ÿ"}},{"key":"i","value":{"intValue":"-1"}},"#
                + #"{"key":"d","value":{"doubleValue":0.5}},{"key":"b","value":{"boolValue":true}}]}],"#
                + #""aggregationTemporality":2,"isMonotonic":true}},"#
                + #"{"name":"u","sum":{"dataPoints":[{\#(times)"asDouble":-1.5}],"aggregationTemporality":2}},"#
                + #"{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"4000000000000000000","asDouble":2.0}]}},"#
                + #"{"name":"h","histogram":{"dataPoints":[{\#(times)"count":"3","sum":12.0,"#
                + #""bucketCounts":["1","1","1"],"explicitBounds":[1.0,2.5],"min":1.0,"max":9.0}],"#
                + #""aggregationTemporality":2}}]}]}]}"#)
    }

    /// Field numbers and types, one by one.
    func testGoldenBytes() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter)
        scene.record("c", .add(2), [("b", true)])
        scene.declare("h", .histogram, bounds: [1])
        scene.record("h", .observe(0.5), [("k", "v")])
        let snapshot = try scene.snapshot()
        let bytes = try request(snapshot, isJSON: false, interval: SnapshotInterval(since: nil, start: 256)).bytes
        func field(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            let count = content.count
            return [tag] + (count < 128 ? [UInt8(count)] : [UInt8(count & 127) | 128, UInt8(count >> 7)]) + content
        }
        func text(_ tag: UInt8, _ text: String) -> [UInt8] { field(tag, Array(text.utf8)) }
        func word(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
        func real(_ value: Double) -> [UInt8] { word(value.bitPattern) }
        func attribute(_ tag: UInt8, _ key: String, _ value: [UInt8]) -> [UInt8] {
            field(tag, text(0x0A, key) + field(0x12, value))
        }
        var times: [UInt8] = [0x11]
        times += word(256)
        times += [0x19]
        times += word(UInt64(time))
        var counter: [UInt8] = times + [0x31]
        counter += word(2)
        counter += attribute(0x3A, "b", [0x10, 1])
        var histogram: [UInt8] = times + [0x21]
        histogram += word(1)
        histogram += [0x29]
        histogram += real(0.5)
        histogram += field(0x32, word(1) + word(0))
        histogram += field(0x3A, real(1))
        histogram += attribute(0x4A, "k", text(0x0A, "v"))
        histogram += [0x59]
        histogram += real(0.5)
        histogram += [0x61]
        histogram += real(0.5)
        let sum: [UInt8] = field(0x0A, counter) + [0x10, 1, 0x18, 1]
        var metrics = field(0x12, text(0x0A, "c") + field(0x3A, sum))
        let data: [UInt8] = field(0x0A, histogram) + [0x10, 1]
        metrics += field(0x12, text(0x0A, "h") + field(0x4A, data))
        let version = TelemetryVersion.text
        let resource = [
            ("service.name", "mytool"), ("service.version", "1.2.3"), ("telemetry.sdk.language", "c"),
            ("telemetry.sdk.name", "libtelemetry"), ("telemetry.sdk.version", version),
        ].flatMap { attribute(0x0A, $0, text(0x0A, $1)) }
        let scope = field(0x0A, text(0x0A, "libtelemetry") + text(0x12, version))
        XCTAssertEqual(bytes, field(0x0A, field(0x0A, resource) + field(0x12, scope + metrics)))
    }

    func testNegativeValuesHaveNoSum() throws {
        let scene = try MetricScene()
        scene.declare("h", .histogram, bounds: [1])
        scene.record("h", .observe(-2))
        let point = try points(try metrics(try scene.snapshot())["h"], "histogram")[0]
        XCTAssertNil(point["sum"])
        XCTAssertEqual(point["min"] as? Double, -2)
    }

    func testOverflowIsBoolean() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter, limit: 1)
        for number in 0..<3 { scene.record("c", .add(1), [("n", .int(Int64(number)))]) }
        let list = try points(try metrics(try scene.snapshot())["c"], "sum")
        let keys = list.compactMap { ($0["attributes"] as? [[String: Any]])?.first }
        let overflow = try XCTUnwrap(keys.first { $0["key"] as? String == "otel.metric.overflow" })
        XCTAssertEqual((overflow["value"] as? [String: Any])?["boolValue"] as? Bool, true)
        XCTAssertEqual(list.count, 2)
    }

    func testDelta() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter, limit: 2)
        scene.declare("d", .counter)
        scene.declare("u", .upDownCounter)
        scene.declare("g", .gauge)
        scene.declare("h", .histogram, bounds: [1])
        func record(_ amount: Int64) {
            scene.record("c", .add(amount), [("a", 1)])
            scene.record("u", .add(amount))
            scene.record("g", .set(Double(amount)))
            scene.record("h", .observe(Double(amount)))
        }
        record(5)
        scene.record("c", .add(1), [("a", 2)])
        scene.record("d", .addNumber(0.5))
        let first = try scene.snapshot()
        record(3)
        // The limit is reached: the overflow series is first seen now.
        scene.record("c", .add(9), [("a", 3)])
        scene.record("d", .addNumber(0.25))
        let second = try scene.snapshot()

        let interval = SnapshotInterval(since: first, start: 1000)
        let found = try metrics(second, interval: interval)
        let counter = try points(found["c"], "sum")
        XCTAssertEqual(
            Set(counter.map { $0["asInt"] as? String }), ["3", "9"], "the series that did not change is not there")
        XCTAssertEqual(counter[0]["startTimeUnixNano"] as? String, "1000")
        XCTAssertEqual((found["c"]?["sum"] as? [String: Any])?["aggregationTemporality"] as? Int, 1)
        XCTAssertEqual(try points(found["d"], "sum")[0]["asDouble"] as? Double, 0.25)
        XCTAssertEqual(try points(found["u"], "sum")[0]["asInt"] as? String, "8")
        XCTAssertEqual((found["u"]?["sum"] as? [String: Any])?["aggregationTemporality"] as? Int, 2)
        XCTAssertNotEqual(try points(found["u"], "sum")[0]["startTimeUnixNano"] as? String, "1000")
        XCTAssertEqual(try points(found["g"], "gauge")[0]["asDouble"] as? Double, 3)
        let histogram = try points(found["h"], "histogram")[0]
        XCTAssertEqual(histogram["bucketCounts"] as? [String], ["0", "1"])
        XCTAssertEqual(histogram["sum"] as? Double, 3)
        XCTAssertEqual(histogram["count"] as? String, "1")
        XCTAssertNil(histogram["min"])

        // Nothing happened: only what is cumulative is there.
        XCTAssertEqual(
            Set(try metrics(second, interval: SnapshotInterval(since: second, start: 1)).keys), ["u", "g"])
        // Without an earlier snapshot, and with one of another store, everything is new.
        let other = try MetricScene().snapshot()
        for earlier in [nil, other] {
            let all = try metrics(second, interval: SnapshotInterval(since: earlier, start: 1))
            XCTAssertEqual(
                Set(try points(all["c"], "sum").map { $0["asInt"] as? String }), ["8", "1", "9"])
            XCTAssertEqual(try points(all["h"], "histogram")[0]["max"] as? Double, 5)
        }
    }

    /// Deltas add up to what is cumulative.
    func testDeltasAddUp() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter, limit: 40)
        var earlier: MetricSnapshot?
        var total: Int64 = 0
        var recorded: Int64 = 0
        for round in 0..<20 {
            for _ in 0..<100 {
                let amount = Int64.random(in: 0...5)
                recorded += amount
                scene.record("c", .add(amount), [("n", .int(Int64.random(in: 0...Int64(round * 4))))])
            }
            let snapshot = try scene.snapshot()
            let found = try metrics(snapshot, interval: SnapshotInterval(since: earlier, start: 0))
            for point in try points(found["c"], "sum") { total += Int64(point["asInt"] as? String ?? "") ?? 0 }
            earlier = snapshot
        }
        XCTAssertEqual(total, recorded)
    }

    func testExponential() throws {
        let scene = try MetricScene()
        scene.declare("e", .exponentialHistogram)
        for value in [1.0, 2, 4, 4] { scene.record("e", .observe(value)) }
        for _ in 0..<3 { scene.record("e", .observe(0)) }
        let first = try scene.snapshot()
        let point = try points(try metrics(first)["e"], "exponentialHistogram")[0]
        XCTAssertEqual(point["count"] as? String, "7")
        XCTAssertEqual(point["zeroCount"] as? String, "3")
        XCTAssertEqual(point["sum"] as? Double, 11)
        XCTAssertEqual(point["min"] as? Double, 0)
        XCTAssertEqual(point["max"] as? Double, 4)
        XCTAssertNil(point["negative"])
        let positive = try XCTUnwrap(point["positive"] as? [String: Any])
        let counts = try XCTUnwrap(positive["bucketCounts"] as? [String])
        XCTAssertEqual(counts.compactMap { Int($0) }.reduce(0, +), 4)
        XCTAssertLessThanOrEqual(counts.count, 160)
        let scale = try XCTUnwrap(point["scale"] as? Int)
        XCTAssertEqual(positive["offset"] as? Int, -1, "1 is below the bound of the bucket before the one at 1")
        XCTAssertEqual(counts.last, "2")
        XCTAssertEqual(counts.count, (2 << scale) + 1)

        // A negative value: the sum may fall.
        scene.record("e", .observe(-8))
        let fallen = try points(try metrics(try scene.snapshot())["e"], "exponentialHistogram")[0]
        XCTAssertNil(fallen["sum"])
        XCTAssertNotNil(fallen["negative"])
    }

    /// Whatever the scales of both are, the counts since then are exact.
    func testExponentialDelta() throws {
        for _ in 0..<50 {
            let scene = try MetricScene()
            scene.declare("e", .exponentialHistogram)
            var earlier: MetricSnapshot?
            var (recorded, sent) = ([Double](), [Int: UInt64]())
            var (zeros, lowest) = (UInt64(0), 20)
            for round in 0..<6 {
                for _ in 0..<Int.random(in: 0...20) {
                    let size = Double.random(in: 0...Double(3 * round))
                    let value = Bool.random() ? pow(10, size) : Bool.random() ? 0 : pow(10, -size)
                    recorded.append(value)
                    scene.record("e", .observe(value))
                }
                let snapshot = try scene.snapshot()
                let found = try metrics(snapshot, interval: SnapshotInterval(since: earlier, start: 0))["e"]
                earlier = snapshot
                guard found != nil else { continue }
                let point = try points(found, "exponentialHistogram")[0]
                zeros += UInt64(point["zeroCount"] as? String ?? "") ?? 0
                let scale = point["scale"] as? Int ?? 0
                let positive = point["positive"] as? [String: Any] ?? [:]
                let counts = (positive["bucketCounts"] as? [String] ?? []).compactMap { UInt64($0) }
                var now: [Int: UInt64] = [:]
                let shift = max(0, lowest - scale)
                for (index, count) in sent { now[index >> shift, default: 0] += count }
                lowest = min(lowest, scale)
                for (at, count) in counts.enumerated() where count > 0 {
                    now[((positive["offset"] as? Int ?? 0) + at) >> (scale - lowest), default: 0] += count
                }
                sent = now
            }
            var expected: [Int: UInt64] = [:]
            for value in recorded where value > 0 {
                expected[Int(ExponentialIndex.index(of: value, scale: lowest)), default: 0] += 1
            }
            XCTAssertEqual(sent, expected)
            XCTAssertEqual(zeros, UInt64(recorded.filter { $0 == 0 }.count))
        }
    }

    /// Two versions of a tool declare a metric differently, in turn. What is not shown is not sent, and is sent later.
    func testSupersededMetricsAddUp() throws {
        let scene = try MetricScene()
        var base: MetricSnapshot?
        var (recorded, sent, observed, counted): (Int64, Int64, Int, Int) = (0, 0, 0, 0)
        for round in 0..<40 {
            let unit = round >= 37 ? ["x", "y", "z"][round - 37] : ["x", "y", "z"].randomElement() ?? "x"
            scene.declare("c", .counter, unit: unit)
            scene.declare("e", .exponentialHistogram, unit: unit)
            let amount = Int64.random(in: 1...9)
            scene.record("c", .add(amount))
            recorded += amount
            for _ in 0..<Int.random(in: 1...5) {
                scene.record("e", .observe(pow(10, Double.random(in: -3...Double(round)))))
                observed += 1
            }
            if round < 37 && Bool.random() { continue }
            let snapshot = try scene.snapshot()
            let found = try metrics(snapshot, interval: SnapshotInterval(since: base, start: 0))
            if found["c"] != nil { sent += Int64(try points(found["c"], "sum")[0]["asInt"] as? String ?? "") ?? 0 }
            if found["e"] != nil {
                counted += Int(try points(found["e"], "exponentialHistogram")[0]["count"] as? String ?? "") ?? 0
            }
            base = snapshot.asBase(after: base)
        }
        XCTAssertEqual(sent, recorded)
        XCTAssertEqual(counted, observed)
    }

    func testUpTo() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter)
        for number in 0..<50 { scene.record("c", .add(1), [("n", .int(Int64(number)))]) }
        scene.declare("d", .counter)
        scene.record("d", .add(1))
        let snapshot = try scene.snapshot()
        var (next, total): (OTLPMetrics.Position?, Int) = (.start, 0)
        while let from = next {
            var request = OTLPMetrics(isJSON: true, fullBytes: 900)
            next = request.write(snapshot, source, time: time, from: from)
            XCTAssertGreaterThan(request.pointCount, 0)
            // The copy has the same points, in smaller parts.
            var (part, copied): (OTLPMetrics.Position?, Int) = (from, 0)
            while let at = part {
                var copy = OTLPMetrics(isJSON: true, fullBytes: 600)
                part = copy.write(snapshot, source, time: time, from: at, upTo: next)
                copied += copy.pointCount
            }
            XCTAssertEqual(copied, request.pointCount)
            total += copied
        }
        XCTAssertEqual(total, 51)
    }

    func testInstance() throws {
        let (one, other) = (try MetricScene().snapshot(), try MetricScene().snapshot())
        let named = MetricSource(name: "mytool", version: "")
        XCTAssertEqual(named.instance(of: one), named.instance(of: one))
        XCTAssertNotEqual(named.instance(of: one), named.instance(of: other))
        XCTAssertNotNil(UUID(uuidString: String(bytes: named.instance(of: one))))
        XCTAssertEqual(source.instance(of: one), [])
    }

    func testManySeriesAreSeveralRequests() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter, limit: 9000)
        for number in 0..<9000 {
            scene.record(
                "c", .add(1), [("n", .int(Int64(number))), ("text", .text(String(repeating: "x", count: 600)))])
        }
        scene.declare("d", .counter)
        scene.record("d", .add(1))
        let snapshot = try scene.snapshot()
        for isJSON in [false, true] {
            var writer = OTLPMetrics(isJSON: isJSON)
            var position: OTLPMetrics.Position? = .start
            var (points, requests) = (0, 0)
            while let from = position {
                position = writer.write(snapshot, source, time: time, from: from)
                points += writer.pointCount
                requests += 1
                XCTAssertLessThan(try XCTUnwrap(writer.bytes).count, 4 << 20)
                if isJSON {
                    XCTAssertNoThrow(try JSONSerialization.jsonObject(with: Data(try XCTUnwrap(writer.bytes))))
                }
            }
            XCTAssertEqual(points, 9001)
            XCTAssertGreaterThan(requests, 1)
        }
    }

    func testNothing() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter)
        XCTAssertEqual(try request(try scene.snapshot(), isJSON: true).points, 0)
    }
}
