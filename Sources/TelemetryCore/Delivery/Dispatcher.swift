// SPDX-License-Identifier: Apache-2.0
import CSystem

/// One pass over everything that waits: first the segments that processes left that are gone, then this collector's
/// own. Each segment goes to every destination that may be tried. A pass runs on the worker thread or, for a local
/// backend, on the thread that flushes or closes. Only one pass runs at a time.
final class Dispatcher {
    enum PassResult: Equatable {
        /// Everything that was waiting has been dealt with.
        case done
        /// It is not time for another attempt yet.
        case waiting
        /// An attempt failed; the remaining events are kept.
        case failed
        /// The user has withdrawn consent: waiting events must not leave.
        case refused
        /// The deadline passed, or the pass was cancelled.
        case interrupted
        /// There was not enough memory to begin.
        case exhausted
    }

    private let spool: Spool
    /// Guards `spool`; never held while sending.
    private let mutex: Mutex
    private let outlets: [Outlet]
    private let options: Options
    /// Where this process's events go. This determines which events of other processes it may send.
    private let destinations: DestinationSet
    /// A7: nothing of this process leaves the machine.
    private let isLocalOnly: Bool
    /// The backend for events that a process recorded for this machine's log only.
    private let makeLocalBackend: () -> any Backend
    /// Asked before every batch: the user may have changed the preference by hand.
    private let isConsented: () -> Bool
    private let heapPass = Mutex()
    private let heapStateMutex = Mutex()
    /// The number of the current pass; used only by the thread that delivers.
    private var passNumber: UInt64 = 0
    /// How many of this collector's own segments waited when the pass began. Events recorded later are for the next
    /// pass. Otherwise threads that record as fast as this one delivers would make the pass, and a thread that waits
    /// for it, last for ever.
    private var ownCount = 0
    /// The current segment has events left that other processes must send.
    private var isKept = false
    /// The lease of the current pass; nil: everything is in this process's memory.
    private var lease: Lease?

    init(
        spool: Spool, mutex: Mutex, outlets: [Outlet], options: Options, destinations: DestinationSet? = nil,
        isLocalOnly: Bool = false,
        makeLocalBackend: @escaping () -> any Backend = { NoopBackend() }, isConsented: @escaping () -> Bool
    ) {
        self.spool = spool
        self.mutex = mutex
        self.outlets = outlets
        self.options = options
        self.destinations = destinations ?? options.destinationSet
        self.isLocalOnly = isLocalOnly
        self.makeLocalBackend = makeLocalBackend
        self.isConsented = isConsented
    }

    // MARK: when to try

    /// The state of the destination that has failed most often.
    var state: DeliveryState {
        var worst: DeliveryState?
        for outlet in outlets {
            var next = state(of: outlet)
            if outlets.count > 1 && !next.lastError.utf8.isEmpty {
                next.lastError = outlet.name + ": " + next.lastError
            }
            if let worst, worst.failures > next.failures { continue }
            if let worst, worst.failures == next.failures && !worst.lastError.utf8.isEmpty { continue }
            worst = next
        }
        return worst ?? DeliveryState()
    }

    /// Nanoseconds since 1970 of the next attempt that the backoff allows; 0: at once.
    var nextAttempt: Int64 { nextAttempts.any }

    /// The earliest time when any destination may be tried, and when one that has failed may be tried.
    var nextAttempts: (any: Int64, failed: Int64) {
        if isLocalOnly { return (0, 0) }
        var result = (any: Int64.max, failed: Int64.max)
        let now = Clock.realtime()
        for outlet in outlets {
            let state = state(of: outlet)
            let next = state.plausibleAttempt(now)
            result.any = min(result.any, next)
            if outlets.count == 1 || state.failures > 0 { result.failed = min(result.failed, next) }
        }
        return result
    }

    private func state(of outlet: Outlet) -> DeliveryState {
        guard let shared = spool.shared else { return heapStateMutex.withLock { outlet.heapState } }
        if let slot = outlet.slot, let file = shared.destinations { return file.state(slot.index) }
        return shared.delivery.known(of: destinations)
    }

