// SPDX-License-Identifier: Apache-2.0

/// An exponential histogram as a value, for what reads, merges and sends: OTLP's `ExponentialHistogramDataPoint`. Whatever
/// it is made from, its scale is one that `ExponentialIndex` knows, and its buckets are those of finite doubles.
struct ExponentialCounts: Equatable {
    private(set) var scale = ExponentialIndex.maximumScale
    /// Values that are not farther from 0 than `zeroThreshold`.
    private(set) var zeroCount: UInt64 = 0
    private(set) var zeroThreshold = 0.0
    private(set) var positive = ExponentialBuckets()
    private(set) var negative = ExponentialBuckets()
    /// Nil: not known.
    private(set) var sum: Double? = 0
    /// Nil: not known, or there are no values.
    private(set) var min: Double?
    private(set) var max: Double?

    init() {}

    /// From what somebody sent. Scales that are too high are lowered. NaN counts as not known, and a threshold
    /// below 0 as 0. Counts in buckets that no double is in go to the nearest one that has doubles.
    init(
        scale: Int, zeroCount: UInt64, zeroThreshold: Double, positive: ExponentialBuckets,
        negative: ExponentialBuckets, sum: Double?, min: Double?, max: Double?
    ) {
        self.scale = Swift.max(ExponentialIndex.coarsestScale, Swift.min(scale, ExponentialIndex.maximumScale))
        self.zeroCount = zeroCount
        self.zeroThreshold = zeroThreshold > 0 ? Swift.min(zeroThreshold, .greatestFiniteMagnitude) : 0
        self.positive = positive
        self.negative = negative
        self.sum = Self.known(sum)
        self.min = Self.known(min)
        self.max = Self.known(max)
        if scale > ExponentialIndex.maximumScale {
            let steps = Swift.min(scale &- ExponentialIndex.maximumScale, 31)
            self.positive.downscale(by: steps)
            self.negative.downscale(by: steps)
        }
        let limits = ExponentialRange(
            low: ExponentialIndex.index(of: .leastNonzeroMagnitude, scale: self.scale),
            high: ExponentialIndex.index(of: .greatestFiniteMagnitude, scale: self.scale))
        self.positive.clamp(to: limits)
        self.negative.clamp(to: limits)
    }

    var count: UInt64 { zeroCount.addingSaturated(positive.total).addingSaturated(negative.total) }

    /// By so many scales, but not below `ExponentialIndex.coarsestScale`.
    mutating func downscale(by steps: Int) {
        let steps = Swift.max(0, Swift.min(steps, scale &- ExponentialIndex.coarsestScale))
        scale &-= steps
        positive.downscale(by: steps)
        negative.downscale(by: steps)
    }

    /// Adds the counts of `other`, at the highest scale that neither is below and at which each sign has at most
    /// `maximumBuckets`, in the bounds of `ExponentialRange.stepsToFit`.
    mutating func merge(_ other: ExponentialCounts, maximumBuckets: Int) {
        var other = other
        let common = Swift.min(scale, other.scale)
        downscale(by: scale &- common)
        other.downscale(by: other.scale &- common)
        // The first to rise may rise up to the bound of a bucket, which the second then follows.
        raiseZeroThreshold(to: other.zeroThreshold)
        other.raiseZeroThreshold(to: zeroThreshold)
        raiseZeroThreshold(to: other.zeroThreshold)

        let steps = Swift.max(
            positive.range.union(other.positive.range).stepsToFit(maximumBuckets),
            negative.range.union(other.negative.range).stepsToFit(maximumBuckets))
        downscale(by: steps)
        other.downscale(by: steps)
        mergeStatistics(other)
        zeroCount = zeroCount.addingSaturated(other.zeroCount)
        positive.merge(other.positive)
        negative.merge(other.negative)
    }

    /// The values since `earlier`, an earlier state of the same histogram, exactly: a bucket of a lower scale is the sum
    /// of whole buckets. The extremes are known only if there was nothing before. Nil: `earlier` is not such a state.
    func since(_ earlier: ExponentialCounts) -> ExponentialCounts? {
        var (now, before) = (self, earlier)
        now.downscale(by: now.scale &- Swift.min(now.scale, before.scale))
        before.downscale(by: before.scale &- now.scale)
        guard zeroThreshold == before.zeroThreshold, now.zeroCount >= before.zeroCount,
            let positive = now.positive.since(before.positive), let negative = now.negative.since(before.negative)
        else { return nil }
        let wasEmpty = before.count == 0
        return ExponentialCounts(
            scale: now.scale, zeroCount: now.zeroCount &- before.zeroCount, zeroThreshold: zeroThreshold,
            positive: positive, negative: negative, sum: Self.joined(sum, earlier.sum) { $0 - $1 },
            min: wasEmpty ? min : nil, max: wasEmpty ? max : nil)
    }

    /// Adds a value `count` times. NaN and infinity are in no bucket, and not in the sum.
    mutating func add(_ value: Double, count: UInt64 = 1, maximumBuckets: Int = MetricLimits.exponentialBuckets) {
        guard value.isFinite, count != 0 else { return }
        var added = ExponentialCounts()
        added.zeroThreshold = zeroThreshold
        added.scale = scale
        if value.magnitude <= zeroThreshold {
            added.zeroCount = count
        } else if value > 0 {
            added.positive.add(count, at: ExponentialIndex.index(of: value, scale: scale))
        } else {
            added.negative.add(count, at: ExponentialIndex.index(of: value, scale: scale))
        }
        added.sum = value * Double(count)
        added.min = value
        added.max = value
        merge(added, maximumBuckets: maximumBuckets)
    }

    /// Counts of buckets below the threshold become zeros. If it is inside a bucket with counts, it rises to the bound.
    private mutating func raiseZeroThreshold(to threshold: Double) {
        guard threshold > zeroThreshold else { return }
        zeroThreshold = threshold
        let index = ExponentialIndex.index(of: threshold, scale: scale)
        if positive[index] != 0 || negative[index] != 0 {
            let bound = ExponentialIndex.lowerBound(of: index &+ 1, scale: scale)
            zeroThreshold = Swift.min(bound, .greatestFiniteMagnitude)
        }
        zeroCount = zeroCount.addingSaturated(positive.remove(through: index))
        zeroCount = zeroCount.addingSaturated(negative.remove(through: index))
    }

    /// What one of both does not know about its values is not known of all. A histogram without values says nothing.
    private mutating func mergeStatistics(_ other: ExponentialCounts) {
        if other.count == 0 { return }
        if count == 0 {
            (sum, min, max) = (other.sum, other.min, other.max)
            return
        }
        sum = Self.known(Self.joined(sum, other.sum) { $0 + $1 })
        min = Self.joined(min, other.min) { Swift.min($0, $1) }
        max = Self.joined(max, other.max) { Swift.max($0, $1) }
    }

    private static func joined(_ one: Double?, _ other: Double?, _ join: (Double, Double) -> Double) -> Double? {
        guard let one, let other else { return nil }
        return join(one, other)
    }

    private static func known(_ value: Double?) -> Double? {
        guard let value, !value.isNaN else { return nil }
        return value
    }
}
