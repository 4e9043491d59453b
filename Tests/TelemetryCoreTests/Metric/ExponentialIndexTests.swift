import XCTest

@testable import TelemetryCore

/// OpenTelemetry's buckets, and never the one beside.
final class ExponentialIndexTests: XCTestCase {
    private let scales = ExponentialIndex.minimumScale...ExponentialIndex.maximumScale

    /// From logarithms with 400 bits.
    func testTable() {
        let cases: [(UInt64, Int, Int32)] = [
            (0x3FF8000000000000, 0, 0), (0x4000000000000000, 0, 0), (0x4008000000000000, 0, 1),
            (0x4010000000000000, 0, 1), (0x3FE0000000000000, 0, -2), (0x3FF0000000000000, 0, -1),
            (0x0010000000000000, 0, -1023), (0x0000000000000001, 0, -1075), (0x7FEFFFFFFFFFFFFF, 0, 1023),
            (0x3FF0000000000000, -10, -1), (0x0010000000000000, -10, -1), (0x0000000000000001, -10, -2),
            (0x7FEFFFFFFFFFFFFF, -10, 0), (0x3FF0000000000000, -4, -1), (0x0010000000000000, -4, -64),
            (0x0000000000000001, -4, -68), (0x7FEFFFFFFFFFFFFF, -4, 63), (0x3FF0000000000000, -1, -1),
            (0x0010000000000000, -1, -512), (0x0000000000000001, -1, -538), (0x7FEFFFFFFFFFFFFF, -1, 511),
            (0x3FF0000000000000, 3, -1), (0x0010000000000000, 3, -8177), (0x0000000000000001, 3, -8593),
            (0x7FEFFFFFFFFFFFFF, 3, 8191), (0x3FF0000000000000, 8, -1), (0x0010000000000000, 8, -261633),
            (0x0000000000000001, 8, -274945), (0x7FEFFFFFFFFFFFFF, 8, 262143), (0x3FF0000000000000, 20, -1),
            (0x0010000000000000, 20, -1071644673), (0x0000000000000001, 20, -1126170625),
            (0x7FEFFFFFFFFFFFFF, 20, 1073741823),
            (0x3FF39D283C3BA2A6, 20, 308075), (0x3FF39D283C3BA2A7, 20, 308076), (0x3FEA1A9C005F6093, 20, -308077),
            (0x3FEA1A9C005F6094, 20, -308076), (0x3FF00000B1721BCF, 20, 0), (0x3FF00000B1721BD0, 20, 1),
            (0x3FEFFFFE9D1BD7C0, 20, -2), (0x3FEFFFFE9D1BD7C1, 20, -1), (0x3FFFFFFE9D1BD7C0, 20, 1048574),
            (0x3FFFFFFE9D1BD7C1, 20, 1048575), (0x3FF4F9B2769D2CA6, 8, 99), (0x3FF4F9B2769D2CA7, 8, 100),
            (0x3FEFE9D96B2A23D9, 8, -2), (0x3FEFE9D96B2A23DA, 8, -1), (0x3FFFE9D96B2A23D9, 8, 254),
            (0x3FFFE9D96B2A23DA, 8, 255), (0x3FC82589994CCE12, 5, -78), (0x3FC82589994CCE13, 5, -77),
            (0x3FF4BFDAD5362A27, 3, 2), (0x3FF4BFDAD5362A28, 3, 3), (0x3724BFDAD5362A27, 3, -1126),
            (0x3724BFDAD5362A28, 3, -1125), (0x3FF6A09E667F3BCC, 1, 0), (0x3FF6A09E667F3BCD, 1, 1),
            (0x7FE6A09E667F3BCC, 1, 2046), (0x7FE6A09E667F3BCD, 1, 2047), (0x0000000000000001, 1, -2149),
            (0x0000000000000002, 1, -2147), (0x6BB007A1B865A8C9, 12, 2867210), (0x6BB007A1B865A8CA, 12, 2867211),
            (0x0000000000000002, 16, -70320129), (0x0000000000000003, 16, -70281792),
        ]
        for (bits, scale, expected) in cases {
            let value = Double(bitPattern: bits)
            XCTAssertEqual(ExponentialIndex.index(of: value, scale: scale), expected, "\(value) at \(scale)")
            XCTAssertEqual(ExponentialIndex.index(of: -value, scale: scale), expected, "\(-value) at \(scale)")
        }
    }