    /// What happens to events for the local log says nothing about the author's receiver.
    private func update(_ outlet: Outlet, _ change: (inout DeliveryState) -> Void) {
        if isLocalOnly { return }
        guard let shared = spool.shared else { return heapStateMutex.withLock { change(&outlet.heapState) } }
        Lease.guarded(lease) {
            guard let slot = outlet.slot, let file = shared.destinations else {
                return shared.updateDelivery { [destinations] in $0.update(for: destinations, change) }
            }
            file.updateState(slot.index, change)
            mirror(shared)
        }
    }

    /// Copies the state of the destination with the most failures to the state of the whole spool.
    private func mirror(_ shared: SpoolDirectory) {
        let worst = state
        let now = Clock.realtime()
        shared.updateDelivery { state in
            // Times from before the clock was set back are in the future, and are not believed.
            state.lastAttempt = min(now, max(state.lastAttempt, worst.lastAttempt))
            state.lastSuccess = min(now, max(state.lastSuccess, worst.lastSuccess))
            if worst.lastSuccess == state.lastSuccess { state.taker = worst.taker }
            state.nextAttempt = worst.nextAttempt
            state.failures = worst.failures
            state.lastError = worst.lastError
            state.owner = destinations.owner
        }
    }

    /// However the pass ended: records the results of receivers that answered everything they were sent.
    private func recordAnswers() {
        let now = Clock.realtime()
        for outlet in outlets where outlet.pass == .open && outlet.isAnswered {
            let (hasDelivered, rejection, taker) = (outlet.hasDelivered, outlet.rejection, outlet.taker)
            update(outlet) { $0.answered(hasDelivered, rejection, now, taker: taker) }
        }
    }

    private func recordFailure(_ outlet: Outlet, _ reason: String, afterSeconds: Int?, isFinal: Bool) {
        outlet.pass = .failed
        let now = Clock.realtime()
        let random = Random.word()
        update(outlet) { $0.failed(reason, afterSeconds: afterSeconds, isFinal: isFinal, now, random: random) }
    }

    // MARK: a pass

    func pass(until deadline: Deadline, ignoringBackoff: Bool, isCancelled: @escaping () -> Bool) -> PassResult {
        guard let shared = spool.shared else {
            // This lock replaces deliver.lock, between the worker and a thread that flushes.
            heapPass.lock()
            defer { heapPass.unlock() }
            guard begin(ignoringBackoff) else { return .waiting }
            defer { recordAnswers() }
            // The answer itself replaces the epoch.
            let answer = PreferenceStore.holdForSending(tool: options.toolName)
            defer { answer.map { ForkHandling.closeHeld($0) } }
            let isCalledOff = { [isConsented] in isCancelled() || !isConsented() }
            return deliverOwn(delivery(deadline, isCalledOff, journal: nil), left: false)
        }
        // One process of the tool delivers at a time.
        do throws(SystemError) {
            lease = try Lease.obtain(shared.directory, until: deadline, isCancelled: isCancelled)
        } catch {
            for outlet in outlets {
                recordFailure(outlet, Lease.lockName + ": " + error.text, afterSeconds: nil, isFinal: false)
            }
            return .failed
        }
        guard let held = lease else { return .interrupted }
        defer {
            lease = nil
            held.end()
        }
        guard shared.beginDelivering() else { return .interrupted }
        defer { shared.endDelivering() }
        guard begin(ignoringBackoff) else { return .waiting }
        defer { recordAnswers() }
        return deliverAll(shared, held, deadline) {
            held.beat()
            return isCancelled() || !held.isHeldStill
        }
    }

