import XCTest

@testable import TelemetryCore

/// Exponential histograms that are read, merged and sent.
final class ExponentialCountsTests: XCTestCase {
    private func counts(
        scale: Int = 0, zero: UInt64 = 0, threshold: Double = 0, positive: (Int32, [UInt64]) = (0, []),
        negative: (Int32, [UInt64]) = (0, []), sum: Double? = nil, min: Double? = nil, max: Double? = nil
    ) -> ExponentialCounts {
        ExponentialCounts(
            scale: scale, zeroCount: zero, zeroThreshold: threshold,
            positive: ExponentialBuckets(offset: positive.0, counts: positive.1),
            negative: ExponentialBuckets(offset: negative.0, counts: negative.1), sum: sum, min: min, max: max)
    }

    /// Whole numbers, so that every order of additions gives the same sum.
    private func values(_ number: Int) -> [Double] {
        let widest = Int.random(in: 0...40)
        return (0..<number).map { _ in
            Double(Int.random(in: 0...1 << Int.random(in: 0...widest)) * [1, 1, 1, -1].randomElement()!)
        }
    }

    /// The scale by trying each, the counts by a dictionary.
    private func expectWhole(_ whole: ExponentialCounts, _ values: [Double], maximumBuckets: Int) {
        func indexes(_ values: [Double], _ scale: Int) -> [Int32: UInt64] {
            values.reduce(into: [:]) { $0[ExponentialIndex.index(of: $1, scale: scale), default: 0] += 1 }
        }
        func fits(_ values: [Double], _ scale: Int) -> Bool {
            let keys = indexes(values, scale).keys
            return keys.isEmpty || Int(keys.max()!) - Int(keys.min()!) < maximumBuckets
        }
        let positive = values.filter { $0 > 0 }
        let negative = values.filter { $0 < 0 }
        let scale = stride(from: 20, through: -11, by: -1).first { fits(positive, $0) && fits(negative, $0) }!
        XCTAssertEqual(whole.scale, scale)
        for (buckets, values) in [(whole.positive, positive), (whole.negative, negative)] {
            let expected = indexes(values, scale)
            for (at, count) in buckets.counts.enumerated() {
                XCTAssertEqual(count, expected[buckets.offset + Int32(at)] ?? 0)
            }
            XCTAssertEqual(buckets.total, UInt64(values.count))
            XCTAssertNotEqual(buckets.counts.first, 0)
            XCTAssertNotEqual(buckets.counts.last, 0)
        }
        XCTAssertEqual(whole.zeroCount, UInt64(values.filter { $0 == 0 }.count))
        XCTAssertEqual(whole.count, UInt64(values.count))
        XCTAssertEqual(whole.sum, values.reduce(0, +))
        XCTAssertEqual(whole.min, values.min())
        XCTAssertEqual(whole.max, values.max())
    }

    func testMergesOfRandomSplitsAreTheWhole() {
        for round in 0..<60 {
            let values = values(round * 3)
            let most = [2, 3, 4, 20, 160, 1000].randomElement()!
            var whole = ExponentialCounts()
            var parts = [ExponentialCounts](repeating: ExponentialCounts(), count: Int.random(in: 1...8))
            for value in values {
                whole.add(value, maximumBuckets: most)
                parts[Int.random(in: 0..<parts.count)].add(value, maximumBuckets: most)
            }
            expectWhole(whole, values, maximumBuckets: most)
            var merged = ExponentialCounts()
            for part in parts.shuffled() { merged.merge(part, maximumBuckets: most) }
            XCTAssertEqual(merged, whole)
        }
    }

    func testCountsOfOneValue() {
        var many = ExponentialCounts()
        many.add(3, count: 5)
        var one = ExponentialCounts()
        for _ in 0..<5 { one.add(3) }
        XCTAssertEqual(many, one)
        XCTAssertEqual(many.scale, 20)
        XCTAssertEqual(many.sum, 15)
    }

    func testNaNInfinityAndNoCountAreNotAdded() {
        var counts = ExponentialCounts()
        for value in [Double.nan, .infinity, -.infinity] { counts.add(value) }
        counts.add(1, count: 0)
        XCTAssertEqual(counts, ExponentialCounts())
    }

    /// Steps at once are steps one by one, and what values at the lower scale give.
    func testDownscale() {
        for _ in 0..<50 {
            var values = values(60)
            values += [1, 2, 0.5, 0.75]
            var fine = ExponentialCounts()
            for value in values { fine.add(value, maximumBuckets: 1000) }
            let steps = Int.random(in: 0...12)
            var single = fine
            for _ in 0..<steps { single.downscale(by: 1) }
            fine.downscale(by: steps)
            XCTAssertEqual(fine, single)
            for value in values where value > 0 {
                XCTAssertGreaterThan(fine.positive[ExponentialIndex.index(of: value, scale: fine.scale)], 0)
            }
            XCTAssertEqual(fine.count, UInt64(values.count))
        }
    }