    /// Each bound is the last value of one bucket, and the double above it is in a later one.
    func testAtAndBesideBounds() {
        var looked = 0
        for scale in scales {
            for index in indexes(scale: scale) {
                let bound = ExponentialIndex.lowerBound(of: index, scale: scale)
                for value in [bound.nextDown, bound, bound.nextUp, bound.nextUp.nextUp]
                where value > 0 && value.isFinite {
                    guard let reference = ReferenceIndex(value, scale: scale) else {
                        return XCTFail("\(value): undecided")
                    }
                    let expected = reference.at(scale: scale)
                    XCTAssertEqual(
                        Int(ExponentialIndex.index(of: value, scale: scale)), expected, "\(value) at \(scale)")
                    XCTAssertEqual(value <= bound, expected < Int(index), "bound \(bound) at \(scale)")
                    looked += 1
                }
            }
        }
        XCTAssertGreaterThan(looked, 100_000)
    }

    /// Random bits are values of every size, subnormal ones too.
    func testAnyValueAtEveryScale() {
        for round in 0..<5000 {
            let size = round % 4 == 0 ? UInt64.random(in: 1..<1 << 52) : UInt64.random(in: 1..<0x7FF << 52)
            let value = Double(bitPattern: size)
            guard let reference = ReferenceIndex(value, scale: 20) else { return XCTFail("\(value): undecided") }
            for scale in scales {
                let index = ExponentialIndex.index(of: value, scale: scale)
                XCTAssertEqual(Int(index), reference.at(scale: scale), "\(value) at \(scale)")
                XCTAssertLessThan(ExponentialIndex.lowerBound(of: index, scale: scale), value)
                XCTAssertGreaterThanOrEqual(ExponentialIndex.lowerBound(of: index + 1, scale: scale), value)
            }
        }
    }

    func testPowersOfTwo() {
        for exponent in -1074...1023 {
            let value = Double(sign: .plus, exponent: exponent, significand: 1)
            for scale in scales {
                let expected = scale > 0 ? exponent << scale - 1 : (exponent - 1) >> -scale
                XCTAssertEqual(Int(ExponentialIndex.index(of: value, scale: scale)), expected)
                if scale > 0 {
                    XCTAssertEqual(ExponentialIndex.lowerBound(of: Int32(exponent << scale), scale: scale), value)
                }
            }
        }
    }

    func testBoundsOutOfRange() {
        for scale in [-100, -11, -10, 0, 1, 20, 100, Int.min, Int.max] {
            let low = ExponentialIndex.lowerBound(of: .min, scale: scale)
            let high = ExponentialIndex.lowerBound(of: .max, scale: scale)
            XCTAssertEqual(low, 0, "\(scale)")
            XCTAssertEqual(high, .infinity, "\(scale)")
        }
        XCTAssertEqual(ExponentialIndex.lowerBound(of: -1075, scale: 0), 0)
        XCTAssertEqual(ExponentialIndex.lowerBound(of: -1074, scale: 0), .leastNonzeroMagnitude)
        XCTAssertEqual(ExponentialIndex.lowerBound(of: 1024, scale: 0), .infinity)
        XCTAssertEqual(ExponentialIndex.lowerBound(of: 0, scale: -11), 1)
    }

    /// Below the coarsest scale nothing changes; above the highest there is none. No argument is fatal.
    func testOutOfRange() {
        for value: Double in [1.5, 1, 0.75, .leastNonzeroMagnitude, .greatestFiniteMagnitude] {
            for scale in [-12, -64, Int.min] {
                XCTAssertEqual(ExponentialIndex.index(of: value, scale: scale), value > 1 ? 0 : -1)
            }
            XCTAssertEqual(
                ExponentialIndex.index(of: value, scale: Int.max), ExponentialIndex.index(of: value, scale: 20))
        }
        for value: Double in [0, -0.0, .nan, -.nan, .signalingNaN, .infinity, -.infinity] {
            for scale in [Int.min] + Array(-70...70) + [Int.max] {
                _ = ExponentialIndex.index(of: value, scale: scale)
            }
        }
    }

    /// Random ones and those at both ends, around the value 1 and around powers of two.
    private func indexes(scale: Int) -> [Int32] {
        let lowest = Int(ExponentialIndex.index(of: .leastNonzeroMagnitude, scale: scale))
        let highest = Int(ExponentialIndex.index(of: .greatestFiniteMagnitude, scale: scale))
        var indexes = (0..<840).map { _ in Int.random(in: lowest...highest) }
        if scale > 0 {
            for _ in 0..<40 {
                let power = Int.random(in: -1074...1023) << scale
                indexes += [power - 1, power, power + 1]
            }
        }
        for edge in [lowest, 0, highest] { indexes += [edge - 1, edge, edge + 1] }
        return indexes.map { Int32($0) }
    }
}