    /// False: no destination may be tried yet.
    private func begin(_ ignoringBackoff: Bool) -> Bool {
        mutex.withLock {
            passNumber = spool.beginPass()
            ownCount = spool.sealed.count
        }
        let now = Clock.realtime()
        var isAnyOpen = false
        for outlet in outlets {
            let known = state(of: outlet)
            let isDue = ignoringBackoff || isLocalOnly || known.isDue(now)
            outlet.pass = isDue ? .open : .waiting
            outlet.isDoubtful = known.failures > 0
            outlet.hasDelivered = false
            outlet.rejection = ""
            outlet.taker = ""
            if isDue { isAnyOpen = true }
        }
        return isAnyOpen
    }

    /// Nil: some destination goes on. Otherwise the result of the pass.
    private var stopped: PassResult? {
        var result = PassResult.waiting
        for outlet in outlets {
            if outlet.pass == .open { return nil }
            if outlet.pass == .failed { result = .failed }
        }
        return result
    }

    private func deliverAll(
        _ shared: SpoolDirectory, _ lease: Lease, _ deadline: Deadline, _ isCancelled: @escaping () -> Bool
    ) -> PassResult {
        mutex.lock()
        let others = shared.segmentsToDeliver(except: spool.owns)
        mutex.unlock()
        let journal = makeJournal(shared, others)
        defer { journal.end() }
        let audit = AuditLog(shared, lease: lease)
        defer { audit.close() }
        var delivery = delivery(deadline, isCancelled, journal: journal)
        delivery.audit = audit
        var left = false
        // Lineages with an older segment that could not be claimed. Its owner may have ended since, and what that
        // process recorded later must not overtake the older segment.
        var blocked: [UInt32] = []
        // One at a time: a segment is a copy in memory while it is being delivered.
        for segment in others {
            let lineage = segment.header?.lineage ?? 0
            if lineage != 0 && blocked.contains(lineage) { continue }
            // It was recorded for the author's backend, so it waits for a process that may send.
            if isLocalOnly, segment.header?.isLocalOnly == false { continue }
            if let header = segment.header, !header.isFor(destinations), !isOver(header, shared, delivery.oldest) {
                continue
            }
            if let orphan = claim(segment.name, segment.header, shared) {
                lease.deliver(orphan)
                if let ended = deliver(orphan, delivery, isOwn: false, &left) ?? stopped { return ended }
            } else {
                blocked.append(lineage)
            }
        }
        // This collector continued a segment whose predecessor another process holds at this moment.
        if spool.lineage != 0 && blocked.contains(spool.lineage) { return .interrupted }
        return deliverOwn(delivery, left: left)
    }

    /// For a segment recorded for others: some or all of it is of no more use to them.
    private func isOver(_ header: SegmentHeader, _ shared: SpoolDirectory, _ oldest: Int64) -> Bool {
        header.pending == 0 || header.created < oldest || header.epoch != shared.control.epoch
    }

    /// The append that a crash interrupted belongs to the destination with the `file` backend.
    private func makeJournal(_ shared: SpoolDirectory, _ others: [AgedSegment]) -> ControlJournal {
        var slot: DestinationSlot?
        for outlet in outlets where outlet.backend.kind == "file" { slot = outlet.slot }
        let isForeign = { [destinations] (generation: UInt64) in
            others.contains { other in
                other.header.map { $0.generation == generation && !$0.isFor(destinations) } ?? false
            }
        }
        return ControlJournal(shared, lease: lease, isForeign: isForeign) { generation, offset in
            for other in others where other.header?.generation == generation {
                let header = slot == nil ? other.header : SegmentHeader(other.name, in: shared.directory, of: slot)
                if header?.progress.offset == offset { return true }
            }
            return false
        }
    }

    /// Nil: another process holds it, or it has been used afresh since `header` was read. In that case its content may
    /// be newer than the segments behind it.
    private func claim(_ name: String, _ header: SegmentHeader?, _ shared: SpoolDirectory) -> Segment? {
        mutex.lock()
        defer { mutex.unlock() }
        guard let orphan = spool.claim(name, shared) else { return nil }
        if header?.generation != orphan.description.generation {
            orphan.release(removingFrom: nil)
            return nil
        }
        return orphan
    }

