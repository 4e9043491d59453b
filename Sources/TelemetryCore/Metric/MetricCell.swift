// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// What is done to a series: each is one or a few atomic operations on the shared memory, complete or absent after
/// `kill -9`, without lock, system call or allocation.
enum MetricCell {
    /// Adds to a counter or an up-down counter. False: the sum would leave the range of Int64, and is unchanged.
    @inline(__always)
    static func add(_ value: Int64, _ entry: UnsafeMutableRawPointer) -> Bool {
        let sum = (entry + SeriesLayout.integer.offset).assumingMemoryBound(to: Atomic<Int64>.self)
        let (old, new) = sum.pointee.wrappingAdd(value, ordering: .relaxed)
        if (old ^ new) & (value ^ new) >= 0 { return true }
        return undo(value, sum)
    }

    @inline(never)
    private static func undo(_ value: Int64, _ sum: UnsafeMutablePointer<Atomic<Int64>>) -> Bool {
        sum.pointee.wrappingSubtract(value, ordering: .relaxed)
        return false
    }

    /// False: the sum would be no finite number, and is unchanged.
    @inline(__always)
    static func add(_ value: Double, to field: Field<Double>, _ entry: UnsafeMutableRawPointer) -> Bool {
        let sum = MetricMap.word(entry, field.offset)
        var old = sum.pointee.load(ordering: .relaxed)
        while true {
            let present = Double(bitPattern: old)
            // A gauge that was not set yet.
            let new = (present.isNaN ? 0 : present) + value
            if !new.isFinite { return false }
            let (exchanged, seen) = sum.pointee.weakCompareExchange(
                expected: old, desired: new.bitPattern, ordering: .relaxed)
            if exchanged { return true }
            old = seen
        }
    }

    @inline(__always)
    static func set(_ value: Double, _ entry: UnsafeMutableRawPointer) {
        MetricMap.word(entry, SeriesLayout.number.offset).pointee.store(value.bitPattern, ordering: .relaxed)
    }

    /// Lowers or raises an extreme value; rarely more than a read.
    @inline(__always)
    static func extend(_ value: Double, _ entry: UnsafeMutableRawPointer) {
        let low = MetricMap.word(entry, SeriesLayout.low.offset)
        let high = MetricMap.word(entry, SeriesLayout.high.offset)
        if value < Double(bitPattern: low.pointee.load(ordering: .relaxed)) { replace(low, value) { $0 < $1 } }
        if value > Double(bitPattern: high.pointee.load(ordering: .relaxed)) { replace(high, value) { $0 > $1 } }
    }

    @inline(never)
    private static func replace(
        _ word: UnsafeMutablePointer<Atomic<UInt64>>, _ value: Double, _ isBetter: (Double, Double) -> Bool
    ) {
        var old = word.pointee.load(ordering: .relaxed)
        while isBetter(value, Double(bitPattern: old)) {
            let (exchanged, seen) = word.pointee.compareExchange(
                expected: old, desired: value.bitPattern, ordering: .relaxed)
            if exchanged { return }
            old = seen
        }
    }

    /// Counts a value in the bucket whose upper bound is the first that is not below it.
    @inline(__always)
    static func observe(
        _ value: Double, _ bounds: UnsafePointer<Double>, _ count: Int, _ entry: UnsafeMutableRawPointer
    ) -> Bool {
        let index = bucket(value, bounds, count)
        guard add(value, to: SeriesLayout.number, entry) else { return false }
        MetricMap.word(entry, SeriesLayout.buckets &+ 8 &* index).pointee.wrappingAdd(1, ordering: .relaxed)
        extend(value, entry)
        return true
    }

    @inline(__always)
    static func bucket(_ value: Double, _ bounds: UnsafePointer<Double>, _ count: Int) -> Int {
        var low = 0
        var rest = count
        // Halves that are left are searched without a branch that could be predicted wrongly.
        while rest > 8 {
            let half = rest / 2
            if bounds[low &+ half &- 1] < value { low &+= half }
            rest &-= half
        }
        var index = low
        for at in low..<(low &+ rest) { index &+= bounds[at] < value ? 1 : 0 }
        return index
    }
}
