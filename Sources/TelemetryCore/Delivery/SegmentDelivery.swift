// SPDX-License-Identifier: Apache-2.0

/// Sends what is left in one segment to one destination, batch by batch, and keeps its progress.
struct SegmentDelivery {
    enum Result: Equatable {
        /// Nothing is left.
        case consumed
        /// The receiver did not take it now.
        case failed(retryAfterSeconds: Int?, reason: String)
        /// The receiver wants nothing more, ever.
        case stopped(reason: String)
        /// The user has withdrawn consent.
        case refused
        /// A18: consent for this segment's events is gone.
        case void
        /// What is left is not for this process to send.
        case kept
        /// Called off before it was over.
        case interrupted
        /// The same, while the receiver was being waited for.
        case calledOff
    }

    var backend: any Backend
    /// When the whole pass must be over.
    let deadline: Deadline
    /// Longest time one request may take.
    var sendTimeoutMilliseconds: UInt32
    let isCancelled: () -> Bool
    var guarantee: BatchMachine.Guarantee
    /// Events from before this moment (nanoseconds since 1970) are too old.
    let oldest: Int64
    /// False: consent for this segment's events is gone. Nil: that cannot be known now.
    let isCurrent: (Segment) -> Bool?
    let isConsented: () -> Bool
    let journal: ControlJournal?
    /// Nil: what is delivered is this process's alone.
    var lease: Lease?
    /// Failures in a row before.
    var attempt: UInt32 = 0
    /// Nil: no copies are kept.
    var audit: AuditLog?

    /// The caller has taken the segment, and no thread writes to it.
    /// `isForeign`: its events are for others to send. What is too old or void is done with, and nothing leaves.
    func run(_ cursor: Cursor, isForeign: Bool = false) -> Result {
        let segment = cursor.segment
        if segment.isLost { return .interrupted }
        if !segment.isIntact { return .consumed }
        var reader = SegmentReader(segment, from: cursor.progress.offset)
        while true {
            if segment.isLost { return .interrupted }
            if !segment.isIntact { return .consumed }
            let batch = EventBatch(&reader, limit: backend.batchLimit, oldest: oldest)
            if batch.isEmpty { break }
            guard let isCurrent = isCurrent(segment) else { return .interrupted }
            if !isCurrent { return .void }
            if isForeign && batch.expired == 0 { return .kept }
            guard isConsented() else { return .refused }
            if isCancelled() || deadline.isPast || backend.isOver { return .interrupted }
            if let failure = send(batch, cursor) { return self.isCurrent(segment) == false ? .void : failure }
        }
        if reader.isAtUnknown { return .kept }
        // What consent was withdrawn for may have been overwritten.
        if cursor.pendingCount > 0, isCurrent(segment) == false { return .void }
        // What was reserved but is not there any more was torn or damaged.
        cursor.drop(.corrupt, cursor.pendingCount, end: reader.offset)
        return .consumed
    }

    /// Somebody else delivers it from now on.
    private var isLost: Bool { lease?.isHeldStill == false }

    /// Nil: all of it is settled.
    private func send(_ batch: EventBatch, _ cursor: Cursor) -> Result? {
        if batch.expired > 0 {
            cursor.drop(.expired, batch.expired, end: batch.end)
            return nil
        }
        let failure = batch.events.withUnsafeBufferPointer { send($0, batch.ends, cursor) }
        if failure == nil && cursor.progress.offset != batch.end {
            cursor.progress.offset = batch.end
            cursor.save()
        }
        return failure
    }

    private func send(_ events: UnsafeBufferPointer<EventView>, _ ends: [Int], _ cursor: Cursor) -> Result? {
        var machine = BatchMachine(count: events.count, guarantee)
        while let part = machine.next, let last = part.last, last < ends.count {
            let before = cursor.progress
            journal?.prepare(cursor)
            let control = sendControl(cursor.segment) { [guarantee] in
                // Otherwise nobody would know of it, and send it again.
                if guarantee == .atMostOnce, !cursor.drop(.unconfirmed, part.count, end: ends[last]) { return false }
                return !cursor.segment.isLost && lease?.isHeld != false
            }
            lease?.beat(busy: backend.kind == "custom" ? sendTimeoutMilliseconds : 0)
            let outcome = send(UnsafeBufferPointer(rebasing: events[part]), control)
            if cursor.segment.isLost { return .interrupted }
            if isLost {
                if !outcome.hasLeft { cursor.restore(before) }
                return .interrupted
            }
            // Somebody has cut the file short meanwhile: the events cannot be looked at any more.
            if !cursor.segment.isIntact { return .consumed }
            // Now it is known what became of them, or that it is not.
            cursor.progress = before
            let sent = machine.part(of: outcome) ?? part
            let reaction = machine.received(outcome)
            for settlement in reaction.settled where !isLost { settle(settlement, outcome, events, ends, cursor) }
            if isLost { return .interrupted }
            guard let ending = reaction.ending else { continue }
            if reaction.settled.isEmpty {
                // A8, A18: it may have been taken all the same, and will not be sent again.
                if outcome.hasLeft && isCurrent(cursor.segment) == false {
                    keepCopies(events, sent, .unconfirmed, outcome.taker)
                }
                if guarantee == .atMostOnce { cursor.save() }
            }
            return result(ending, outcome)
        }
        return nil
    }

    private func send(_ events: UnsafeBufferPointer<EventView>, _ control: SendControl) -> Outcome {
        let kept = Outcome(
            verdict: .retry(afterSeconds: nil), reason: "the log is being written by another process", hasLeft: false)
        let send = { [backend] in
            backend.tellsLeaving || control.leave() ? backend.send(events, control) : kept
        }
        guard let lease, backend.kind == "file" else { return send() }
        return lease.writingLogs(send) ?? kept
    }

    private func result(_ ending: BatchMachine.Ending, _ outcome: Outcome) -> Result {
        switch ending {
        case .stopped: .stopped(reason: outcome.reason)
        // The end of the process says nothing about the receiver.
        case .failed where backend.isOver: .interrupted
        case .failed(let seconds):
            isCancelled() ? .calledOff : .failed(retryAfterSeconds: seconds, reason: outcome.reason)
        }
    }

    /// The copies come before the progress: after a crash between the two it is sent once more, and that
    /// is noted too.
    private func settle(
        _ settlement: BatchMachine.Settlement, _ outcome: Outcome, _ events: UnsafeBufferPointer<EventView>,
        _ ends: [Int],
        _ cursor: Cursor
    ) {
        if let result = settlement.audit { keepCopies(events, settlement.range, result, outcome.taker) }
        guard let last = settlement.range.last, last < ends.count, !isLost else { return }
        if settlement.delivered > 0 { cursor.taker = outcome.taker }
        cursor.commit(settlement, end: ends[last], reason: outcome.reason)
    }

    private func keepCopies(
        _ events: UnsafeBufferPointer<EventView>, _ range: Range<Int>, _ outcome: AuditOutcome, _ taker: String
    ) {
        audit?.append(UnsafeBufferPointer(rebasing: events[range]), outcome.text, backend, taker: taker)
    }

    /// A send is called off when consent for its events is withdrawn, too.
    private func sendControl(_ segment: Segment, willLeave: @escaping () -> Bool) -> SendControl {
        SendControl(
            deadline: deadline.earlier(Deadline(timeoutMilliseconds: sendTimeoutMilliseconds)), journal: journal,
            attempt: attempt,
            isOnce: guarantee == .atMostOnce, willLeave: willLeave,
            isCancelled: { [isCancelled, isCurrent] in isCancelled() || isCurrent(segment) == false })
    }
}