    private func delivery(_ deadline: Deadline, _ isCancelled: @escaping () -> Bool, journal: ControlJournal?)
        -> SegmentDelivery
    {
        SegmentDelivery(
            backend: outlets[0].backend, deadline: deadline, sendTimeoutMilliseconds: options.httpTimeoutMilliseconds,
            isCancelled: isCancelled, guarantee: .atLeastOnce,
            oldest: SpoolLimits.oldestAllowed(ageSeconds: spool.ageLimitSeconds),
            isCurrent: { [spool] in
                guard let shared = spool.shared else { return $0.description.epoch == spool.epoch }
                return shared.control.epochNow.map { [epoch = $0.description.epoch] in epoch == $0 || shared.isLost }
            },
            isConsented: isConsented, journal: journal, lease: lease)
    }

    /// `left`: something waits because a destination did not take it.
    private func deliverOwn(_ delivery: SegmentDelivery, left leftBefore: Bool) -> PassResult {
        var left = leftBefore
        for _ in 0..<ownCount {
            mutex.lock()
            let segment = spool.takeForDelivery(passNumber)
            mutex.unlock()
            guard let segment else { break }
            _ = segment.settle()
            if let ended = deliver(segment, delivery, isOwn: true, &left) ?? stopped { return ended }
        }
        var result = left ? PassResult.waiting : .done
        for outlet in outlets where outlet.pass == .failed { result = .failed }
        return result
    }

    // MARK: a segment

    /// Nil: go on with the next.
    private func deliver(_ segment: Segment, _ delivery: SegmentDelivery, isOwn: Bool, _ left: inout Bool)
        -> PassResult?
    {
        var ended: PassResult?
        isKept = false
        let isCounted = isCounted(segment)
        let isDone = isCounted ?? false || isCounted != nil && send(segment, delivery, isOwn: isOwn, &ended)
        mutex.lock()
        defer { mutex.unlock() }
        let isLost = segment.isLost
        if isDone && !isLost {
            if isOwn { spool.finish(segment) } else { return finishOrphan(segment) }
            return nil
        }
        if !isKept { left = true }
        if isOwn { spool.putBack(segment) } else { release(segment) }
        return isLost ? .interrupted : ended
    }

    /// Called with the mutex held. Counts and removes the segment, unless another process has taken it. If the control
    /// file cannot be locked, the segment stays, with nothing left in it, for the next pass to count.
    private func finishOrphan(_ segment: Segment) -> PassResult? {
        guard let lease, let shared = spool.shared else { return nil }
        var isCounted = false
        _ = shared.withLock(Deadline(timeoutMilliseconds: SpoolPatience.milliseconds)) { locked in
            guard lease.isHeld else { return }
            spool.discard(segment, .corrupt, locked)
            isCounted = true
        }
        if isCounted { lease.deliver(nil) } else { release(segment) }
        return lease.isHeld ? nil : .interrupted
    }

    /// The lease is told before the release: another process may take the segment at once.
    private func release(_ orphan: Segment) {
        lease?.deliver(nil)
        orphan.release(removingFrom: nil)
    }

    /// True: no destination needs it any more. `ended`: set if the pass is over.
    private func send(_ segment: Segment, _ delivery: SegmentDelivery, isOwn: Bool, _ ended: inout PassResult?) -> Bool
    {
        if !isLocalOnly && segment.description.isLocalOnly && destinations.origin != .none {
            return sendLocally(segment, delivery, &ended)
        }
        // The destinations of this collector's own segments are known. They are not read, because the file may be cut
        // short.
        let recorded = isOwn ? nil : segment.destinations
        guard let places = recorded.map({ destinations.places(of: $0) }) ?? .max else {
            return keep(segment, delivery, &ended)
        }
        var outlets: [Outlet] = []
        for (index, outlet) in self.outlets.enumerated() where places & 1 << UInt8(index) != 0 {
            outlets.append(outlet)
        }
        let isOnce = recorded?.isOnce == true || options.guarantee == TELEMETRY_AT_MOST_ONCE
        let cursors = Cursor.make(segment, outlets.map { $0.slot }, mutex)
        defer { for cursor in cursors { cursor.end() } }
        var isDone = true
        // Destinations whose last attempt failed come last: the others would wait until it is known that they fail
        // again.
        for place in 0..<2 * cursors.count where ended == nil {
            let (cursor, outlet) = (cursors[place % cursors.count], outlets[place % cursors.count])
            if outlet.isDoubtful != (place >= cursors.count) { continue }
            if outlet.pass != .open {
                if !cursor.isAtEnd { isDone = false }
                continue
            }
            let before = cursor.progress.delivered
            let result = adapted(delivery, to: outlet, isOnce: isOnce).run(cursor)
            if cursor.progress.delivered != before {
                outlet.hasDelivered = true
                outlet.taker = cursor.taker
            }
            if !cursor.rejection.utf8.isEmpty { outlet.rejection = cursor.rejection }
            if result == .void {
                segment.void()
                return true
            }
            if !note(result, outlet, &ended) { isDone = false }
        }
        return isDone
    }

