// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

// Exponential histograms. Buckets of one scale are a block. When a value does not fit, a block of a lower scale is put
// before it, and the older one stays as it is: nothing that other processes count in is moved. Readers merge the blocks.

extension MetricMap {
    private static let blockSize = ExponentialBuckets.blockSize
    /// One for each scale, and a few that several processes made at once.
    static let mostBlocks = 64

    /// Counts a value. Nil: there is no block that it fits into.
    func observe(_ value: Double, exponential entry: UnsafeMutableRawPointer) -> Bool? {
        guard value.isFinite else { return false }
        if value == 0 {
            Self.word(entry, SeriesLayout.zeroCount.offset).pointee.wrappingAdd(1, ordering: .relaxed)
        } else {
            let head = Self.half(entry, Self.blocks(value).offset).pointee.load(ordering: .acquiring)
            guard let block = block(head), Self.count(value, in: block) else { return nil }
            // The sum of finite values may be infinite: the value is counted, and the sum stays.
            _ = MetricCell.add(value, to: SeriesLayout.number, entry)
        }
        MetricCell.extend(value, entry)
        return true
    }

    private static func blocks(_ value: Double) -> Field<UInt32> {
        value > 0 ? SeriesLayout.positive : SeriesLayout.negative
    }

    func block(_ offset: UInt32) -> UnsafeMutableRawPointer? {
        let at = Int(offset)
        guard at >= MetricLayout.firstEntry, at & (EntryLayout.alignment &- 1) == 0, holds(at, Self.blockSize),
            EntryLayout.kind.load(base + at) == EntryLayout.isBlock
        else { return nil }
        return base + at
    }

    private static func count(_ value: Double, in block: UnsafeMutableRawPointer) -> Bool {
        let index = ExponentialIndex.index(of: value.magnitude, scale: scale(block))
        let word = word(block, BucketBlockLayout.range.offset)
        var packed = word.pointee.load(ordering: .relaxed)
        while true {
            let range = ExponentialRange(packed: packed)
            if range.contains(index) { break }
            let wider = range.widened(by: index)
            if wider.bucketCount > MetricLimits.exponentialBuckets { return false }
            let (exchanged, seen) = word.pointee.weakCompareExchange(
                expected: packed, desired: wider.packed, ordering: .relaxed)
            if exchanged { break }
            packed = seen
        }
        self.word(block, BucketBlockLayout.place(of: index)).pointee.wrappingAdd(1, ordering: .relaxed)
        return true
    }

    static func scale(_ block: UnsafeRawPointer) -> Int {
        max(
            ExponentialIndex.coarsestScale, min(Int(BucketBlockLayout.scale.load(block)), ExponentialIndex.maximumScale)
        )
    }

    /// Does it to the series at `entry`, with more room if it needs any. Nil: there is no room. False: the metric's type
    /// does not take it.
    func apply(
        _ operation: MetricOperation, to entry: Int, _ type: UInt32, _ bounds: UnsafePointer<Double>?,
        _ boundCount: Int
    ) -> Bool? {
        // Other threads and processes may fill the room that this one makes; each time it is made at a lower scale.
        for _ in 0..<Self.mostBlocks {
            if let isDone = operation.apply(to: base + entry, type, bounds, boundCount, { self }) { return isDone }
            guard case .observe(let value) = operation, addBlock(for: value, base + entry) else { return nil }
        }
        return nil
    }

    /// Puts a block for the value before the present ones, unless there is one by now. False: there is no room.
    func addBlock(for value: Double, _ entry: UnsafeMutableRawPointer) -> Bool {
        let first = Self.half(entry, Self.blocks(value).offset)
        var made = 0
        while true {
            let head = first.pointee.load(ordering: .acquiring)
            var scale = ExponentialIndex.maximumScale
            if let block = block(head) {
                scale = Self.scale(block)
                let range = ExponentialRange(
                    packed: Self.word(block, BucketBlockLayout.range.offset).pointee.load(ordering: .relaxed))
                let steps = range.widened(by: ExponentialIndex.index(of: value.magnitude, scale: scale)).stepsToFit(
                    MetricLimits.exponentialBuckets)
                if steps == 0 || scale == ExponentialIndex.coarsestScale { return true }
                scale = max(ExponentialIndex.coarsestScale, scale &- steps)
            }
            if made == 0 { made = reserve(Self.blockSize) }
            if made == 0 { return false }
            let entry = base + made
            EntryLayout.next.store(block(head) == nil ? 0 : head, entry)
            EntryLayout.size.store(UInt32(Self.blockSize), entry)
            EntryLayout.kind.store(EntryLayout.isBlock, entry)
            BucketBlockLayout.scale.store(Int32(scale), entry)
            if first.pointee.compareExchange(
                expected: head, desired: UInt32(truncatingIfNeeded: made), ordering: .acquiringAndReleasing
            ).exchanged {
                return true
            }
        }
    }
}

extension ExponentialBuckets {
    static let blockSize = BucketBlockLayout.buckets &+ 8 &* MetricLimits.exponentialBuckets

    /// What a block in a copy of a store holds. Nil: there is no such block.
    static func of(
        _ block: Int, _ base: UnsafeRawPointer, _ size: Int
    ) -> (buckets: ExponentialBuckets, scale: Int, next: Int)? {
        guard block >= MetricLayout.firstEntry, block & (EntryLayout.alignment &- 1) == 0,
            block &+ blockSize <= size,
            EntryLayout.kind.load(base + block) == EntryLayout.isBlock
        else { return nil }
        let entry = base + block
        let range = ExponentialRange(packed: BucketBlockLayout.range.load(entry))
        var counts: [UInt64] = []
        if range.bucketCount <= MetricLimits.exponentialBuckets {
            for step in 0..<range.bucketCount {
                let index = range.low &+ Int32(truncatingIfNeeded: step)
                counts.append(entry.loadUnaligned(fromByteOffset: BucketBlockLayout.place(of: index), as: UInt64.self))
            }
        }
        return (
            ExponentialBuckets(offset: counts.isEmpty ? 0 : range.low, counts: counts),
            Int(BucketBlockLayout.scale.load(entry)), Int(EntryLayout.next.load(entry))
        )
    }
}
