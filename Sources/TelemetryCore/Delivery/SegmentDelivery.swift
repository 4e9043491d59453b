// SPDX-License-Identifier: Apache-2.0

/// Sends the remaining events of one segment to one destination, batch by batch, and updates its progress.
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
        /// The remaining events are not for this process to send.
        case kept
        /// The delivery was cancelled before it was finished.
        case interrupted
        /// The same, while it waited for the receiver.
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
    let consent: SendingConsent
    let journal: ControlJournal?
    /// Nil: the events belong to this process alone.
    var lease: Lease?
    /// Earlier failures in a row.
    var attempt: UInt32 = 0
    /// Nil: no copies are kept.
    var audit: AuditLog?
    /// What the author does not want recorded is not sent either.
    var excluded = FieldSet()

    /// The caller has taken the segment, and no thread writes to it. `isForeign`: other processes must send its events.
    /// Events that are too old or void are finished with, and nothing leaves.
    func run(_ cursor: Cursor, isForeign: Bool = false) -> Result {
        let segment = cursor.segment
        if segment.isLost { return .interrupted }
        if !segment.isIntact { return .consumed }
        var reader = SegmentReader(segment, from: cursor.progress.offset, without: excluded)
        while true {
            if segment.isLost { return .interrupted }
            if !segment.isIntact { return .consumed }
            let batch = EventBatch(&reader, limit: backend.batchLimit, oldest: oldest)
            if batch.isEmpty { break }
            guard let isCurrent = isCurrent(segment) else { return .interrupted }
            if !isCurrent { return .void }
            if isForeign && batch.expired == 0 { return .kept }
            guard consent.isGiven else { return .refused }
            if isCancelled() || deadline.isPast || backend.isOver { return .interrupted }
            if let failure = send(batch, cursor) { return self.isCurrent(segment) == false ? .void : failure }
        }
        if reader.isAtUnknown { return .kept }
        // Events whose consent was withdrawn may have been overwritten.
        if cursor.pendingCount > 0, isCurrent(segment) == false { return .void }
        // Records that were reserved but are missing now were torn or damaged.
        cursor.drop(.corrupt, cursor.pendingCount, end: reader.offset)
        return .consumed
    }

    /// Another process delivers it from now on.
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

    private func send(_ events: UnsafeBufferPointer<RecordView>, _ ends: [Int], _ cursor: Cursor) -> Result? {
        var machine = BatchMachine(count: events.count, guarantee)
        while let part = machine.next, let last = part.last, last < ends.count {
            let before = cursor.progress
            journal?.prepare(cursor)
            let control = sendControl(cursor.segment) { [guarantee, backend] in
                if !backend.isLocal { journal?.noteAttempt() }
                // If this is not stored, no process would know of the send, and it would be repeated.
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
            // Somebody has cut the file short meanwhile: the events cannot be read any more.
            if !cursor.segment.isIntact { return .consumed }
            // The outcome is known now, or known to be unknown: undo the pessimistic progress written before the send.
            cursor.progress = before
            let sent = machine.part(of: outcome) ?? part
            let reaction = machine.received(outcome)
            for settlement in reaction.settled where !isLost { settle(settlement, outcome, events, ends, cursor) }
            if isLost { return .interrupted }
            guard let ending = reaction.ending else { continue }
            let isRefused = consent.isRefused
            if reaction.settled.isEmpty {
                // A8, A18: the receiver may nevertheless have taken the events, and they may not be sent again.
                if outcome.hasLeft && (isRefused || isCurrent(cursor.segment) == false) {
                    keepCopies(events, sent, .unconfirmed, outcome.taker)
                }
                if guarantee == .atMostOnce { cursor.save() }
            }
            return isRefused ? .refused : result(ending, outcome)
        }
        return nil
    }

    private func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        let kept = { (problem: SystemError?) in
            Outcome(
                verdict: .retry(afterSeconds: nil),
                reason: problem.map { "the file that guards the log: " + $0.text }
                    ?? "the log is being written by another process", hasLeft: false)
        }
        let send = { [backend] in
            backend.tellsLeaving || control.leave() ? backend.send(events, control) : kept(nil)
        }
        guard let lease, backend.kind == "file" else { return send() }
        return lease.writingLogs(send) ?? kept(lease.logsProblem)
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

    /// The copies are written before the progress: after a crash between the two, the events are sent once more, and
    /// the log notes that too.
    private func settle(
        _ settlement: BatchMachine.Settlement, _ outcome: Outcome, _ events: UnsafeBufferPointer<RecordView>,
        _ ends: [Int],
        _ cursor: Cursor
    ) {
        if let result = settlement.audit { keepCopies(events, settlement.range, result, outcome.taker) }
        guard let last = settlement.range.last, last < ends.count, !isLost else { return }
        if settlement.delivered > 0 { cursor.taker = outcome.taker }
        cursor.commit(settlement, end: ends[last], reason: outcome.reason)
    }

    private func keepCopies(
        _ events: UnsafeBufferPointer<RecordView>, _ range: Range<Int>, _ outcome: AuditOutcome, _ taker: String
    ) {
        audit?.append(UnsafeBufferPointer(rebasing: events[range]), outcome.text, backend, taker: taker)
    }

    /// A send is also cancelled when consent for its events is withdrawn, or there is a no that does not withdraw it.
    private func sendControl(_ segment: Segment, willLeave: @escaping () -> Bool) -> SendControl {
        SendControl(
            deadline: deadline.earlier(Deadline(timeoutMilliseconds: sendTimeoutMilliseconds)), journal: journal,
            attempt: attempt,
            isOnce: guarantee == .atMostOnce, willLeave: willLeave,
            isCancelled: { [isCancelled, isCurrent, consent] in
                isCancelled() || consent.isGone || isCurrent(segment) == false
            })
    }
}