    private func adapted(_ delivery: SegmentDelivery, to outlet: Outlet, isOnce: Bool) -> SegmentDelivery {
        var own = delivery
        own.backend = outlet.backend
        if outlet.backend.timeoutMilliseconds > 0 { own.sendTimeoutMilliseconds = outlet.backend.timeoutMilliseconds }
        own.guarantee = isOnce || outlet.backend.isUnacknowledged ? .atMostOnce : .atLeastOnce
        own.attempt = state(of: outlet).failures
        return own
    }

    /// True: the destination is done with the segment.
    private func note(_ result: SegmentDelivery.Result, _ outlet: Outlet, _ ended: inout PassResult?) -> Bool {
        switch result {
        case .consumed, .void: return true
        case .failed(let seconds, let reason): recordFailure(outlet, reason, afterSeconds: seconds, isFinal: false)
        case .stopped(let reason): recordFailure(outlet, reason, afterSeconds: nil, isFinal: true)
        case .kept: isKept = true
        case .refused: ended = .refused
        case .interrupted: ended = .interrupted
        // E8: a thousand short runs must not each try a dead endpoint, even if none has the time to see it fail.
        case .calledOff:
            recordFailure(outlet, "no answer in the time that the program had", afterSeconds: nil, isFinal: false)
            ended = .interrupted
        }
        return false
    }

    /// Other processes must send it: events that are too old for them are counted, or are void.
    private func keep(_ segment: Segment, _ delivery: SegmentDelivery, _ ended: inout PassResult?) -> Bool {
        for cursor in Cursor.make(segment, [nil], mutex) {
            switch delivery.run(cursor, isForeign: true) {
            case .kept: isKept = true
            case .consumed: return true
            case .void:
                segment.void()
                return true
            default: ended = .interrupted
            }
        }
        return false
    }

    /// Sends to the local log, for which the events were recorded.
    private func sendLocally(_ segment: Segment, _ delivery: SegmentDelivery, _ ended: inout PassResult?) -> Bool {
        let local = Outlet(name: "file", makeLocalBackend())
        defer { local.backend.close() }
        var own = delivery
        own.backend = local.backend
        let result = Cursor.make(segment, [nil], mutex).reduce(SegmentDelivery.Result.consumed) { own.run($1) }
        switch result {
        case .consumed: return true
        case .void:
            segment.void()
            return true
        case .kept: isKept = true
        case .refused: ended = .refused
        case .interrupted, .calledOff: ended = .interrupted
        // The log cannot be written: like a failing receiver, it is tried again later.
        case .failed(let seconds, let reason):
            for outlet in outlets { recordFailure(outlet, reason, afterSeconds: seconds, isFinal: false) }
        case .stopped: ended = .failed
        }
        return false
    }

    /// Whether the segment was counted by a process that died before it could remove the file. Nil: that cannot be
    /// known now.
    private func isCounted(_ segment: Segment) -> Bool? {
        guard let shared = spool.shared, !segment.isHeap else { return false }
        return shared.isRetired(segment)
    }
}