    func testFirstBucketAfterDownscaleMayBePartial() {
        var counts = counts(scale: 3, positive: (-3, [1, 2, 4, 8, 16]), negative: (5, [32]))
        counts.downscale(by: 1)
        XCTAssertEqual(counts.positive, ExponentialBuckets(offset: -2, counts: [1, 6, 24]))
        XCTAssertEqual(counts.negative, ExponentialBuckets(offset: 2, counts: [32]))
    }

    func testDownscaleByAnyNumber() {
        for (steps, scale) in [(-1, 4), (.min, 4), (0, 4), (15, -11), (16, -11), (.max, -11)] as [(Int, Int)] {
            var counts = counts(scale: 4, positive: (-1, [3, 4]))
            counts.downscale(by: steps)
            XCTAssertEqual(counts.scale, scale)
            XCTAssertEqual(counts.positive, ExponentialBuckets(offset: -1, counts: [3, 4]))
        }
    }

    /// At scale 0, bucket 1 has the values above 2 up to 4.
    func testZeroThreshold() {
        let cases: [(Double, Double, UInt64, [UInt64])] = [
            // Below all buckets, at a bound, inside a bucket with counts, at its end, inside one without.
            (0.5, 0.5, 0, [1, 2, 0, 4]), (1, 1, 0, [1, 2, 0, 4]), (1.5, 2, 1, [2, 0, 4]), (2, 2, 1, [2, 0, 4]),
            (2.5, 4, 3, [4]), (4, 4, 3, [4]), (5, 5, 3, [4]), (8, 8, 3, [4]), (9, 16, 7, []), (100, 100, 7, []),
        ]
        for (threshold, expected, zeros, positive) in cases {
            var counts = counts(positive: (0, [1, 2, 0, 4]))
            let other = self.counts(threshold: threshold)
            counts.merge(other, maximumBuckets: 160)
            XCTAssertEqual(counts.zeroThreshold, expected)
            XCTAssertEqual(counts.zeroCount, zeros)
            XCTAssertEqual(counts.positive.counts, positive)

            var reversed = other
            reversed.merge(self.counts(positive: (0, [1, 2, 0, 4])), maximumBuckets: 160)
            XCTAssertEqual(reversed, counts)
        }
    }

    /// The one with the higher threshold follows when the other rises to the bound of a bucket.
    func testZeroThresholdsOfBoth() {
        var counts = counts(threshold: 2.5, positive: (1, [8, 16]), negative: (1, [32]))
        counts.merge(self.counts(zero: 1, positive: (0, [2]), negative: (1, [4])), maximumBuckets: 160)
        XCTAssertEqual(counts.zeroThreshold, 4)
        XCTAssertEqual(counts.zeroCount, 1 + 2 + 4 + 8 + 32)
        XCTAssertEqual(counts.positive, ExponentialBuckets(offset: 2, counts: [16]))
        XCTAssertEqual(counts.negative, ExponentialBuckets())
    }

    func testValuesBelowTheThresholdAreZeros() {
        var counts = counts(threshold: 1.5)
        for value in [1, -1.5, 0, 1.75, -2] { counts.add(value) }
        XCTAssertEqual(counts.zeroCount, 3)
        XCTAssertEqual(counts.zeroThreshold, 1.5)
        XCTAssertEqual(counts.count, 5)
        XCTAssertEqual(counts.min, -2)
        XCTAssertEqual(counts.max, 1.75)
    }

    func testScaleIsTheLowerOne() {
        var counts = counts(scale: 2, positive: (0, [1, 1, 1, 1]))
        counts.merge(self.counts(scale: -1, positive: (0, [5])), maximumBuckets: 160)
        XCTAssertEqual(counts.scale, -1)
        XCTAssertEqual(counts.positive, ExponentialBuckets(offset: 0, counts: [9]))
    }

    /// One sign that needs a lower scale takes the other with it.
    func testBothSignsHaveOneScale() {
        var counts = counts(scale: 0, positive: (0, [1]), negative: (0, [1]))
        counts.merge(self.counts(scale: 0, negative: (7, [1])), maximumBuckets: 4)
        XCTAssertEqual(counts.scale, -1)
        XCTAssertEqual(counts.positive.counts, [1])
        XCTAssertEqual(counts.negative.counts, [1, 0, 0, 1])
    }

