import CSystem

/// One pass over everything that waits: what processes that are gone have left, then this collector's
/// own. Runs on the worker thread or, for a local backend, on the thread that flushes or closes; one
/// pass at a time.
final class Dispatcher {
    enum PassResult: Equatable {
        /// Everything that was waiting has been dealt with.
        case done
        /// It is not time for another attempt yet.
        case waiting
        /// An attempt failed; what is left is kept.
        case failed
        /// The user has withdrawn consent: what is waiting must not leave.
        case refused
        /// The deadline passed, or the pass was called off.
        case interrupted
    }

    private let spool: Spool
    /// Guards `spool`; never held while sending.
    private let mutex: Mutex
    private let backend: any Backend
    private let options: Options
    /// A7: nothing of this process leaves the machine.
    private let isLocalOnly: Bool
    /// Where events go that a process recorded for this machine's log only.
    private let makeLocalBackend: () -> any Backend
    /// Asked before every batch: the user may have changed the preference by hand.
    private let isConsented: () -> Bool
    private let heapPass = Mutex()
    /// Delivery state of a collector without a spool.
    private var heapState = DeliveryState()
    private let heapStateMutex = Mutex()

    static let lockName = "deliver.lock"

    init(spool: Spool, mutex: Mutex, backend: any Backend, options: Options, isLocalOnly: Bool = false,
         makeLocalBackend: @escaping () -> any Backend = { NoopBackend() }, isConsented: @escaping () -> Bool) {
        self.spool = spool
        self.mutex = mutex
        self.backend = backend
        self.options = options
        self.isLocalOnly = isLocalOnly
        self.makeLocalBackend = makeLocalBackend
        self.isConsented = isConsented
    }

    var state: DeliveryState {
        if let shared = spool.shared { return shared.delivery }
        return heapStateMutex.withLock { heapState }
    }

    /// Nanoseconds since 1970 of the next attempt that the backoff allows; 0: at once.
    var nextAttempt: Int64 { isLocalOnly ? 0 : state.nextAttempt }

    func pass(until deadline: Deadline, ignoringBackoff: Bool, isCancelled: @escaping () -> Bool) -> PassResult {
        guard let shared = spool.shared else {
            // In place of deliver.lock: the worker, and a thread that flushes.
            heapPass.lock()
            defer { heapPass.unlock() }
            if !ignoringBackoff, isBackingOff { return .waiting }
            return deliverOwn(delivery(deadline, isCancelled, journal: nil), hasSent: false)
        }
        guard let lock = try? ForkHandling.openHeld(at: shared.directory, Self.lockName, O_RDWR | O_CREAT) else {
            recordFailure(Self.lockName + " cannot be opened", retryAfterSeconds: nil, isFinal: false)
            return .failed
        }
        defer { ForkHandling.closeHeld(lock) }
        // One process of the tool delivers at a time.
        guard lock.lock(until: deadline, isCancelled: isCancelled) else { return .interrupted }
        if !ignoringBackoff, isBackingOff { return .waiting }
        return deliverAll(shared, deadline, isCancelled)
    }

    private var isBackingOff: Bool { nextAttempt > Clock.realtime() }

    private func deliverAll(_ shared: SpoolDirectory, _ deadline: Deadline, _ isCancelled: @escaping () -> Bool) -> PassResult {
        mutex.lock()
        let others = shared.segmentsToDeliver(except: spool.owns)
        mutex.unlock()
        let journal = ControlJournal(shared) { generation, offset in
            others.contains { $0.header?.generation == generation && $0.header?.progress.offset == offset }
        }
        defer { journal.clear() }
        let audit = AuditLog(shared)
        defer { audit.close() }
        var delivery = delivery(deadline, isCancelled, journal: journal)
        delivery.audit = audit
        var hasSent = false
        // Lineages of which something older waits that could not be had: its owner may have ended since,
        // and what it recorded later must not overtake it.
        var blocked: [UInt32] = []
        // One at a time: each is a copy in memory as long as it is being delivered.
        for segment in others {
            let lineage = segment.header?.lineage ?? 0
            if lineage != 0 && blocked.contains(lineage) { continue }
            // Recorded for the author's backend: that waits for a process that may send.
            if isLocalOnly, segment.header?.isLocalOnly == false { continue }
            if let orphan = claim(segment.name, segment.header, shared) {
                if let stopped = deliver(orphan, delivery, isOwn: false, &hasSent) { return stopped }
            } else {
                blocked.append(lineage)
            }
        }
        // A segment gone on with, whose predecessor another process holds at this moment.
        if spool.lineage != 0 && blocked.contains(spool.lineage) { return .interrupted }
        return deliverOwn(delivery, hasSent: hasSent)
    }

