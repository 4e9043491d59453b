// SPDX-License-Identifier: Apache-2.0

/// How far one destination has come in one segment. The segment's own progress is that of the destination furthest
/// behind. It determines the counts, and when the segment is finished.
final class Cursor {
    let segment: Segment
    /// Nil: the tool has one destination, which uses the segment's own progress.
    private let slot: DestinationSlot?
    /// Held while the segment's own progress changes, because the counts of a segment in memory are taken from it
    /// meanwhile.
    private let mutex: Mutex?
    var progress: Progress
    /// Why events were rejected for good since the cursor was made; empty: no event was.
    private(set) var rejection = ""
    /// The host that took the events delivered last, if a redirect led there; empty: the backend's own receiver.
    var taker = ""
    /// The cursors of the same segment.
    private var others: [Cursor] = []

    private init(_ segment: Segment, _ slot: DestinationSlot?, _ mutex: Mutex?) {
        self.segment = segment
        self.slot = slot
        self.mutex = mutex
        progress = slot.flatMap { segment.readProgress(of: $0) } ?? segment.progress
    }

    /// Makes one cursor for each destination. The cursors keep each other alive until `end`. `mutex`: the collector's;
    /// a thread that moves a cursor must not hold it.
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

    /// Marks events as consumed, and stores that where a crash cannot lose it.
    func commit(_ settlement: BatchMachine.Settlement, end: Int, reason: String) {
        if settlement.reason == .rejected && settlement.delivered < settlement.range.count { rejection = reason }
        progress.delivered &+= UInt32(clamping: settlement.delivered)
        progress.drop(settlement.reason, settlement.range.count - settlement.delivered)
        progress.offset = end
        save()
    }

    /// False: a crash would lose this change.
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
