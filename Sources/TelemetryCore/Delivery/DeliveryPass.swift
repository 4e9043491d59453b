// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Performs one pass: does what `PassMachine` asks for, and tells it what came of it.
final class DeliveryPass {
    private let dispatcher: Dispatcher
    private let spool: Spool
    private let mutex: Mutex
    private let ledger: DeliveryLedger
    private let destinations: DestinationSet
    /// Nil: everything is in this process's memory.
    private let shared: SpoolDirectory?
    private let lease: Lease?
    private let deadline: Deadline
    private let isCancelled: () -> Bool
    /// Tells the pass from earlier ones.
    private var number: UInt64 = 0
    private var others: [AgedSegment] = []
    /// The segment at hand.
    private var held: (segment: Segment, isOwn: Bool)?
    /// How far each destination has come in it; nil: it is not for that one.
    private var cursors: [Cursor?] = []
    private var isOnce = false

    init(
        _ dispatcher: Dispatcher, _ shared: SpoolDirectory?, _ lease: Lease?, _ deadline: Deadline,
        _ isCancelled: @escaping () -> Bool
    ) {
        self.dispatcher = dispatcher
        self.shared = shared
        self.lease = lease
        self.deadline = deadline
        self.isCancelled = isCancelled
        spool = dispatcher.spool
        mutex = dispatcher.mutex
        ledger = dispatcher.ledger
        destinations = dispatcher.destinations
    }

    func run(ignoringBackoff: Bool) -> PassMachine.Result {
        var own = 0
        mutex.withLock {
            number = spool.beginPass()
            own = spool.sealed.count
        }
        let states = ledger.begin(ignoringBackoff: ignoringBackoff)
        guard states.contains(where: { $0.state == .open }) else { return .waiting }
        guard let shared, let lease else {
            // The answer itself replaces the epoch.
            let answer = PreferenceStore.holdForSending(tool: dispatcher.options.toolName)
            defer { answer.map { ForkHandling.closeHeld($0) } }
            return perform(PassMachine(states, lineages: [], own: own, ownLineage: 0), terms(nil))
        }
        if dispatcher.options.signal == .spans { AbandonedSpans.collect(shared) }
        mutex.withLock { others = shared.segmentsToDeliver(except: spool.owns) }
        let machine = PassMachine(
            states, lineages: others.map { $0.header?.lineage ?? 0 }, own: own, ownLineage: spool.lineage)
        let journal = makeJournal(shared, lease)
        let audit = AuditLog(shared, lease: lease)
        var terms = terms(journal)
        terms.audit = audit
        return perform(machine, terms) {
            audit.close()
            journal.end()
        }
    }

    private func perform(_ machine: PassMachine, _ terms: SegmentDelivery, _ end: () -> Void = {}) -> PassMachine.Result
    {
        var machine = machine
        defer {
            end()
            ledger.recordAnswers(machine.destinations)
        }
        while true {
            switch machine.next() {
            case .claim(let index): machine.claimed(claim(others[index], terms.oldest))
            case .takeOwn: machine.took(takeOwn())
            case .send(let index): send(index, terms, &machine)
            case .expire: write(terms, isForeign: true, &machine)
            case .log: writeLog(terms, &machine)
            case .finish: machine.settled(isLost: finish())
            case .putBack: machine.settled(isLost: putBack())
            case .end(let result): return result
            }
        }
    }

    /// What holds for every segment of the pass.
    private func terms(_ journal: ControlJournal?) -> SegmentDelivery {
        SegmentDelivery(
            backend: dispatcher.outlets[0].backend, deadline: deadline,
            sendTimeoutMilliseconds: dispatcher.options.httpTimeoutMilliseconds, isCancelled: isCancelled,
            guarantee: .atLeastOnce, oldest: SpoolLimits.oldestAllowed(ageSeconds: spool.ageLimitSeconds),
            isCurrent: { [spool] in
                guard let shared = spool.shared else { return $0.description.epoch == spool.epoch }
                return shared.control.epochNow.map { [epoch = $0.description.epoch] in epoch == $0 || shared.isLost }
            },
            consent: dispatcher.consent, journal: journal, lease: lease, excluded: dispatcher.options.excluded)
    }

