// SPDX-License-Identifier: Apache-2.0

/// The buckets of an exponential histogram as Prometheus' text has them: with a bound each, cumulative, from the lowest
/// bound to the highest. Bucket `index` has values with a magnitude above bound `index`, up to bound `index` + 1.
struct FixedBuckets {
    /// Indexes of buckets; empty if `low` is above `high`.
    typealias Indexes = (low: Int32, high: Int32)

    let zeroCount: UInt64
    let zeroThreshold: Double
    let negative: Indexes
    let positive: Indexes

    init(_ counts: ExponentialCounts) {
        self.init(
            zeroCount: counts.zeroCount, zeroThreshold: counts.zeroThreshold,
            negative: (counts.negative.range.low, counts.negative.range.high),
            positive: (counts.positive.range.low, counts.positive.range.high))
    }

    init(zeroCount: UInt64, zeroThreshold: Double, negative: Indexes, positive: Indexes) {
        self.zeroCount = zeroCount
        self.zeroThreshold = zeroThreshold
        self.negative = negative
        self.positive = positive
    }

    /// `count` gives the count of a bucket, with true for one of negative values, and `bound` the lower bound of an
    /// index. Buckets without values are left out, except that 0 has a bucket if there are negative values. Near 0
    /// bounds can be the same number, since no other is as near: they are one. The bucket without a bound is not
    /// among them. Returns how many values there are.
    func forEach(
        count: (Bool, Int32) -> UInt64, bound: (Int32) -> Double, _ body: (Double, UInt64) -> Void
    ) -> UInt64 {
        var total: UInt64 = 0
        var last: (bound: Double, total: UInt64)?
        func put(_ bound: Double) {
            if let last, last.bound != bound { body(last.bound, last.total) }
            last = (bound, total)
        }
        func add(_ more: UInt64, _ upper: Double) {
            if more == 0 { return }
            total &+= more
            if upper.isFinite { put(upper) }
        }
        if negative.low <= negative.high {
            for index in (negative.low...negative.high).reversed() { add(count(true, index), -bound(index)) }
        }
        if zeroCount > 0 { add(zeroCount, zeroThreshold) } else if total > 0 { put(zeroThreshold) }
        if positive.low <= positive.high {
            for index in positive.low...positive.high { add(count(false, index), bound(index &+ 1)) }
        }
        if let last { body(last.bound, last.total) }
        return total
    }
}
