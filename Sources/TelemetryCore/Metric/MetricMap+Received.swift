// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// A histogram that another program has counted.
package struct ReceivedHistogram: Equatable {
    package var counts: [UInt64]
    /// Nil: not known.
    package var sum: Double?
    package var low: Double?
    package var high: Double?

    package init(counts: [UInt64]) { self.counts = counts }
}

/// An exponential histogram that another program has counted.
package struct ReceivedExponential {
    let counts: ExponentialCounts

    init(counts: ExponentialCounts) { self.counts = counts }

    /// One sign, as it was sent: `counts` of the buckets from index `offset` on.
    package struct Buckets {
        package var offset: Int32 = 0
        package var counts: [UInt64] = []

        package init() {}
        package init(offset: Int32, counts: [UInt64]) {
            self.offset = offset
            self.counts = counts
        }
    }

    package init(
        scale: Int32, zeroCount: UInt64, zeroThreshold: Double, positive: Buckets, negative: Buckets, sum: Double?,
        min: Double?, max: Double?
    ) {
        counts = ExponentialCounts(
            scale: Int(scale), zeroCount: zeroCount, zeroThreshold: zeroThreshold,
            positive: ExponentialBuckets(offset: positive.offset, counts: positive.counts),
            negative: ExponentialBuckets(offset: negative.offset, counts: negative.counts), sum: sum, min: min, max: max
        )
    }

    /// One value, so many times. What holds it is made coarser as the metric needs it.
    init(_ value: Double, times: UInt64, sum: Double) {
        let scale = ExponentialIndex.maximumScale
        var bucket = Buckets()
        let size = abs(value)
        if size > 0 {
            bucket = Buckets(offset: ExponentialIndex.index(of: size, scale: scale), counts: [times])
        }
        self.init(
            scale: Int32(scale), zeroCount: bucket.counts.isEmpty ? times : 0, zeroThreshold: 0,
            positive: value > 0 ? bucket : Buckets(), negative: value < 0 ? bucket : Buckets(), sum: sum, min: value,
            max: value)
    }

    package var count: UInt64 { counts.count }

    /// What was counted since `earlier`. Nil: it is not an earlier state of this one.
    package func since(_ earlier: ReceivedExponential) -> ReceivedExponential? {
        counts.since(earlier.counts).map { ReceivedExponential(counts: $0) }
    }

    /// As numbers, to be kept.
    package var words: [UInt64] {
        var words = [
            UInt64(bitPattern: Int64(counts.scale)), counts.zeroCount, counts.zeroThreshold.bitPattern,
            (counts.sum ?? .nan).bitPattern,
        ]
        for buckets in [counts.positive, counts.negative] {
            words.append(UInt64(bitPattern: Int64(buckets.offset)))
            words.append(UInt64(buckets.counts.count))
            words += buckets.counts
        }
        return words
    }

    /// Nil: these are not such numbers.
    package init?(words: [UInt64]) {
        guard words.count >= 8 else { return nil }
        var rest = words[4...]
        guard let positive = Self.buckets(&rest), let negative = Self.buckets(&rest), rest.isEmpty else { return nil }
        self.init(
            scale: Int32(truncatingIfNeeded: words[0]), zeroCount: words[1],
            zeroThreshold: Double(bitPattern: words[2]), positive: positive, negative: negative,
            sum: Double(bitPattern: words[3]), min: nil, max: nil)
    }

    private static func buckets(_ rest: inout ArraySlice<UInt64>) -> Buckets? {
        guard let offset = rest.popFirst(), let count = rest.popFirst(), count <= UInt64(rest.count) else { return nil }
        let buckets = Buckets(offset: Int32(truncatingIfNeeded: offset), counts: Array(rest.prefix(Int(count))))
        rest = rest.dropFirst(Int(count))
        return buckets
    }
}

// Many values at once, which another program has counted.
extension MetricMap {
    /// False: the sum would be no finite number, or the buckets are not those of the metric.
    func add(_ histogram: ReceivedHistogram, to entry: Int, _ boundCount: Int) -> Bool {
        guard histogram.counts.count == boundCount &+ 1 else { return false }
        let entry = base + entry
        if let sum = histogram.sum, sum != 0, !MetricCell.add(sum, to: SeriesLayout.number, entry) { return false }
        for (index, count) in histogram.counts.enumerated() where count != 0 {
            Self.word(entry, SeriesLayout.buckets &+ 8 &* index).pointee.wrappingAdd(count, ordering: .relaxed)
        }
        for extreme in [histogram.low, histogram.high] {
            if let extreme, extreme.isFinite { MetricCell.extend(extreme, entry) }
        }
        return true
    }

