// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// Room for as many spans as one file of open spans has slots.
final class SpanBlock {
    static let size = 64
    /// A bit for each cell.
    private let taken: Atomic<UInt64>
    /// Consent for these spans is gone: none of them is recorded.
    let isVoid = Atomic<Bool>(false)
    let cells: UnsafeMutablePointer<SpanCell>
    let file: OpenSpanFile
    /// The collector that they are recorded by.
    let collector: UnsafeMutablePointer<telemetry_collector>
    let clock = SpanClock()
    /// Of the file.
    let looked = LookClock()

    /// Nil: there is no memory.
    init?(_ collector: UnsafeMutablePointer<telemetry_collector>, _ file: OpenSpanFile, count: Int) {
        guard let cells = SpanCellPool.take() else { return nil }
        self.collector = collector
        self.file = file
        self.cells = cells
        taken = Atomic(count >= Self.size ? 0 : ~0 << UInt64(count))
    }

    /// A cell that nobody has. Nil: all are taken.
    @inline(__always)
    func take() -> (cell: UnsafeMutablePointer<SpanCell>, index: Int)? {
        var seen = taken.load(ordering: .relaxed)
        while true {
            let index = (~seen).trailingZeroBitCount
            if index >= Self.size { return nil }
            let (exchanged, now) = taken.weakCompareExchange(
                expected: seen, desired: seen | 1 << UInt64(truncatingIfNeeded: index), successOrdering: .acquiring,
                failureOrdering: .relaxed)
            if exchanged { return (cells + index, index) }
            seen = now
        }
    }

    @inline(__always)
    func giveBack(_ index: Int) {
        taken.bitwiseAnd(~(1 << UInt64(truncatingIfNeeded: index)), ordering: .releasing)
    }

    /// No thread begins or changes spans of it any more.
    func close() {
        if file.isLasting { file.leave() } else { file.discard() }
        file.unmap()
        SpanCellPool.giveBack(cells)
    }
}

/// The time of the day for one read of the monotonic clock: what was between the two a moment ago still is.
struct SpanClock: ~Copyable {
    private let difference = Atomic<Int64>(0)
    private let compared = Atomic<Int64>(.min)
    private static let trustedNanoseconds: Int64 = 1_000_000_000

    /// Nanoseconds since 1970.
    @inline(__always)
    func realtime(_ monotonic: Int64) -> Int64 {
        if monotonic &- Self.trustedNanoseconds < compared.load(ordering: .relaxed) {
            return monotonic &- difference.load(ordering: .relaxed)
        }
        return monotonic &- compare()
    }

    /// Both clocks are read here: `monotonic` of the caller may be from before it made a file.
    @inline(never)
    private func compare() -> Int64 {
        let now = Clock.realtime()
        let monotonic = Clock.monotonic()
        difference.store(monotonic &- now, ordering: .relaxed)
        compared.store(monotonic, ordering: .relaxed)
        return monotonic &- now
    }
}

/// Cells that no collector uses at the moment. They are not freed (`SpanCell`).
enum SpanCellPool {
    /// The first of a list, guarded by `ForkHandling.exclusively`.
    nonisolated(unsafe) private static var first: UnsafeMutableRawPointer?

    private static let headerSize = 16

    static func take() -> UnsafeMutablePointer<SpanCell>? {
        var free: UnsafeMutableRawPointer?
        ForkHandling.exclusively {
            free = first
            if let free { first = free.load(as: UnsafeMutableRawPointer?.self) }
        }
        if let free { return cells(free) }
        guard let made = Heap.take(headerSize + SpanBlock.size * MemoryLayout<SpanCell>.stride) else { return nil }
        let cells = cells(made)
        for index in 0..<SpanBlock.size { (cells + index).initialize(to: SpanCell()) }
        return cells
    }

    static func giveBack(_ cells: UnsafeMutablePointer<SpanCell>) {
        let area = UnsafeMutableRawPointer(cells) - headerSize
        ForkHandling.exclusively {
            area.storeBytes(of: first, as: UnsafeMutableRawPointer?.self)
            first = area
        }
    }

    private static func cells(_ area: UnsafeMutableRawPointer) -> UnsafeMutablePointer<SpanCell> {
        (area + headerSize).assumingMemoryBound(to: SpanCell.self)
    }
}
