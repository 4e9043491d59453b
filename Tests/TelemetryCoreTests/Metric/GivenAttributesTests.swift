import CSystem
import XCTest

@testable import TelemetryCore

/// H1: a series is found by its attributes as the caller gives them, and no other one is.
final class GivenAttributesTests: XCTestCase {
    private typealias Encoder = (
        UnsafePointer<telemetry_attribute>?, Int, UnsafeMutableRawPointer?, Int, UnsafeMutablePointer<UInt32>?
    )
        -> Int

    /// With the processor's instruction and without it.
    private let encoders: [Encoder] = [
        { csystem_encode_given($0, $1, $2, $3, $4) }, { csystem_encode_given_portable($0, $1, $2, $3, $4) },
    ]

    /// Texts that end where a page ends behind which nothing may be read.
    private final class Fence {
        private static let page = Int(csystem_page_bytes())
        private var areas: [UnsafeMutableRawPointer] = []

        deinit { for area in areas { munmap(area, 2 * Self.page) } }

        func text(_ bytes: [UInt8]) -> UnsafePointer<CChar> {
            let area = mmap(nil, 2 * Self.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
            mprotect(area + Self.page, Self.page, PROT_NONE)
            areas.append(area)
            let start = area + (Self.page - bytes.count - 1)
            start.copyMemory(from: bytes, byteCount: bytes.count)
            return UnsafePointer(start.assumingMemoryBound(to: CChar.self))
        }
    }

    private func attribute(_ key: UnsafePointer<CChar>?, _ value: MetricScene.Value, _ fence: Fence)
        -> telemetry_attribute
    {
        var result = telemetry_attribute()
        result.key = key
        switch value {
        case .bytes(let bytes):
            result.type = TELEMETRY_STRING
            result.value.string = fence.text(bytes)
        case .int(let number):
            result.type = TELEMETRY_INT
            result.value.integer = number
        case .double(let number):
            result.type = TELEMETRY_DOUBLE
            result.value.number = number
        case .bool(let flag):
            result.type = TELEMETRY_BOOL
            // What is behind the byte means nothing.
            result.value.integer = flag ? 0x5501 : 0x5500
        }
        return result
    }

    private func given(_ attributes: [(String, MetricScene.Value)], _ fence: Fence) -> [telemetry_attribute] {
        attributes.map { attribute(fence.text(Array($0.0.utf8)), $0.1, fence) }
    }

    /// What each encoder makes of them; nil: it refuses.
    private func encode(_ given: [telemetry_attribute]?, count: Int? = nil, capacity: Int = 8192) -> [(
        length: Int, bytes: [UInt8], hash: UInt32
    )] {
        encoders.map { encoder in
            var area = [UInt8](repeating: 0xA5, count: capacity + 16)
            var hash: UInt32 = 0
            let length = area.withUnsafeMutableBytes { area in
                given?.withUnsafeBufferPointer {
                    encoder($0.baseAddress, count ?? $0.count, area.baseAddress, capacity, &hash)
                }
                    ?? encoder(nil, count ?? 0, area.baseAddress, capacity, &hash)
            }
            XCTAssertTrue(area[capacity...].allSatisfy { $0 == 0xA5 }, "written past the area")
            return (length, Array(area[..<max(0, length)]), hash)
        }
    }

    private func check(_ attributes: [(String, MetricScene.Value)], _ what: String) {
        let fence = Fence()
        let expected = MetricScene.encode(attributes)
        let hash = expected.withUnsafeBytes { MetricMap.hash($0, 0) }
        for result in encode(given(attributes, fence)) {
            XCTAssertEqual(result.bytes, expected, what)
            XCTAssertEqual(result.hash, hash, what)
        }
    }

