// SPDX-License-Identifier: Apache-2.0

/// How far one destination has come in one segment. The segment's own progress, by which its events are
/// counted and it is done with, is that of the destination furthest behind.
final class Cursor {
    let segment: Segment
    /// Nil: the tool has one destination, and the segment's own progress is its.
    private let slot: DestinationSlot?
    /// Held while the segment's own progress changes: a segment in memory is counted by it meanwhile.
    private let mutex: Mutex?
    var progress: Progress
    /// Why events were rejected for good since the cursor was made; empty: none were.
    private(set) var rejection = ""
    /// Who took the events that were delivered last, where a redirect led there; empty: the backend's own receiver.
    var taker = ""
    /// Of the same segment.
    private var others: [Cursor] = []

    private init(_ segment: Segment, _ slot: DestinationSlot?, _ mutex: Mutex?) {
        self.segment = segment
        self.slot = slot
        self.mutex = mutex
        progress = slot.flatMap { segment.readProgress(of: $0) } ?? segment.progress
    }

    /// One for each destination. They keep each other alive until `end`. `mutex`: the collector's, which nobody
    /// holds who moves a cursor.
    static func make(_ segment: Segment, _ slots: [DestinationSlot?], _ mutex: Mutex? = nil) -> [Cursor] {
        var made: [Cursor] = []
        for slot in slots { made.append(Cursor(segment, slot, mutex)) }
        if made.count > 1 { for cursor in made { cursor.others = made } }
        return made
    }

    func end() { others = [] }

    /// Nothing is left for this destination.
    var isAtEnd: Bool { pendingCount == 0 }

    var pendingCount: Int { max(0, segment.state.count - Int(clamping: progress.consumed)) }

    /// Marks events as consumed, where a crash cannot lose it.
    func commit(_ settlement: BatchMachine.Settlement, end: Int, reason: String) {
        if settlement.reason == .rejected && settlement.delivered < settlement.range.count { rejection = reason }
        progress.delivered &+= UInt32(clamping: settlement.delivered)
        progress.drop(settlement.reason, settlement.range.count - settlement.delivered)
        progress.offset = end
        save()
    }

    /// False: a crash would lose it.
    @discardableResult
    func drop(_ reason: DropReason, _ count: Int, end: Int) -> Bool {
        progress.drop(reason, count)
        progress.offset = end
        return save()
    }

    func restore(_ before: Progress) {
        progress = before
        save()
    }

    @discardableResult
    func save() -> Bool {
        let isSaved = slot.map { segment.saveProgress(progress, of: $0) } ?? true
        var last = progress
        for other in others where other.progress.isBehind(last) { last = other.progress }
        mutex?.lock()
        segment.progress = last
        mutex?.unlock()
        return segment.saveProgress() && isSaved
    }
}

extension Progress {
    /// Of two that are equally far, the one that delivered more counts.
    fileprivate func isBehind(_ other: Progress) -> Bool {
        offset == other.offset ? delivered > other.delivered : offset < other.offset
    }
}
