/// Sends what is left in one segment, batch by batch, and keeps its progress.
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
        /// Called off before it was over.
        case interrupted
    }

    var backend: any Backend
    /// When the whole pass must be over.
    let deadline: Deadline
    /// Longest time one request may take.
    let sendTimeoutMilliseconds: UInt32
    let isCancelled: () -> Bool
    let guarantee: GuaranteeKind
    /// Events from before this moment (nanoseconds since 1970) are too old.
    let oldest: Int64
    /// False: consent for this segment's events is gone.
    let isCurrent: (Segment) -> Bool
    let isConsented: () -> Bool
    let journal: ControlJournal?
    /// Nil: no copies are kept.
    var audit: AuditLog?

    enum GuaranteeKind { case atLeastOnce, atMostOnce }

    /// The caller has taken the segment, and no thread writes to it.
    func run(_ segment: Segment) -> Result {
        var reader = SegmentReader(segment)
        while true {
            let batch = EventBatch(&reader, limit: backend.batchLimit, oldest: oldest)
            if batch.isEmpty { break }
            guard isCurrent(segment) else { return void(segment) }
            guard isConsented() else { return .refused }
            if isCancelled() || deadline.isPast { return .interrupted }
            if let failure = send(batch, of: segment) { return isCurrent(segment) ? failure : void(segment) }
        }
        // What was reserved but is not there any more was torn or damaged.
        segment.progress.drop(.corrupt, segment.pendingCount)
        segment.progress.offset = reader.offset
        segment.saveProgress()
        return .consumed
    }

    /// A18: the events were withdrawn, maybe in the middle of a send.
    private func void(_ segment: Segment) -> Result {
        segment.progress.drop(.withdrawn, segment.pendingCount)
        segment.saveProgress()
        return .consumed
    }

    private func send(_ batch: EventBatch, of segment: Segment) -> Result? {
        if batch.expired > 0 {
            commit(batch.expired, .expired, batch.end, segment)
            return nil
        }
        let failure = batch.events.withUnsafeBufferPointer { send($0, batch.ends[...], of: segment) }
        if failure == nil {
            segment.progress.offset = batch.end
            segment.saveProgress()
        }
        return failure
    }

    /// A send is called off when consent for its events is withdrawn, too.
    private func sendControl(_ segment: Segment) -> SendControl {
        SendControl(deadline: deadline.earlier(Deadline(timeoutMilliseconds: sendTimeoutMilliseconds)),
                    journal: journal, isCancelled: { [isCancelled, isCurrent] in isCancelled() || !isCurrent(segment) })
    }

    /// Sends a part of a batch, halving it as long as the receiver finds it too large.
    private func send(_ events: UnsafeBufferPointer<EventView>, _ ends: ArraySlice<Int>, of segment: Segment) -> Result? {
        guard let end = ends.last else { return nil }
        let before = segment.progress
        journal?.prepare(segment)
        if guarantee == .atMostOnce { commit(events.count, .unconfirmed, end, segment) }
        let outcome = backend.send(events, sendControl(segment))
        // A clear answer says what became of the batch. Only without one is it unknown, and may it not be sent again.
        if !outcome.verdict.isUnclear || guarantee == .atLeastOnce { segment.progress = before }
        switch outcome.verdict {
        case .accepted:
            // Before the progress: after a crash between the two it is sent once more, and that is noted too.
            audit?.append(events, "accepted", backend)
            commit(events.count, nil, end, segment)
        case .split where events.count > 1:
            let middle = events.count / 2
            let first = UnsafeBufferPointer(rebasing: events[..<middle])
            let second = UnsafeBufferPointer(rebasing: events[middle...])
            return send(first, ends.prefix(middle), of: segment) ?? send(second, ends.dropFirst(middle), of: segment)
        case .rejected, .split:
            if outcome.verdict == .rejected { audit?.append(events, "rejected", backend) }
            commit(events.count, .rejected, end, segment)
        case .partial(let rejected):
            let lost = min(max(0, rejected), events.count)
            audit?.append(events, "accepted", backend)
            segment.progress.drop(.rejected, lost)
            commit(events.count - lost, nil, end, segment)
        case .invalid(let index):
            return resume(events, ends, after: index, of: segment)
        case .retry(let seconds):
            // The receiver may have them, and they are not sent again.
            if outcome.hasLeft && (guarantee == .atMostOnce || !isCurrent(segment)) { audit?.append(events, "unconfirmed", backend) }
            return isCancelled() ? .interrupted : .failed(retryAfterSeconds: seconds, reason: outcome.reason)
        case .stop:
            segment.saveProgress()
            return .stopped(reason: outcome.reason)
        }
        return nil
    }

    /// One event is refused for good: those before it were accepted, those behind are sent again.
    private func resume(_ events: UnsafeBufferPointer<EventView>, _ ends: ArraySlice<Int>, after index: Int, of segment: Segment) -> Result? {
        let bad = min(max(0, index), events.count - 1)
        let accepted = UnsafeBufferPointer(rebasing: events[..<bad])
        if bad > 0 {
            audit?.append(accepted, "accepted", backend)
            commit(bad, nil, ends[ends.startIndex + bad - 1], segment)
        }
        audit?.append(UnsafeBufferPointer(rebasing: events[bad...bad]), "rejected", backend)
        commit(1, .rejected, ends[ends.startIndex + bad], segment)
        return send(UnsafeBufferPointer(rebasing: events[(bad + 1)...]), ends.dropFirst(bad + 1), of: segment)
    }

    /// Marks events as consumed where a crash cannot lose it.
    private func commit(_ count: Int, _ reason: DropReason?, _ end: Int, _ segment: Segment) {
        if let reason { segment.progress.drop(reason, count) } else { segment.progress.delivered &+= UInt32(clamping: count) }
        segment.progress.offset = end
        segment.saveProgress()
    }
}
