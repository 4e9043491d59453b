// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

// A gauge whose value is the sum, the smallest or the largest over the living processes. Each process that sets it has its
// own block, and holds a lock on one byte far behind the end of the file as long as it lives. A process that was killed
// holds none, so its block no longer counts, and the next process takes it.

extension MetricMap {
    /// Where the byte of a block is: behind anything that the file may ever have.
    private static func byte(of block: Int) -> Int64 { 1 << 40 &+ Int64(block) }

    /// This process's block of a series, made or taken over. `lockFile`: the file, opened for nothing but these locks;
    /// nil: the store is this process's memory. 0: there is no room, or files cannot be locked.
    func processBlock(of entry: Int, _ lockFile: Descriptor?) -> Int {
        let first = Self.half(base + entry, SeriesLayout.processes.offset)
        var at = Int(first.pointee.load(ordering: .acquiring))
        for _ in 0..<Self.mostProcesses {
            guard isProcessBlock(at) else { break }
            if let lockFile, lockFile.tryLockByte(at: Self.byte(of: at)) { return at }
            at = Int(Self.half(base + at, EntryLayout.next.offset).pointee.load(ordering: .acquiring))
        }
        let made = reserve(ProcessBlockLayout.size)
        if made == 0 { return 0 }
        if let lockFile, !lockFile.tryLockByte(at: Self.byte(of: made)) { return 0 }
        let block = base + made
        EntryLayout.size.store(UInt32(ProcessBlockLayout.size), block)
        EntryLayout.kind.store(EntryLayout.isProcessBlock, block)
        SeriesLayout.number.store(.nan, block)
        while true {
            let head = first.pointee.load(ordering: .acquiring)
            EntryLayout.next.store(head, block)
            if first.pointee.compareExchange(
                expected: head, desired: UInt32(truncatingIfNeeded: made), ordering: .acquiringAndReleasing
            ).exchanged {
                return made
            }
        }
    }

    private static let mostProcesses = 4096

    private func isProcessBlock(_ at: Int) -> Bool {
        at >= MetricLayout.firstEntry && at & (EntryLayout.alignment &- 1) == 0
            && holds(at, ProcessBlockLayout.size) && EntryLayout.kind.load(base + at) == EntryLayout.isProcessBlock
    }

    /// The value of a series over the living processes, from a copy of the store; NaN: no living process has set it.
    /// `file`: opened by itself, so that this process's own locks are seen too; nil: all are this process's.
    static func combined(
        _ rule: GaugeRule, _ entry: UnsafeRawPointer, _ base: UnsafeRawPointer, _ size: Int, _ file: Descriptor?
    ) -> Double {
        var result = Double.nan
        var at = Int(SeriesLayout.processes.load(entry))
        for _ in 0..<mostProcesses {
            guard at >= MetricLayout.firstEntry, at & (EntryLayout.alignment &- 1) == 0,
                at &+ ProcessBlockLayout.size <= size, EntryLayout.kind.load(base + at) == EntryLayout.isProcessBlock
            else { break }
            let value = SeriesLayout.number.load(base + at)
            if value.isFinite, file?.isByteLocked(at: byte(of: at)) != false {
                result = result.isNaN ? value : joined(rule, result, value)
            }
            at = Int(EntryLayout.next.load(base + at))
        }
        return result
    }

    private static func joined(_ rule: GaugeRule, _ one: Double, _ other: Double) -> Double {
        switch rule {
        case .last: other
        case .sum: one + other
        case .min: Swift.min(one, other)
        case .max: Swift.max(one, other)
        }
    }
}
