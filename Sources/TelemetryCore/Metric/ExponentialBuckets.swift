// SPDX-License-Identifier: Apache-2.0

/// The counts of one sign of an exponential histogram. The first and the last of them are not 0; a count that would be
/// too large stays at the largest.
struct ExponentialBuckets: Equatable {
    private(set) var offset: Int32 = 0
    private(set) var counts: [UInt64] = []

    init() {}

    /// `counts` of the buckets from index `offset` on.
    init(offset: Int32, counts: [UInt64]) {
        self.offset = offset
        self.counts = counts
        regroup(shift: 0, within: ExponentialRange(low: .min, high: .max))
    }

    var range: ExponentialRange {
        if counts.isEmpty { return .empty }
        return ExponentialRange(low: offset, high: offset &+ Int32(truncatingIfNeeded: counts.count &- 1))
    }

    var total: UInt64 {
        var total: UInt64 = 0
        for count in counts { total = total.addingSaturated(count) }
        return total
    }

    subscript(index: Int32) -> UInt64 { range.contains(index) ? counts[Int(index) &- Int(offset)] : 0 }

    mutating func add(_ count: UInt64, at index: Int32) {
        if count != 0 { merge(ExponentialBuckets(offset: index, counts: [count])) }
    }

    /// Both have the same scale. The caller has seen to it that the union of their ranges is not large.
    mutating func merge(_ other: ExponentialBuckets) {
        if other.counts.isEmpty { return }
        cover(range.union(other.range))
        let shift = Int(other.offset) &- Int(offset)
        for (at, count) in other.counts.enumerated() {
            counts[at &+ shift] = counts[at &+ shift].addingSaturated(count)
        }
    }

    /// By `steps` scales, from 0 to 31.
    mutating func downscale(by steps: Int) {
        if steps > 0 { regroup(shift: steps, within: ExponentialRange(low: .min, high: .max)) }
    }

    /// Counts outside go to the first or the last bucket of `limits`.
    mutating func clamp(to limits: ExponentialRange) { regroup(shift: 0, within: limits) }

    /// Takes the buckets up to `index` away, and returns their counts.
    mutating func remove(through index: Int32) -> UInt64 {
        var removed: UInt64 = 0
        let behind = Swift.max(0, Swift.min(Int(index) &- Int(offset) &+ 1, counts.count))
        for at in 0..<behind {
            removed = removed.addingSaturated(counts[at])
            counts[at] = 0
        }
        if behind > 0 { clamp(to: ExponentialRange(low: .min, high: .max)) }
        return removed
    }

    /// What was counted since `earlier`, at the same scale. Nil: `earlier` has counts that are not here.
    func since(_ earlier: ExponentialBuckets) -> ExponentialBuckets? {
        var rest = counts
        let shift = Int(earlier.offset) &- Int(offset)
        for (at, count) in earlier.counts.enumerated() where count != 0 {
            let place = at &+ shift
            guard rest.indices.contains(place), rest[place] >= count else { return nil }
            rest[place] &-= count
        }
        return ExponentialBuckets(offset: offset, counts: rest)
    }

    private mutating func cover(_ wanted: ExponentialRange) {
        if wanted == range { return }
        var wider = [UInt64](repeating: 0, count: wanted.bucketCount)
        let shift = Int(offset) &- Int(wanted.low)
        for (at, count) in counts.enumerated() { wider[at &+ shift] = count }
        offset = wanted.low
        counts = wider
    }

    /// Gives each count the index of its bucket shifted right, or the nearest within `limits`, and leaves out empty
    /// buckets at both ends.
    private mutating func regroup(shift: Int, within limits: ExponentialRange) {
        func target(_ at: Int) -> Int {
            let index = (Int(offset) &+ at) &>> shift
            return Swift.max(Int(limits.low), Swift.min(index, Int(limits.high)))
        }
        var first = 0
        var behind = counts.count
        while behind > 0, counts[behind &- 1] == 0 { behind &-= 1 }
        while first < behind, counts[first] == 0 { first &+= 1 }
        var grouped: [UInt64] = []
        let low = target(first)
        if first < behind { grouped = [UInt64](repeating: 0, count: target(behind &- 1) &- low &+ 1) }
        for at in first..<behind {
            let place = target(at) &- low
            grouped[place] = grouped[place].addingSaturated(counts[at])
        }
        offset = grouped.isEmpty ? 0 : Int32(truncatingIfNeeded: low)
        counts = grouped
    }
}

extension UInt64 {
    /// The sum, or the largest number.
    func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