    func testWhatOneDoesNotKnowIsNotKnown() {
        var counts = counts(positive: (0, [1]), sum: 2, min: 2, max: 2)
        counts.merge(self.counts(positive: (0, [1]), sum: 1.5), maximumBuckets: 160)
        XCTAssertEqual(counts.sum, 3.5)
        XCTAssertNil(counts.min)
        XCTAssertNil(counts.max)
        var empty = ExponentialCounts()
        empty.merge(counts, maximumBuckets: 160)
        XCTAssertEqual(empty.sum, 3.5)
        counts.merge(ExponentialCounts(), maximumBuckets: 160)
        XCTAssertEqual(counts.sum, 3.5)
    }

    func testCountsStayAtTheLargest() {
        var large = counts(zero: .max, positive: (0, [.max, 1]), negative: (0, [.max]), sum: .greatestFiniteMagnitude)
        let other = large
        large.merge(other, maximumBuckets: 160)
        XCTAssertEqual(large.zeroCount, .max)
        XCTAssertEqual(large.positive.counts, [.max, 2])
        XCTAssertEqual(large.negative.counts, [.max])
        XCTAssertEqual(large.count, .max)
        XCTAssertEqual(large.sum, .infinity)
        large.downscale(by: 1)
        XCTAssertEqual(large.positive.counts, [.max])
        var opposite = counts(negative: (0, [1]), sum: -.infinity)
        opposite.merge(large, maximumBuckets: 160)
        XCTAssertNil(opposite.sum)
    }

    /// A scale above the highest: each step halves indexes. Below the coarsest: the same two buckets.
    func testScalesOutOfRange() {
        XCTAssertEqual(counts(scale: 22, positive: (4, [1, 1, 1, 1, 1])), counts(scale: 20, positive: (1, [4, 1])))
        XCTAssertEqual(
            counts(scale: .max, positive: (-5, [1, 1, 1, 1, 1, 1])), counts(scale: 20, positive: (-1, [5, 1])))
        XCTAssertEqual(counts(scale: .min, positive: (-1, [1, 2])), counts(scale: -11, positive: (-1, [1, 2])))
    }

    func testBucketsThatNoDoubleIsIn() {
        XCTAssertEqual(
            counts(scale: 0, positive: (1022, [1, 2, 4, 8])), counts(scale: 0, positive: (1022, [1, 14])))
        XCTAssertEqual(counts(scale: 0, positive: (.min, [1])), counts(scale: 0, positive: (-1075, [1])))
        XCTAssertEqual(counts(scale: 0, positive: (.max, [1, 2, 4])), counts(scale: 0, positive: (1023, [7])))
    }

    func testEmptyBucketsAreLeftOut() {
        XCTAssertEqual(ExponentialBuckets(offset: 7, counts: []), ExponentialBuckets())
        XCTAssertEqual(ExponentialBuckets(offset: .max, counts: [0, 0, 0]), ExponentialBuckets())
        XCTAssertEqual(
            ExponentialBuckets(offset: .min, counts: [0, 5, 0, 6, 0]),
            ExponentialBuckets(offset: .min + 1, counts: [5, 0, 6]))
    }

    /// Every combination of odd parts, merged with every other; after it all the invariants hold.
    func testNothingIsFatal() {
        let scales = [Int.min, -12, -11, -10, 0, 20, 21, Int.max]
        let offsets: [Int32] = [.min, .min + 1, -1, 0, .max - 1, .max]
        let thresholds: [Double] = [
            0, -1, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, 1.5, .greatestFiniteMagnitude,
        ]
        var all: [ExponentialCounts] = []
        for (at, scale) in scales.enumerated() {
            for (also, offset) in offsets.enumerated() {
                let threshold = thresholds[(at * 5 + also) % thresholds.count]
                let negative = offsets[(at + also) % offsets.count]
                let hostile = counts(
                    scale: scale, zero: .max, threshold: threshold, positive: (offset, [1, 0, .max]),
                    negative: (negative, [0, 3, 0]), sum: .nan, min: threshold, max: .nan)
                all.append(hostile)
            }
        }
        for one in all {
            for other in all {
                let most = [Int.min, 0, 1, 2, 3, 160, .max].randomElement()!
                var merged = one
                merged.merge(other, maximumBuckets: most)
                XCTAssertGreaterThanOrEqual(merged.zeroThreshold, Swift.max(one.zeroThreshold, other.zeroThreshold))
                XCTAssertEqual(merged.count, .max)
                XCTAssertTrue((-11...20).contains(merged.scale))
                XCTAssertLessThanOrEqual(merged.positive.counts.count, Swift.max(2, Swift.min(most, 1 << 16)))
                merged.add(.random(in: -1...1), count: .max, maximumBuckets: most)
                merged.downscale(by: .random(in: -40...40))
                XCTAssertEqual(merged.count, .max)
            }
        }
    }
}