    /// The append that a crash interrupted belongs to the destination with the `file` backend.
    private func makeJournal(_ shared: SpoolDirectory, _ lease: Lease) -> ControlJournal {
        var slot: DestinationSlot?
        for outlet in dispatcher.outlets where outlet.backend.kind == "file" { slot = outlet.slot }
        let isForeign = { [destinations, others] (generation: UInt64) in
            others.contains { other in
                other.header.map { $0.generation == generation && !$0.isFor(destinations) } ?? false
            }
        }
        return ControlJournal(shared, lease: lease, isForeign: isForeign) { [others] generation, offset in
            for other in others where other.header?.generation == generation {
                let header = slot == nil ? other.header : SegmentHeader(other.name, in: shared.directory, of: slot)
                if header?.progress.offset == offset { return true }
            }
            return false
        }
    }

    // MARK: taking a segment

    private func claim(_ segment: AgedSegment, _ oldest: Int64) -> PassMachine.Claim {
        guard let shared else { return .skipped }
        if let header = segment.header {
            // It was recorded for the author's backend, so it waits for a process that may send.
            if dispatcher.isLocalOnly && !header.isLocalOnly { return .skipped }
            let isOver = header.pending == 0 || header.created < oldest || header.epoch != shared.control.epoch
            if !header.isFor(destinations) && !isOver { return .skipped }
        }
        guard let orphan = mutex.withLock({ claim(segment, shared) }) else {
            return canBeOpened(segment, shared) ? .held : .obstructed
        }
        lease?.deliver(orphan)
        return .taken(hold(orphan, isOwn: false))
    }

    /// With the mutex held. Nil: another process holds it, or it has been used afresh since its header was read. In that
    /// case its content may be newer than the segments behind it.
    private func claim(_ segment: AgedSegment, _ shared: SpoolDirectory) -> Segment? {
        mutex.assertHeld()
        guard let orphan = spool.claim(segment.name, shared) else { return nil }
        if segment.header?.generation != orphan.description.generation || !isAllThere(orphan, shared) {
            orphan.release(removingFrom: nil)
            return nil
        }
        return orphan
    }

    /// Of a record that its process was killed over, another file has the span.
    private func isAllThere(_ orphan: Segment, _ shared: SpoolDirectory) -> Bool {
        dispatcher.options.signal != .spans || orphan.state.writers == 0
            || AbandonedSpans.collect(endingIn: orphan, shared)
    }

    /// What is gone can be.
    private func canBeOpened(_ segment: AgedSegment, _ shared: SpoolDirectory) -> Bool {
        do throws(SystemError) {
            try Descriptor.open(at: shared.directory, segment.name, O_RDONLY | O_NONBLOCK).close()
            return true
        } catch {
            return error.isMissing
        }
    }

    private func takeOwn() -> PassMachine.Content? {
        guard let segment = mutex.withLock({ spool.takeForDelivery(number) }) else { return nil }
        _ = segment.settle()
        return hold(segment, isOwn: true)
    }

    private func hold(_ segment: Segment, isOwn: Bool) -> PassMachine.Content {
        held = (segment, isOwn)
        cursors = []
        if let shared, !segment.isHeap {
            guard let isRetired = shared.isRetired(segment) else { return .unknown }
            if isRetired { return .counted }
        }
        if !dispatcher.isLocalOnly && segment.description.isLocalOnly && destinations.origin != .none { return .local }
        // The destinations of this process's own segments are known. They are not read, because the file may be cut
        // short.
        let recorded = isOwn ? nil : segment.destinations
        guard let places = recorded.map({ destinations.places(of: $0) }) ?? .max else { return .foreign }
        isOnce = recorded?.isOnce == true || dispatcher.options.guarantee == TELEMETRY_AT_MOST_ONCE
        return .events(for: places, atEnd: prepare(segment, places))
    }