    func testEveryLengthIsEncodedAndHashedAsItIsStored() {
        let text = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 7) | 1 }
        for length in Array(0...70) + [127, 128, 129, 1000, 1023, EventLimits.valueBytes] {
            check([("key", .bytes(Array(text[..<length])))], "a value of \(length) bytes")
        }
        for length in 1...EventLimits.keyBytes {
            check([(String(repeating: "k", count: length), .bytes([]))], "a key of \(length) bytes")
        }
    }

    func testEveryType() {
        let values: [MetricScene.Value] = [
            .int(0), .int(-1), .int(.min), .int(.max), .double(0.1), .double(-.infinity), .double(.nan), .bool(true),
            .bool(false),
            .bytes([]), .bytes([0xFF]),
        ]
        for value in values { check([("a", value)], "\(value)") }
        check([], "none")
        check(values.enumerated().map { ("key\($0)", $1) }, "all")
        check((0..<EventLimits.attributes).map { ("k\($0)", .int(Int64($0))) }, "as many as are taken")
    }

    func testWhatWouldBeChangedIsRefused() {
        let fence = Fence()
        let good = attribute(fence.text([0x61]), 1, fence)
        var noText = good
        noText.type = TELEMETRY_STRING
        noText.value.string = nil
        var unknown = good
        unknown.type = telemetry_attribute_type(rawValue: 4)
        let bad: [(String, telemetry_attribute)] = [
            ("no key", attribute(nil, 1, fence)), ("an empty key", attribute(fence.text([]), 1, fence)),
            ("a long key", attribute(fence.text(Array(repeating: 0x61, count: EventLimits.keyBytes + 1)), 1, fence)),
            (
                "a long value",
                attribute(good.key, .bytes(Array(repeating: 0x61, count: EventLimits.valueBytes + 1)), fence)
            ),
            ("no value", noText),
            ("an unknown type", unknown),
        ]
        for (what, attribute) in bad {
            for list in [[attribute], [good, attribute], [attribute, good]] {
                for result in encode(list) { XCTAssertEqual(result.length, Int(CSYSTEM_CHANGED), what) }
            }
        }
        for (given, count) in [
            (Array(repeating: good, count: EventLimits.attributes + 1), EventLimits.attributes + 1), ([good], -1),
            (nil, 1), (nil, .min),
        ] {
            var hash: UInt32 = 0
            var area = [UInt8](repeating: 0, count: 64)
            let length =
                given?.withUnsafeBufferPointer { csystem_encode_given($0.baseAddress, count, &area, 64, &hash) }
                ?? csystem_encode_given(nil, count, &area, 64, &hash)
            XCTAssertEqual(length, Int(CSYSTEM_CHANGED), "\(count) attributes")
        }
    }

    func testWhatDoesNotFitIsNotWritten() {
        let fence = Fence()
        let attributes = given([("key", "value"), ("other", 5), ("k", true)], fence)
        let whole = encode(attributes)[0].length
        for capacity in 0...(whole + 16) {
            for result in encode(attributes, capacity: capacity) {
                XCTAssertEqual(result.length, capacity >= whole + 8 ? whole : Int(CSYSTEM_LONG), "\(capacity)")
            }
        }
    }

    // MARK: in a store

    private let map = MetricMap.inMemory()!
    private let shape = SeriesShape(type: .counter, boundCount: 0)

    private func stored(_ attributes: [(String, MetricScene.Value)], _ metric: Int) -> Int {
        MetricScene.encode(attributes).withUnsafeBytes { map.seriesOrOverflow($0, metric, shape, limit: 1000).entry }
    }

    private func found(_ attributes: [(String, MetricScene.Value)], _ metric: Int) -> Int {
        let fence = Fence()
        return given(attributes, fence).withUnsafeBufferPointer { map.series($0.baseAddress, $0.count, metric, shape) }
    }

    func testTheSeriesIsFoundInAnyOrder() {
        let metric = map.metric(MetricDeclaration(name: "a", type: .counter))
        let other = map.metric(MetricDeclaration(name: "b", type: .counter))
        let all: [(String, MetricScene.Value)] = [
            ("method", "GET"), ("status", 200), ("cached", true), ("seconds", 0.5),
        ]
        let place = stored(all, metric)
        let none = stored([], metric)
        XCTAssertNotEqual(place, 0)
        XCTAssertNotEqual(none, 0)
        for _ in 0..<50 { XCTAssertEqual(found(all.shuffled(), metric), place) }
        XCTAssertEqual(found([], metric), none)
        XCTAssertEqual(found(all, other), 0, "of another metric")
        for index in all.indices {
            var fewer = all
            fewer.remove(at: index)
            XCTAssertEqual(found(fewer, metric), 0)
            XCTAssertEqual(found(all + [all[index]], metric), 0, "given twice")
        }
        for changed: (String, MetricScene.Value) in [
            ("method", "get"), ("method", "GE"), ("method", "GETT"), ("method", 0), ("methoe", "GET"),
            ("m", "ethodGET"),
        ] {
            XCTAssertEqual(found([changed] + all.dropFirst(), metric), 0, "\(changed)")
        }
    }

    /// The hash is a sum: attributes with the same sum are told apart by their bytes.
    func testTheSameHashIsNotTheSameSeries() throws {
        let metric = map.metric(MetricDeclaration(name: "a", type: .counter))
        let place = stored([("a", "1"), ("b", "2")], metric)
        let bytes = MetricScene.encode([("a", "1"), ("a", "1")])
        let hash = EntryLayout.hash.load(map.base + place)
        XCTAssertEqual(bytes.withUnsafeBytes { map.series($0, metric, shape, hash: hash) }, 0, "one of them twice")
        let others = MetricScene.encode([("a", "2"), ("b", "1")])
        XCTAssertEqual(others.withUnsafeBytes { map.series($0, metric, shape, hash: hash) }, 0)
        let same = MetricScene.encode([("b", "2"), ("a", "1")])
        XCTAssertEqual(same.withUnsafeBytes { map.series($0, metric, shape, hash: hash) }, place)
    }

    func testLongAttributesAreFoundToo() {
        let metric = map.metric(MetricDeclaration(name: "a", type: .counter))
        func attributes(_ bytes: Int) -> [(String, MetricScene.Value)] {
            var result: [(String, MetricScene.Value)] = []
            var rest = bytes
            while rest > 0 {
                // Four bytes, a key of two, and the value.
                let value = min(1024, rest - 6)
                result.append(("k\(result.count)", .bytes(Array(repeating: 0x78, count: max(0, value)))))
                rest -= 6 + max(0, value)
            }
            return result
        }
        for bytes in [1000, 1015, 1016, 1017, 1024, 1030, 2000, 4000, MetricLimits.attributeBytes] {
            let place = stored(attributes(bytes), metric)
            XCTAssertNotEqual(place, 0)
            XCTAssertEqual(found(attributes(bytes), metric), place, "\(bytes)")
        }
        XCTAssertEqual(found(attributes(MetricLimits.attributeBytes + 7), metric), 0)
        let many: [(String, MetricScene.Value)] = (0..<64).map { ("key\($0)", .int(Int64($0))) }
        let place = stored(many, metric)
        XCTAssertEqual(found(many, metric), place)
    }
}
