// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// One tool's collector in this process: combines consent, spool, dispatcher and backend. The only type that knows all
/// of them.
package final class Collector: ForkMember {
    package let options: Options
    package let decision: ConsentDecision
    /// The helper's texts have U+FFFD in place of bytes that are not UTF-8; a program's texts keep the bytes.
    let redactor: Redactor
    package let handle: UnsafeMutablePointer<telemetry_collector>
    let recorder: UnsafeMutablePointer<Recorder>
    /// Nil: the program wants no messages.
    let log: LogQueue?
    private let sampling: Sampling?

    // The mutex guards everything below. It is never held while sending.

    /// After close(): why recorded events are neither stored nor delivered; nil: they are.
    package var loss: SystemError?
    /// Nil until the first event.
    var spool: Spool?
    var dispatcher: Dispatcher?
    /// Empty until they are needed.
    var outlets: [Outlet] = []
    /// Nil until the first metric is asked for.
    var metrics: MetricStore?
    var listener = ListenerState()
    /// H14: what is kept for receivers of the user's own is the business of a collector beside this one, with a
    /// directory, a consent and destinations apart. Looked for when the first metric is asked for.
    var own: Collector?
    var isOwnKnown = false
    /// After close(): another process is to deliver what is left.
    var leavesWork = false
    /// Nil until the first span.
    var spanSinks: SpanSinks?
    /// Of a collector of spans: room for those that are open, and former ones.
    var spanBlocks: [SpanBlock] = []
    /// Nil: spans end in this process.
    var lastingSpans: LastingSpans?
    var formerSpanBlocks: [SpanBlock] = []
    /// Nil: this process hands no metrics on, or has not been asked to yet.
    var metricDelivery: MetricDelivery?
    var isMetricDeliveryMade = false
    /// Monotonic clock: when the worker looks at the metrics again; `Int64.max`: it need not.
    var metricLook = Int64.max
    /// A7: the outlets that the local log replaces.
    private var replaced: [Outlet] = []
    private var areOutletsClosed = false
    /// A7: the local log replaces the author's backend.
    private var isLocalOnly = false
    /// The epoch does not show an answer that was written by hand, or one given without a spool: the files are looked
    /// at again.
    private var watch: AnswerWatch
    var consentChecked = Clock.monotonic()
    /// The epoch was read after the last look at consent, so it may already include a withdrawal made in between.
    static let notChecked = Int64.min
    /// "within a second", with a margin for a program that asks only now and then.
    private static let consentNanoseconds: Int64 = 500_000_000
    /// A18: a program that opens and records at once needs no second look.
    static let freshNanoseconds: Int64 = 2_000_000
    /// When the identifier in the spool's context must be replaced, nanoseconds since 1970.
    private var identityExpires = Int64.max
    /// What the events carry; empty: nothing, or nothing was recorded yet.
    var machineID = ""
    /// By disable(), for this process.
    var isDisabled = false
    /// C12: when the next heartbeat is due, nanoseconds since 1970.
    var nextHeartbeat = Int64.max
    let opened = Clock.monotonic()
    /// When the spool was last looked at by a thread that holds the mutex, nanoseconds since 1970.
    var looked: Int64 = 0
    var worker = WorkerState()
    /// close() does not wait any longer: a running send must give up.
    let cancelled = UnsafeMutablePointer<Atomic<Bool>>.allocate(capacity: 1)

    /// A program younger than this is assumed to end soon: with a local backend it needs no worker thread, because
    /// telemetry_close() writes its few events at once.
    static let settlingNanoseconds: Int64 = 100_000_000

    /// Records into memory only, whatever the consent, to show what would be sent: makes no file, no identifier and no
    /// thread.
    package let isDryRun: Bool
    /// The identifier shown in a dry run; nil: none was made yet.
    package var dryIdentity: String?

    init(_ options: Options, isDryRun: Bool = false) {
        self.options = options
        redactor = Redactor(home: options.role.isHelper ? Environment.refusing("HOME") : Environment.homeInTexts)
        self.isDryRun = isDryRun
        // H14: what happens to the user's own receivers is not the program's to know.
        log = isDryRun || options.audience != .author ? nil : LogQueue.make(options)
        let inputs = ConsentInputs.gather(options: options)
        decision = ConsentResolver.resolve(inputs)
        watch = AnswerWatch(inputs.files)
        recorder = .allocate(capacity: 1)
        sampling = Sampling(options.sampling)
        recorder.initialize(
            to: Recorder(
                segmentBytes: options.segmentBytes, sampling: sampling,
                registry: options.events.map { UnsafePointer($0.table) },
                carried: decision.isEnabled || isDryRun ? Self.carriedSpan(options) : nil))
        cancelled.initialize(to: Atomic(false))
        handle = .allocate(capacity: 1)
        handle.initialize(to: telemetry_collector(recording: 0, recorder: recorder, implementation: nil, spans: 0))
    }

    deinit {
        handle.deallocate()
        recorder.pointee.counts.deallocate()
        recorder.pointee.carried?.deallocate()
        recorder.deinitialize(count: 1)
        recorder.deallocate()
        cancelled.deinitialize(count: 1)
        cancelled.deallocate()
    }

    override func becomeChild() { leaveToParent() }

    override func processEnds(_ begin: Deadline) { deliverAtExit(begin) }

    override func wake() {
        condition.broadcast()
        listener.server?.wake()
    }

    /// Never fails: without consent, everything is a no-op. Nothing is created before the first event.
    package static func open(_ options: Options) -> Collector {
        let collector = Collector(Options(options.settings))
        collector.handle.pointee.implementation = Unmanaged.passRetained(collector).toOpaque()
        if collector.decision.isEnabled {
            ForkHandling.register(collector)
            Gate.set(collector.handle, isOpen: true)
        } else if collector.decision.isRefusal {
            // Written by hand, it has erased nothing yet.
            Spool.withdraw(options)
        }
        if options.audience == .author && options.signal == .events {
            Gate.set(collector.handle, isOpenForOwn: true)
        }
        if options.metricsListener != nil { collector.startListener() }
        if options.atExitMilliseconds > 0 { collector.waitForExit() }
        return collector
    }

    package static func from(_ handle: UnsafeMutablePointer<telemetry_collector>) -> Collector {
        Unmanaged<Collector>.fromOpaque(handle.pointee.implementation).takeUnretainedValue()
    }

    /// A18: also notices that consent was withdrawn since the last event.
    package var isEnabled: Bool {
        guard Gate.isOpen(handle) else { return false }
        if recorder.pointee.segment.load(ordering: .relaxed) != 0 && recorder.pointee.isFresh(Clock.realtime()) {
            return true
        }
        return mutex.withLock {
            _ = currentSpool(attaching: false)
            return Gate.isOpen(handle)
        }
    }

    package var backendInfo: String {
        mutex.withLock {
            var text = destinationText
            if options.delivery != TELEMETRY_IN_PROCESS && !isLocal { text += DetachedDelivery.info(options, decision) }
            return options.withWords(text)
        }
    }

    /// With the mutex held.
    func currentOutlets() -> [Outlet] {
        mutex.assertHeld()
        if !outlets.isEmpty { return outlets }
        outlets = [Outlet](options)
        if let log = outlets.log(insteadFor: decision, options) {
            replaced = outlets
            outlets = log
            isLocalOnly = true
        }
        return outlets
    }

    /// The program's backend must be told that this collector has ended, even if it never sent.
    var hasCustomBackend: Bool {
        for destination in options.destinations { if case .custom = destination.choice { return true } }
        return false
    }

    /// Nothing is sent any more. Called without the mutex: the program's own code runs, and may ask for statistics.
    func closeOutlets() {
        let ending = mutex.withLock { () -> [Outlet] in
            defer { areOutletsClosed = true }
            return areOutletsClosed ? [] : (hasCustomBackend ? currentOutlets() : outlets) + replaced
        }
        for outlet in ending { outlet.backend.close() }
        let metrics = mutex.withLock { () -> MetricDelivery? in
            defer { metricDelivery = nil }
            return metricDelivery
        }
        metrics?.close()
    }

    /// With the mutex held. Delivery needs no network and ends at once.
    var isLocal: Bool { currentOutlets().isLocal }

    // MARK: the slow path of recording

    /// Called for the first event, a full segment, a change of consent, or a process that is still young.
    @inline(never)
    func recordSlowly(_ input: EventInput, _ plan: UnsafePointer<RecordPlan>, now: Int64) -> telemetry_status {
        recordSlowly(length: plan.pointee.length) { Recorder.record(input, plan, now: now, in: $0, capacity: $1) }
    }

    /// `write`: writes the record of that length into a segment, if it has room.
    @inline(never)
    func recordSlowly(length: Int, _ write: (UnsafeMutableRawPointer, Int) -> Bool) -> telemetry_status {
        let caller = csystem_enter()
        mutex.lock()
        defer {
            mutex.unlock()
            log?.tell()
            csystem_leave(caller)
        }
        guard Gate.isOpen(handle) else { return TELEMETRY_DISABLED }
        if spool == nil && !Allocation.isAvailable { return TELEMETRY_ERROR_MEMORY }
        guard let spool = currentSpool(attaching: true) else { return TELEMETRY_DISABLED }
        if let active = spool.active, write(active.base, active.size) {
            publish(spool)
            return TELEMETRY_OK
        }
        guard Allocation.hasReserve, let next = spool.advance(size: (length &+ 7) & ~7), write(next.base, next.size)
        else {
            spool.countDropped(.noSpace)
            publish(spool)
            logLoss(spool)
            return TELEMETRY_ERROR_DROPPED
        }
        publish(spool)
        return TELEMETRY_OK
    }

    /// With the mutex held. The spool in the present consent epoch; nil if consent is gone, or if there is no spool yet
    /// and none is to be made.
    func currentSpool(attaching: Bool) -> Spool? {
        mutex.assertHeld()
        if isDryRun { return spool ?? attachDry() }
        guard let spool else {
            if attaching {
                guard isStillConsented(for: Self.freshNanoseconds) else { return nil }
                let made = attach()
                return isStillConsented(for: Self.consentNanoseconds) ? made : nil
            }
            _ = isStillConsented(for: Self.consentNanoseconds)
            return nil
        }
        guard let shared = spool.shared else { return isStillConsented(for: Self.consentNanoseconds) ? spool : nil }
        guard isLookDue || consentChecked == Self.notChecked else {
            renewIdentityIfDue(spool)
            return spool
        }
        if hasChanged(spool, shared) || !isStillConsented(for: Self.consentNanoseconds) { return nil }
        renewIdentityIfDue(spool)
        return spool
    }

    private var isLookDue: Bool {
        let now = Clock.realtime()
        if !recorder.pointee.mustLook(after: UInt64(bitPattern: now &- looked)) { return false }
        looked = now
        return true
    }

    /// With the mutex held. Looks for changes that others may have made to the spool. True: consent is gone.
    @inline(never)
    func hasChanged(_ spool: Spool, _ shared: SpoolDirectory, closely: Bool = false) -> Bool {
        mutex.assertHeld()
        if shared.isLost { return !replaceLost(spool) }
        if shared.control.epoch == spool.epoch {
            if spool.active?.isInPlace != false, !closely || spool.isInPlace {
                lookAtOpenSpans()
                return false
            }
            recorder.pointee.segment.store(0, ordering: .releasing)
            spool.mendSegments()
            // A process that erases everything raises the epoch first. So the epoch is read once more, now that the
            // file is known to be gone.
            guard shared.control.isRemoved else { return false }
            // The worker handles this before its next pass.
            if worker.isPassing { return false }
            if shared.control.epoch == spool.epoch, isConsented() {
                beginAnew(spool)
                return false
            }
        }
        // Closed by the program since: the next look handles this.
        if shared.isLost { return false }
        recorder.pointee.segment.store(0, ordering: .releasing)
        try? shared.control.mend()
        voidOpenSpans()
        spool.discardOwn()
        // After `telemetry reset` the spool belongs to nobody: this collector ends.
        if isConsented(), !shared.control.isRemoved { return false }
        closeGate()
        return true
    }

    /// With the mutex held. Nothing is recorded any more, not even by those who know where.
    func closeGate() {
        mutex.assertHeld()
        Gate.set(handle, isOpen: false)
        metrics?.use(nil, nil)
        voidOpenSpans()
        log?.add(TELEMETRY_LOG_INFO, "telemetry for " + options.toolName + " is off from now on")
    }

    /// With the mutex held. The state directory was removed by somebody who has not withdrawn consent: recorded events
    /// go to a new directory, or stay in memory.
    private func beginAnew(_ spool: Spool) {
        mutex.assertHeld()
        let (shared, failure) = openSpool()
        spool.move(to: shared, failure, makeContext(shared))
    }

    /// With the mutex held. The program has closed our files (closefrom(3)), and their locks are gone with them, or it
    /// has become another user's. The events in the segments are left to the next pass, as after a crash; the worker
    /// does the rest after the current pass. False: consent is gone.
    @inline(never)
    func replaceLost(_ spool: Spool) -> Bool {
        mutex.assertHeld()
        recorder.pointee.segment.store(0, ordering: .releasing)
        spool.leaveLost()
        if worker.isPassing { return true }
        guard let consent = ConsentResolver.decideIfKnown(options) else { return true }
        if !consent.isEnabled {
            closeGate()
            return false
        }
        // The old files are closed first: new ones may get the numbers of those that are closed already.
        spool.closeShared()
        let (shared, failure) = openSpool()
        spool.reopen(shared, failure, makeContext(shared))
        return true
    }

    /// Opens the spool, and finds each destination's place in it. The caller then reads its epoch, and looks at consent
    /// after that.
    private func openSpool() -> (SpoolDirectory?, SystemError?) {
        consentChecked = Self.notChecked
        let (shared, failure) = SpoolDirectory.openOrSay(options)
        let outlets = currentOutlets()
        if !isLocalOnly { outlets.tellApart(shared, destinations) }
        return (shared, failure)
    }

    /// With the mutex held: the last look at consent counts for a while. Nobody waits for a withdrawal by hand, so the
    /// waiting events are void at once, and the process that holds them removes them.
    func isStillConsented(for nanoseconds: Int64 = consentNanoseconds) -> Bool {
        mutex.assertHeld()
        let now = Clock.monotonic()
        // Without memory nothing is delivered either, and the next look finds the same.
        if now < consentChecked &+ nanoseconds || !Allocation.isAvailableForPass { return true }
        consentChecked = now
        guard let changed = watch.changed(options), !changed.isEnabled else { return true }
        // If it is not known, the files are read again before anything is sent, and at the next look.
        guard let decision = ConsentResolver.decideIfKnown(options), !decision.isEnabled else {
            watch.lookAgain()
            return true
        }
        closeGate()
        guard decision.voidsWaiting else { return false }
        if let spool { erase(spool, Deadline(nanoseconds: 0)) } else if metrics != nil { Spool.withdraw(options) }
        return false
    }

    /// With the mutex held. D3: events recorded from now on carry the next identifier.
    private func renewIdentityIfDue(_ spool: Spool) {
        mutex.assertHeld()
        guard identityExpires != .max else { return }
        let now = Clock.realtime()
        // A wrong clock gave a moment further away than a period.
        let longest = Int64(options.rotationDays) &* IdentityPolicy.dayNanoseconds
        guard identityExpires <= now || identityExpires &- now > longest &+ IdentityPolicy.dayNanoseconds else {
            return
        }
        recorder.pointee.segment.store(0, ordering: .releasing)
        spool.change(makeContext(spool.shared))
        // If the old identifier could not be replaced, another attempt follows after a while.
        let soonest = now &+ Self.identityRetryNanoseconds
        identityExpires = min(max(identityExpires, soonest), now &+ max(longest, Self.identityRetryNanoseconds))
    }

    private static let identityRetryNanoseconds: Int64 = 60_000_000_000

    /// The user's answer at this moment.
    private func isConsented() -> Bool { ConsentResolver.decide(options).isEnabled }

    /// With the mutex held. Opens the spool, or uses memory in its place.
    @discardableResult
    @inline(never)
    func attach() -> Spool {
        mutex.assertHeld()
        let (shared, failure) = openSpool()
        let made = Spool(shared: shared, failure: failure, limits: SpoolLimits(options), context: makeContext(shared))
        looked = Clock.realtime()
        noteChoice(shared)
        if shared == nil { made.answers = PreferenceStore.stamps(tool: options.toolName) }
        if let failure { logStorage(failure) }
        spool = made
        dispatcher = Dispatcher(
            spool: made, mutex: mutex, outlets: outlets, options: options, destinations: destinations,
            isLocalOnly: isLocalOnly)
        dispatcher?.ledger.log = log
        return made
    }

    private lazy var destinations = options.destinationSet

    private var destinationText: String { currentOutlets().info }

    /// With the mutex held. Stores the destinations that a program has chosen itself, to show where the tool's events
    /// go.
    private func noteChoice(_ shared: SpoolDirectory?) {
        mutex.assertHeld()
        let set = destinations
        guard let shared, !isLocalOnly, set.origin == .code, shared.control.chosenLately(looked) != set.owner else {
            return
        }
        _ = shared.withLock(Deadline(nanoseconds: 0)) { _ in
            shared.control.write(chosen: destinationText, set.owner, looked)
        }
    }

    func makeContext(_ shared: SpoolDirectory?) -> ContextBlock {
        let identity = obtainIdentity(shared)
        identityExpires = identity.expires
        machineID = identity.id
        // Events without a chosen receiver are for this machine's log, whatever a manifest says later.
        let isLocalOnly = isLocalOnly || options.isDefault
        let text = isLocalOnly ? "" : destinationText
        var context = ContextBlock(options, redactor, machineID: identity.id, isLocalOnly ? nil : (destinations, text))
        context.isLocalOnly = isLocalOnly
        context.isUnique = identity.isEphemeral
        return context
    }

    /// Spans have the identifier of the tool's events, which is kept in the directory above theirs.
    private func obtainIdentity(_ shared: SpoolDirectory?) -> MachineIdentity {
        let policy = IdentityPolicy(options)
        guard options.signal == .spans, shared != nil, let path = SpoolDirectory.path(options.withoutSpans),
            let directory = try? Directory.openPrivate(path)
        else { return MachineIdentity.obtain(policy, tool: options.toolName, directory: shared?.directory) }
        defer { directory.close() }
        return MachineIdentity.obtain(policy, tool: options.toolName, directory: directory)
    }

    /// With the mutex held. Lets other threads record into the active segment without the mutex, and ensures that the
    /// events are delivered.
    func publish(_ spool: Spool) {
        mutex.assertHeld()
        if isDryRun { return }
        if worker.isRunning || !needsWorkerLater {
            recorder.pointee.looked.store(looked, ordering: .relaxed)
            recorder.pointee.segment.store(UInt(bitPattern: spool.active?.base), ordering: .releasing)
        }
        if needsWorkerNow(spool) { startWorker() }
        if !needsWorkerLater { spool.releaseSealed() }
        if !spool.sealed.isEmpty || worker.firstPending == 0 { wakeWorker() }
    }

    /// The worker must be started once the process is no longer young: only this process can deliver what is in memory.
    private var needsWorkerLater: Bool { options.delivery == TELEMETRY_IN_PROCESS || spool?.usesHeap != false }

    private func needsWorkerNow(_ spool: Spool) -> Bool {
        guard !worker.isRunning, needsWorkerLater else { return false }
        return !isLocal || !spool.sealed.isEmpty || Clock.monotonic() &- opened > Self.settlingNanoseconds
    }
}

extension ContextBlock {
    /// The context that all events of this collector share; requirement C2. `keepsID`: of a request for erasure, which
    /// says whose events are meant.
    init(
        _ options: Options, _ redactor: Redactor, machineID: String, keepsID: Bool = false,
        _ destinations: (set: DestinationSet, text: String)? = nil
    ) {
        self.init()
        let system = SystemDescription.current()
        for (field, value) in [
            (ResourceField.toolName, options.toolName), (.toolVersion, options.toolVersion), (.os, system.name),
            (.osVersion, system.version), (.arch, system.architecture),
            (.runtime, options.runtime.utf8.isEmpty ? "libtelemetry/" + TelemetryVersion.text : options.runtime),
            (.machineID, machineID),
        ] where !value.isEmpty {
            let isKept = field == .machineID && keepsID || field.field.map { options.excluded.contains($0) } != true
            if isKept { add(field, value) }
        }
        if let destinations { add(destinations.set, destinations.text) }
        for (key, value) in options.metadata { add(key: key, redactor.redactMetadata(key: key, value)) }
    }
}
