// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

// Exemplars of histograms. A series gets a block for them when the first one is there, and each bucket has a slot in it.

extension MetricMap {
    /// Within that time the first exemplar of a bucket stays: a loop would otherwise spend more on them than on values.
    private static let restNanoseconds: Int64 = 1_000_000

    /// Keeps an exemplar of a series of a histogram. Without room there is none.
    func keep(
        _ exemplar: Exemplar, _ entry: UnsafeMutableRawPointer, _ shape: SeriesShape, _ bounds: UnsafePointer<Double>?
    ) {
        guard let block = exemplars(of: entry, shape) else { return }
        let index = Exemplar.slot(of: exemplar.value, shape, bounds)
        let slot = block + (ExemplarBlockLayout.slots &+ ExemplarBlockLayout.slotSize &* index)
        let time = Self.word(slot, ExemplarBlockLayout.time.offset).pointee.load(ordering: .relaxed)
        let age = exemplar.time &- Int64(bitPattern: time)
        if age < 0 || age >= Self.restNanoseconds { exemplar.store(to: slot) }
    }

    private func exemplars(of entry: UnsafeMutableRawPointer, _ shape: SeriesShape) -> UnsafeMutableRawPointer? {
        let word = Self.half(entry, SeriesLayout.exemplars.offset)
        var at = Int(word.pointee.load(ordering: .acquiring))
        if at == 0 {
            let made = makeExemplars(shape)
            if made == 0 { return nil }
            let (isOurs, other) = word.pointee.compareExchange(
                expected: 0, desired: UInt32(truncatingIfNeeded: made), ordering: .acquiringAndReleasing)
            at = isOurs ? made : Int(other)
        }
        guard at >= MetricLayout.firstEntry, at & (EntryLayout.alignment &- 1) == 0,
            holds(at, shape.exemplarBlockSize), Exemplar.isBlock(base + at, shape)
        else { return nil }
        return base + at
    }

    /// Half of the room is for the values alone.
    private func makeExemplars(_ shape: SeriesShape) -> Int {
        let used = Self.word(base, MetricLayout.used.offset).pointee.load(ordering: .relaxed)
        if used > UInt64(MetricLayout.largestSize / 2) { return 0 }
        let caller = csystem_enter()
        let at = reserve(shape.exemplarBlockSize)
        csystem_leave(caller)
        if at == 0 { return 0 }
        EntryLayout.size.store(UInt32(truncatingIfNeeded: shape.exemplarBlockSize), base + at)
        EntryLayout.kind.store(EntryLayout.isExemplarBlock, base + at)
        return at
    }
}

extension Exemplar {
    fileprivate static func isBlock(_ entry: UnsafeRawPointer, _ shape: SeriesShape) -> Bool {
        EntryLayout.kind.load(entry) == EntryLayout.isExemplarBlock
            && Int(EntryLayout.size.load(entry)) == shape.exemplarBlockSize
    }

    /// Those of a series at `entry`, in a copy of a store.
    static func all(
        _ entry: UnsafeRawPointer, _ family: MetricFamily, _ base: UnsafeRawPointer, _ size: Int
    ) -> [Exemplar] {
        let at = Int(SeriesLayout.exemplars.load(entry))
        let shape = family.shape
        guard at >= MetricLayout.firstEntry, at & (EntryLayout.alignment &- 1) == 0,
            at &+ shape.exemplarBlockSize <= size, isBlock(base + at, shape)
        else { return [] }
        var result: [Exemplar] = []
        for index in 0..<shape.exemplarSlots {
            let slot = base + (at &+ ExemplarBlockLayout.slots &+ ExemplarBlockLayout.slotSize &* index)
            guard let found = Exemplar(slot), Exemplar.slot(of: found.value, shape, family.bounds) == index else {
                continue
            }
            result.append(found)
        }
        return result
    }
}