    /// False: there is no room.
    func add(_ histogram: ReceivedExponential, to entry: Int) -> Bool {
        let counts = histogram.counts
        let entry = base + entry
        guard let positive = block(for: counts.positive, counts.scale, SeriesLayout.positive, entry),
            let negative = block(for: counts.negative, counts.scale, SeriesLayout.negative, entry)
        else { return false }
        // The sum of finite values may be infinite: the values are counted, and the sum stays.
        if let sum = counts.sum, sum != 0 { _ = MetricCell.add(sum, to: SeriesLayout.number, entry) }
        if counts.zeroCount != 0 {
            Self.word(entry, SeriesLayout.zeroCount.offset).pointee.wrappingAdd(counts.zeroCount, ordering: .relaxed)
        }
        for (block, buckets) in [(positive, counts.positive), (negative, counts.negative)] {
            for (at, count) in buckets.counts.enumerated() where count != 0 {
                let index = (buckets.offset &+ Int32(truncatingIfNeeded: at)) &>> Int32(counts.scale &- block.scale)
                Self.word(block.base, BucketBlockLayout.place(of: index)).pointee.wrappingAdd(count, ordering: .relaxed)
            }
        }
        for extreme in [counts.min, counts.max] {
            if let extreme, extreme.isFinite { MetricCell.extend(extreme, entry) }
        }
        return true
    }

    /// A block whose range has all of `buckets`, at their scale or below. Nil: there is no room.
    private func block(
        for buckets: ExponentialBuckets, _ scale: Int, _ list: Field<UInt32>, _ entry: UnsafeMutableRawPointer
    ) -> (base: UnsafeMutableRawPointer, scale: Int)? {
        if buckets.counts.isEmpty { return (entry, scale) }
        for _ in 0..<Self.mostBlocks {
            let head = Self.half(entry, list.offset).pointee.load(ordering: .acquiring)
            var wanted = scale
            var range = buckets.range
            if let present = block(head) {
                let own = Self.scale(present)
                if own <= scale, widen(present, to: range.downscaled(by: scale &- own)) { return (present, own) }
                wanted = Swift.min(own, scale)
                let packed = Self.word(present, BucketBlockLayout.range.offset).pointee.load(ordering: .relaxed)
                range = range.downscaled(by: scale &- wanted)
                    .union(ExponentialRange(packed: packed).downscaled(by: own &- wanted))
            }
            wanted &-= range.stepsToFit(MetricLimits.exponentialBuckets)
            guard addBlock(atScale: Swift.max(ExponentialIndex.coarsestScale, wanted), list, head, entry) else {
                return nil
            }
        }
        return nil
    }

    /// False: it would be too long.
    private func widen(_ block: UnsafeMutableRawPointer, to wanted: ExponentialRange) -> Bool {
        let word = Self.word(block, BucketBlockLayout.range.offset)
        var packed = word.pointee.load(ordering: .relaxed)
        while true {
            let wider = ExponentialRange(packed: packed).union(wanted)
            if wider.bucketCount > MetricLimits.exponentialBuckets { return false }
            if wider.packed == packed { return true }
            let (exchanged, seen) = word.pointee.compareExchange(
                expected: packed, desired: wider.packed, ordering: .relaxed)
            if exchanged { return true }
            packed = seen
        }
    }

    /// Puts an empty block before the present ones, if `head` is still their first. False: there is no room.
    private func addBlock(atScale scale: Int, _ list: Field<UInt32>, _ head: UInt32, _ entry: UnsafeMutableRawPointer)
        -> Bool
    {
        let made = reserve(ExponentialBuckets.blockSize)
        if made == 0 { return false }
        let at = base + made
        EntryLayout.next.store(block(head) == nil ? 0 : head, at)
        EntryLayout.size.store(UInt32(ExponentialBuckets.blockSize), at)
        EntryLayout.kind.store(EntryLayout.isBlock, at)
        BucketBlockLayout.scale.store(Int32(scale), at)
        _ = Self.half(entry, list.offset).pointee.compareExchange(
            expected: head, desired: UInt32(truncatingIfNeeded: made), ordering: .acquiringAndReleasing)
        return true
    }
}
