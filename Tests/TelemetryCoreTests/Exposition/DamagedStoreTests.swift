import CSystem
import XCTest

@testable import TelemetryCore

/// Whatever a damaged file holds, every form of it is written, and is what a parser takes.
final class DamagedStoreTests: XCTestCase {
    private func scene() throws -> MetricScene {
        let scene = try MetricScene()
        for (index, type) in [
            MetricType.counter, .gauge, .upDownCounter, .histogram, .exponentialHistogram,
        ].enumerated() {
            let name = "metric.\(index)"
            scene.declare(name, type, unit: "s", help: "Help.", bounds: type == .histogram ? [1, 2] : nil)
            for number in 0..<20 {
                let attributes: [(String, MetricScene.Value)] = [
                    ("a.b", .int(Int64(number))), ("a_b", "text"), ("c", 0.5),
                ]
                switch type {
                case .gauge: scene.record(name, .set(Double(number)), attributes)
                case .histogram, .exponentialHistogram:
                    let trace = TraceID(high: 1, low: UInt64(number))
                    let exemplar = Exemplar(value: Double(number), time: 1, traceID: trace, spanID: 1)
                    scene.record(name, exemplar, attributes)
                default: scene.record(name, .add(Int64(number)), attributes)
                }
            }
        }
        return scene
    }

    func testAnyDamage() throws {
        let map = try scene().map
        let size = 120 << 10
        let whole = [UInt8](UnsafeRawBufferPointer(start: map.base, count: size))
        let undamaged = try XCTUnwrap(whole.withUnsafeBytes { MetricSnapshot.of($0) })
        for round in 0..<300 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...64) {
                let at = Int.random(in: MetricLayout.slots..<size)
                // Most bytes are those of empty chains: one in two is in an entry.
                let place = Bool.random() ? at : MetricLayout.firstEntry + at % 24_000
                bytes[place] = [0, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255)].randomElement() ?? 0
            }
            let snapshot = try XCTUnwrap(bytes.withUnsafeBytes { MetricSnapshot.of($0) })
            for format in [ExpositionFormat.text, .openMetrics] {
                var text = PrometheusText(format)
                text.write(snapshot)
                let written = [UInt8](try XCTUnwrap(text.bytes)).map { CChar(bitPattern: $0) } + [0]
                XCTAssertNotNil(String(validatingUTF8: written), "round \(round)")
            }
            var json = MetricsJSON()
            json.write(snapshot)
            XCTAssertNoThrow(try JSONSerialization.jsonObject(with: Data(try XCTUnwrap(json.bytes))), "round \(round)")
            for interval in [nil, SnapshotInterval(since: undamaged, start: 0)] {
                for isJSON in [false, true] {
                    var otlp = OTLPMetrics(isJSON: isJSON)
                    _ = otlp.write(
                        snapshot, MetricSource(name: "", version: ""), time: .min, interval: interval)
                    let written = Data(try XCTUnwrap(otlp.bytes))
                    if isJSON { XCTAssertNoThrow(try JSONSerialization.jsonObject(with: written), "round \(round)") }
                }
            }
        }
    }
}
