import XCTest

@testable import TelemetryCore

/// Exemplars in a store, and in what is written of it.
final class ExemplarTests: XCTestCase {
    private func exemplar(_ value: Double, time: Int64 = 1_700_000_000_123_000_000, span: UInt64 = 0xAB) -> Exemplar {
        Exemplar(value: value, time: time, traceID: TraceID(high: 0x0AF7, low: 0xC1), spanID: span)
    }

    private func exemplars(_ scene: MetricScene) throws -> [Exemplar] {
        let snapshot = try scene.snapshot()
        var result: [Exemplar] = []
        for family in snapshot.families { snapshot.forEachSeries(of: family) { result += $0.exemplars(family) } }
        return result
    }

    private func scene(_ bounds: [Double] = [1, 2]) throws -> MetricScene {
        let scene = try MetricScene()
        scene.declare("h", .histogram, bounds: bounds)
        return scene
    }

    func testTheLastOneOfEachBucketStays() throws {
        let scene = try scene()
        for (index, value) in [0.5, 0.75, 2, 7].enumerated() {
            scene.record("h", exemplar(value, time: Int64(index + 1) * 1_000_000, span: UInt64(index + 1)))
        }
        let found = try exemplars(scene)
        XCTAssertEqual(found.map(\.value), [0.75, 2, 7])
        XCTAssertEqual(found.map(\.time), [2_000_000, 3_000_000, 4_000_000])
        XCTAssertEqual(found.map(\.spanID), [2, 3, 4])
        XCTAssertEqual(found.first?.traceID, TraceID(high: 0x0AF7, low: 0xC1))
    }

    func testOneForEachMillisecond() throws {
        let scene = try scene()
        for (value, time) in [(0.5, 5_000_000), (0.625, 5_999_999), (0.75, 6_000_000), (0.875, 5_900_000)] {
            scene.record("h", exemplar(value, time: Int64(time)))
            // A clock that was set back does not keep the old one for ever.
            XCTAssertEqual(try exemplars(scene).map(\.value), [value == 0.625 ? 0.5 : value])
        }
    }

    func testNoBounds() throws {
        let scene = try scene([])
        scene.record("h", exemplar(-3))
        XCTAssertEqual(try exemplars(scene).map(\.value), [-3])
    }

    func testEveryValueOfAnExponentialHistogramHasASlot() throws {
        let values = [
            0, -0.0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .greatestFiniteMagnitude,
            -.greatestFiniteMagnitude,
        ]
        for value in values {
            let scene = try MetricScene()
            scene.declare("e", .exponentialHistogram)
            scene.record("e", exemplar(value))
            XCTAssertEqual(try exemplars(scene).map(\.value), [value])
        }
    }

    /// Of a slot that two write at once, or that a killed process has left.
    func testWhatIsTornIsNotThere() throws {
        let scene = try scene([])
        scene.record("h", exemplar(3))
        let base = scene.map.base
        let entry = try XCTUnwrap(
            stride(from: MetricLayout.firstEntry, to: MetricLayout.initialSize, by: EntryLayout.alignment).first {
                EntryLayout.kind.load(base + $0) == EntryLayout.isExemplarBlock
            })
        let slot = base + entry + ExemplarBlockLayout.slots
        for offset in 0..<48 {
            slot.storeBytes(
                of: slot.load(fromByteOffset: offset, as: UInt8.self) ^ 1, toByteOffset: offset, as: UInt8.self)
            XCTAssertEqual(try exemplars(scene).count, 0, "\(offset)")
            slot.storeBytes(
                of: slot.load(fromByteOffset: offset, as: UInt8.self) ^ 1, toByteOffset: offset, as: UInt8.self)
        }
        XCTAssertEqual(try exemplars(scene).count, 1)
        // An empty slot.
        for offset in 0..<48 { slot.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self) }
        XCTAssertEqual(try exemplars(scene).count, 0)
    }

    func testHalfOfTheRoomIsForValues() throws {
        let scene = try scene()
        MetricLayout.used.store(UInt64(MetricLayout.largestSize / 2 + 64), scene.map.base)
        scene.record("h", exemplar(3))
        let snapshot = try scene.snapshot()
        let family = try XCTUnwrap(snapshot.families.first)
        snapshot.forEachSeries(of: family) {
            XCTAssertEqual($0.observations, 1)
            XCTAssertEqual($0.exemplars(family).count, 0)
        }
    }

    /// A series that is taken for another one in Prometheus' text gives it its values, and not the place of its exemplars.
    func testAddedUp() throws {
        let scene = try scene([1])
        scene.record("h", exemplar(0.5, span: 1), [("k", "1")])
        scene.record("h", exemplar(0.25, span: 2), [("k", 1)])
        var text = PrometheusText(.openMetrics, hasCreated: false)
        text.write(try scene.snapshot())
        let lines = String(decoding: try XCTUnwrap(text.bytes), as: UTF8.self).split(separator: "\n")
        XCTAssertEqual(
            lines.filter { $0.hasPrefix("h_bucket") },
            [
                #"h_bucket{k="1",le="1.0"} 2 # {trace_id="0000000000000af700000000000000c1",span_id="0000000000000001"}"#
                    + " 0.5 1700000000.123",
                #"h_bucket{k="1",le="+Inf"} 2"#,
            ])
    }

    func testNothingIsSentAgainForAnExemplar() throws {
        let scene = try scene()
        scene.record("h", exemplar(3))
        let digest = try scene.snapshot().digest
        let base = scene.map.base
        for at in stride(from: MetricLayout.firstEntry, to: MetricLayout.initialSize, by: EntryLayout.alignment)
        where EntryLayout.kind.load(base + at) == EntryLayout.isSeries { SeriesLayout.exemplars.store(0, base + at) }
        XCTAssertEqual(try exemplars(scene).count, 0)
        XCTAssertEqual(try scene.snapshot().digest, digest)
    }

    func testFilter() {
        for word in ["trace_based", "always_on", " TRACE_BASED ", "", nil] {
            let filter = ExemplarFilter(word)
            XCTAssertTrue(filter.keepsExemplars)
            XCTAssertNil(filter.problem)
        }
        XCTAssertFalse(ExemplarFilter("Always_Off").keepsExemplars)
        XCTAssertTrue(ExemplarFilter("alwaysoff").keepsExemplars)
        XCTAssertEqual(
            ExemplarFilter("alwaysoff").problem,
            "OTEL_METRICS_EXEMPLAR_FILTER=alwaysoff is not a filter that is known here; expected always_on, always_off or"
                + " trace_based. trace_based is used")
    }
}