    /// Makes the cursors; returns the destinations that need nothing of the segment any more.
    private func prepare(_ segment: Segment, _ places: UInt8) -> UInt8 {
        var indices: [Int] = []
        for index in dispatcher.outlets.indices where places >> UInt8(index) & 1 != 0 { indices.append(index) }
        let made = Cursor.make(segment, indices.map { dispatcher.outlets[$0].slot }, mutex)
        var atEnd: UInt8 = 0
        cursors = [Cursor?](repeating: nil, count: dispatcher.outlets.count)
        for (index, cursor) in zip(indices, made) {
            cursors[index] = cursor
            if cursor.isAtEnd { atEnd |= 1 << UInt8(index) }
        }
        return atEnd
    }

    // MARK: sending

    private func send(_ index: Int, _ terms: SegmentDelivery, _ machine: inout PassMachine) {
        let outlet = dispatcher.outlets[index]
        guard let cursor = cursors[index] else {
            _ = machine.sent(.interrupted)
            return
        }
        let before = cursor.progress.delivered
        var own = terms
        own.backend = outlet.backend
        if outlet.backend.timeoutMilliseconds > 0 { own.sendTimeoutMilliseconds = outlet.backend.timeoutMilliseconds }
        own.guarantee = isOnce || outlet.backend.isUnacknowledged ? .atMostOnce : .atLeastOnce
        own.attempt = ledger.failures(of: outlet)
        let result = own.run(cursor)
        if result == .void { cursor.segment.void() }
        let failure = machine.sent(
            result, delivered: cursor.progress.delivered != before, taker: cursor.taker, rejection: cursor.rejection)
        if let failure { ledger.record(failure, outlet) }
    }

    /// To the local log, for which the events were recorded.
    private func writeLog(_ terms: SegmentDelivery, _ machine: inout PassMachine) {
        let log = dispatcher.makeLog()
        defer { log.close() }
        var own = terms
        own.backend = log
        write(own, isForeign: false, &machine)
    }

    private func write(_ terms: SegmentDelivery, isForeign: Bool, _ machine: inout PassMachine) {
        guard let segment = held?.segment else { return }
        var result = SegmentDelivery.Result.interrupted
        for cursor in Cursor.make(segment, [nil], mutex) { result = terms.run(cursor, isForeign: isForeign) }
        if result == .void { segment.void() }
        if let failure = machine.sent(result) { ledger.recordForAll(failure) }
    }

    // MARK: letting go

    /// True: the right to deliver is another process's now.
    private func finish() -> Bool {
        guard let (segment, isOwn) = held else { return false }
        endCursors()
        return mutex.withLock {
            if segment.isLost { return release(segment, isOwn: isOwn) }
            if !isOwn { return finishOrphan(segment) }
            spool.finish(segment)
            return false
        }
    }

    private func putBack() -> Bool {
        guard let (segment, isOwn) = held else { return false }
        endCursors()
        return mutex.withLock { release(segment, isOwn: isOwn) }
    }

    /// With the mutex held. Counts and removes the segment, unless another process has taken it. If the control file
    /// cannot be locked, the segment stays, with nothing left in it, for the next pass to count.
    private func finishOrphan(_ segment: Segment) -> Bool {
        mutex.assertHeld()
        guard let lease, let shared else { return false }
        var isCounted = false
        _ = shared.withLock(shared.waiting) { locked in
            guard lease.isHeld else { return }
            spool.discard(segment, .corrupt, locked)
            isCounted = true
        }
        if isCounted { lease.deliver(nil) } else { release(segment) }
        return !lease.isHeld
    }

    /// With the mutex held.
    private func release(_ segment: Segment, isOwn: Bool) -> Bool {
        mutex.assertHeld()
        let isLost = segment.isLost
        if isOwn { spool.putBack(segment) } else { release(segment) }
        return isLost
    }

    /// The lease is told before the release: another process may take the segment at once.
    private func release(_ orphan: Segment) {
        lease?.deliver(nil)
        orphan.release(removingFrom: nil)
    }

    private func endCursors() {
        for cursor in cursors { cursor?.end() }
        cursors = []
        held = nil
    }
}