    /// Nil: it is held by another process, or has been used afresh since `header` was read, and what is
    /// in it now may be newer than what comes behind it.
    private func claim(_ name: String, _ header: SegmentHeader?, _ shared: SpoolDirectory) -> Segment? {
        mutex.lock()
        defer { mutex.unlock() }
        guard let orphan = spool.claim(name, shared) else { return nil }
        if let header, header.generation != orphan.description.generation {
            orphan.release(removingFrom: nil)
            return nil
        }
        return orphan
    }

    private func delivery(_ deadline: Deadline, _ isCancelled: @escaping () -> Bool, journal: ControlJournal?) -> SegmentDelivery {
        SegmentDelivery(
            backend: backend, deadline: deadline, sendTimeoutMilliseconds: options.httpTimeoutMilliseconds, isCancelled: isCancelled,
            guarantee: options.guarantee == TELEMETRY_AT_MOST_ONCE ? .atMostOnce : .atLeastOnce,
            oldest: oldestAllowed(), isCurrent: { [spool] in $0.description.epoch == (spool.shared?.control.epoch ?? spool.epoch) },
            isConsented: isConsented, journal: journal)
    }

    private func oldestAllowed() -> Int64 { SpoolLimits.oldestAllowed(ageSeconds: spool.ageLimitSeconds) }

    private func deliverOwn(_ delivery: SegmentDelivery, hasSent sentBefore: Bool) -> PassResult {
        var hasSent = sentBefore
        while true {
            mutex.lock()
            let segment = spool.takeForDelivery()
            mutex.unlock()
            guard let segment else { break }
            _ = segment.settle()
            if let stopped = deliver(segment, delivery, isOwn: true, &hasSent) { return stopped }
        }
        if hasSent { recordSuccess() }
        return .done
    }

    /// Nil when the segment is done with.
    private func deliver(_ segment: Segment, _ delivery: SegmentDelivery, isOwn: Bool, _ hasSent: inout Bool) -> PassResult? {
        let before = segment.progress.delivered
        let result = isCounted(segment) ? .consumed : send(segment, delivery)
        if segment.progress.delivered != before { hasSent = true }
        mutex.lock()
        defer { mutex.unlock() }
        if result == .consumed {
            if isOwn { spool.finish(segment) } else { spool.discard(segment, .corrupt, isLocked: false) }
            return nil
        }
        if isOwn { spool.putBack(segment) } else { segment.release(removingFrom: nil) }
        switch result {
        case .failed(let seconds, let reason):
            recordFailure(reason, retryAfterSeconds: seconds, isFinal: false)
            return .failed
        case .stopped(let reason):
            recordFailure(reason, retryAfterSeconds: nil, isFinal: true)
            return .failed
        case .refused:
            return .refused
        case .interrupted, .consumed:
            return .interrupted
        }
    }

    /// To the backend that the events were recorded for.
    private func send(_ segment: Segment, _ delivery: SegmentDelivery) -> SegmentDelivery.Result {
        if isLocalOnly || !segment.description.isLocalOnly { return delivery.run(segment) }
        var local = delivery
        local.backend = makeLocalBackend()
        defer { local.backend.close() }
        return local.run(segment)
    }

    /// Counted by a process that died before it could remove the file.
    private func isCounted(_ segment: Segment) -> Bool {
        guard let shared = spool.shared, !segment.isHeap else { return false }
        mutex.lock()
        defer { mutex.unlock() }
        var result = false
        _ = shared.withLock(Deadline(timeoutMilliseconds: SpoolPatience.milliseconds)) { result = shared.isRetired(segment) }
        return result
    }

    private func recordSuccess() {
        let now = Clock.realtime()
        update { state in
            state.lastAttempt = now
            state.lastSuccess = now
            state.nextAttempt = 0
            state.failures = 0
            state.lastError = ""
        }
    }

    private func recordFailure(_ reason: String, retryAfterSeconds: Int?, isFinal: Bool) {
        let now = Clock.realtime()
        let random = Random.word()
        update { state in
            state.lastAttempt = now
            state.failures = state.failures &+ 1
            let delay = Backoff.delay(failures: state.failures, retryAfterSeconds: retryAfterSeconds, random: random)
            state.nextAttempt = isFinal ? .max : now &+ delay
            state.lastError = reason
        }
    }

    /// What becomes of events for the local log says nothing about the author's receiver.
    private func update(_ change: (inout DeliveryState) -> Void) {
        if isLocalOnly { return }
        if let shared = spool.shared { return shared.updateDelivery(change) }
        heapStateMutex.withLock { change(&heapState) }
    }
}
