// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// Flush, close, drop and statistics.
extension Collector {
    /// How long close() waits beyond its deadline for a worker that has been told to stop.
    private static let graceMilliseconds: UInt32 = 20

    /// Delivers the waiting events, and hands metrics on. `ignoringBackoff`: even if an earlier failure says to wait.
    package func flush(timeoutMilliseconds: UInt32, ignoringBackoff: Bool = false) -> telemetry_status {
        let deadline = Deadline(timeoutMilliseconds: timeoutMilliseconds)
        let status = isEnabled ? flush(until: deadline, ignoringBackoff) : TELEMETRY_DISABLED
        defer { log?.tell() }
        return flushSpans(deadline, ignoringBackoff, after: flushOwn(deadline, ignoringBackoff, after: status))
    }

    func flush(
        until deadline: Deadline, _ ignoringBackoff: Bool, events: Bool = true, metrics: Bool = true
    ) -> telemetry_status {
        mutex.lock()
        defer { mutex.unlock() }
        if events, let unusable = attachIfAnythingWaits() { return unusable }
        let hasMetrics = metrics && areMetricsThere
        guard (events && spool != nil && dispatcher != nil) || hasMetrics else { return TELEMETRY_OK }
        guard Allocation.isAvailableForPass else { return TELEMETRY_ERROR_MEMORY }
        if let spool, let dispatcher, !hasMetrics, !worker.isRunning, isLocal {
            return flushInline(spool, dispatcher, deadline, ignoringBackoff)
        }
        startWorker()
        guard worker.isRunning else { return TELEMETRY_ERROR_SYSTEM }
        // A callback of the program calls this: the worker cannot do it meanwhile.
        if isWorker { return TELEMETRY_ERROR_TIMEOUT }
        worker.requested &+= 1
        (worker.wantsEvents, worker.wantsMetrics) = (events, hasMetrics)
        worker.ignoresBackoff = ignoringBackoff
        let request = worker.requested
        condition.broadcast()
        while worker.completed < request && worker.isRunning {
            if !condition.wait(mutex, until: deadline) && worker.completed < request { return TELEMETRY_ERROR_TIMEOUT }
        }
        return status(worker.lastResult)
    }

    /// With the mutex held: delivers on this thread, which a local backend does not delay.
    private func flushInline(_ spool: Spool, _ dispatcher: Dispatcher, _ deadline: Deadline, _ ignoringBackoff: Bool)
        -> telemetry_status
    {
        mutex.assertHeld()
        lookBeforePass(spool)
        if ignoringBackoff || dispatcher.nextAttempt <= Clock.realtime() { sealActive(spool) }
        worker.isPassing = true
        mutex.unlock()
        let result = dispatcher.pass(until: deadline, ignoringBackoff: ignoringBackoff, isCancelled: isCancelled)
        mutex.lock()
        worker.isPassing = false
        afterPass(spool, result)
        return status(result)
    }

    /// With the mutex held.
    private func status(_ result: PassMachine.Result) -> telemetry_status {
        mutex.assertHeld()
        return result.status(isOn: Gate.isOpen(handle))
    }

    /// With the mutex held. A collector that has recorded nothing still delivers what others have left, but makes no
    /// spool for that. Nil: the spool is usable, or nothing waits.
    private func attachIfAnythingWaits() -> telemetry_status? {
        mutex.assertHeld()
        if spool != nil { return nil }
        do throws(SystemError) {
            guard let existing = try SpoolDirectory.openToLook(options) else { return nil }
            let isWaiting = existing.isAnythingWaiting
            existing.close()
            // Events of a spool that can only be read cannot be sent.
            if isWaiting, attach().shared == nil, SpoolInspector.statistics(options: options)?.pending != 0 {
                return TELEMETRY_ERROR_SYSTEM
            }
            return nil
        } catch {
            return TELEMETRY_ERROR_SYSTEM
        }
    }

    /// Delivers within the deadline and lets go of everything. The handle is invalid afterwards.
    package func close(timeoutMilliseconds: UInt32) -> telemetry_status {
        close(until: Deadline(timeoutMilliseconds: timeoutMilliseconds), isAtOnce: timeoutMilliseconds == 0)
    }

    func close(until deadline: Deadline, isAtOnce: Bool) -> telemetry_status {
        abandonOpenSpans()
        let wasEnabled = isEnabled
        var status = wasEnabled ? TELEMETRY_OK : TELEMETRY_DISABLED
        let (events, metrics) = (deliversAtClose, handsMetricsOn)
        if wasEnabled && !isAtOnce && (events || metrics) {
            status = flush(until: deadline, false, events: events, metrics: metrics)
        }
        if wasEnabled && !isAtOnce && events { _ = deliveringSpanSinks() }
        Gate.set(handle, isOpen: false)
        let spawns = wasEnabled && (!events && detachedIsDue || !metrics && detachedMetricsAreDue)
        ForkHandling.forget(self)
        stopListener(deadline.later(Deadline(timeoutMilliseconds: Self.graceMilliseconds)))
        if spawns && options.audience == .author && options.signal == .events { DetachedDelivery.announce(options) }
        // Locks may be waited for until the caller's deadline, but at least for a short grace period.
        if stopWorker(deadline) {
            cleanUp(deadline.later(Deadline(timeoutMilliseconds: Self.graceMilliseconds)))
        } else {
            noteLoss(whole: false)
        }
        leavesWork = spawns
        let areSpansLeft = closeSpans(deadline, isAtOnce: isAtOnce, after: &status)
        let isOwnLeft = closeOwn(deadline, isAtOnce: isAtOnce, after: &status)
        if options.audience == .author && options.signal == .events && (spawns || areSpansLeft || isOwnLeft) {
            DetachedDelivery.startUnlessRunning(options, decision, isForOwn: isOwnLeft || areSpansLeft)
        }
        log?.tell()
        log?.close()
        Unmanaged.passUnretained(self).release()
        return status
    }

    /// With a local backend there is nothing to wait for: even a detached collector delivers at once. A helper that has
    /// recorded a span or a metric leaves waiting events to the next one that records an event.
    var deliversAtClose: Bool {
        mutex.withLock {
            if options.role.isHelper && spool == nil { return false }
            return options.delivery == TELEMETRY_IN_PROCESS || spool?.usesHeap != false || isLocal
        }
    }

    var detachedIsDue: Bool {
        mutex.withLock { spool != nil && (dispatcher?.nextAttempt ?? 0) <= Clock.realtime() }
    }

    /// Metrics were recorded, and another process is to hand them on.
    var detachedMetricsAreDue: Bool {
        let mayBeDue = mutex.withLock { metrics?.map?.isShared == true && currentMetricDelivery() != nil }
        return mayBeDue && MetricDelivery.isDue(options)
    }

    /// False: the worker is still busy, and will clean up by itself.
    private func stopWorker(_ deadline: Deadline) -> Bool {
        mutex.lock()
        defer { mutex.unlock() }
        // A callback of the program may take its time: it runs on a thread that nobody waits for beyond the deadline.
        if decision.isEnabled && hasCustomBackend { startWorker() }
        worker.isStopping = true
        condition.broadcast()
        // A flush that did not finish in time leaves no more time to wait.
        var isCalledOff = worker.completed < worker.requested
        var end = isCalledOff ? callOff() : deadline.later(Deadline(timeoutMilliseconds: Self.graceMilliseconds))
        while worker.isRunning {
            if condition.wait(mutex, until: end) { continue }
            if isCalledOff { break }
            isCalledOff = true
            end = callOff()
        }
        worker.isAbandoned = worker.isRunning
        return !worker.isRunning
    }

    /// Tells the worker to give up its send; returns until when to wait for it.
    func callOff() -> Deadline {
        cancelled.pointee.store(true, ordering: .relaxed)
        return Deadline(timeoutMilliseconds: Self.graceMilliseconds)
    }

    /// No other thread uses the collector any more.
    func cleanUp(_ deadline: Deadline = Deadline(timeoutMilliseconds: 200)) {
        mutex.lock()
        attachToCount()
        closeSpanBlocks()
        if let spool {
            lookBeforePass(spool)
            recorder.pointee.segment.store(0, ordering: .releasing)
            moveCounts(to: spool)
            spool.close(deadline)
        }
        noteLoss(whole: true)
        spool = nil
        dispatcher = nil
        mutex.unlock()
        closeOutlets()
    }

    /// Under the mutex, or after the last call. Events that were in memory only and could not be delivered are
    /// gone; events that an abandoned worker still holds there are lost with the process. Only the helper asks.
    private func noteLoss(whole isClosed: Bool) {
        guard options.role.isHelper else { return }
        if let metrics, metrics.map?.isShared == false, metricDelivery == nil, !options.isInMemory {
            loss = metrics.failure ?? SystemError(code: ENOSPC)
        }
        guard let spool, isClosed ? spool.lost > 0 : spool.usesHeap else { return }
        // In memory by choice: it was not delivered in time.
        loss = spool.failure ?? SystemError(code: spool.lastErrno != 0 ? spool.lastErrno : ETIMEDOUT)
    }

    /// With the mutex held. A run whose events were all refused has no spool: its counts go to the existing one. One is
    /// made for them only of spans, of a tool that has one of events: with a manifest whose names are wrong there would
    /// never be any, and nobody would see why.
    @inline(never)
    private func attachToCount() {
        mutex.assertHeld()
        guard spool == nil, decision.isEnabled, recorder.pointee.counts[.refused] != 0,
            let existing = SpoolDirectory.openExisting(options)
                ?? (options.signal == .spans ? SpoolDirectory.openExisting(options.withoutSpans) : nil)
        else { return }
        existing.close()
        attach()
    }

    /// With the mutex held. Adds the counts of recording threads to the others.
    func moveCounts(to spool: Spool) {
        mutex.assertHeld()
        spool.unmerged.counts += recorder.pointee.counts.take()
    }

    /// Erases buffer and spool without sending; requirement E10.
    package func drop() -> telemetry_status {
        guard isEnabled else { return TELEMETRY_DISABLED }
        let spans = dropSpans()
        mutex.lock()
        defer { mutex.unlock() }
        if let unusable = attachIfAnythingWaits() { return unusable }
        guard let spool else { return spans }
        let deadline = Deadline(timeoutMilliseconds: 200)
        var isDone = erase(spool)
        // Other threads may record meanwhile, or close.
        while !isDone && !deadline.isPast {
            mutex.unlock()
            Clock.sleep(nanoseconds: 1_000_000)
            mutex.lock()
            guard let spool = self.spool, let shared = spool.shared else { break }
            isDone = shared.withLock(Deadline(nanoseconds: 0)) { spool.discardOrphans($0) }
        }
        return isDone ? spans : TELEMETRY_ERROR_TIMEOUT
    }

    /// With the mutex held. Voids all waiting events, and removes those that no living process holds.
    @discardableResult
    func erase(_ spool: Spool, _ deadline: Deadline? = nil) -> Bool {
        mutex.assertHeld()
        if spool.shared?.isLost == true { _ = replaceLost(spool) }
        recorder.pointee.segment.store(0, ordering: .releasing)
        voidOpenSpans()
        return spool.withdraw(deadline)
    }

    /// `size` is left 0: the caller knows how much it can take. `status`: set if the counters are incomplete.
    package func statistics(status: UnsafeMutablePointer<telemetry_status>? = nil) -> telemetry_statistics {
        mutex.lock()
        defer { mutex.unlock() }
        var result = telemetry_statistics()
        guard let spool else {
            if decision.isEnabled {
                let (seen, problem) = SpoolInspector.examine(options: options)
                if let seen { result = seen }
                if let problem {
                    result.storage_errno = problem.code
                    status?.pointee = TELEMETRY_ERROR_SYSTEM
                }
            }
            result.storage = Int32(TELEMETRY_STORAGE_NONE.rawValue)
            result.add(recorder.pointee.counts.all)
            return result
        }
        moveCounts(to: spool)
        if spool.shared?.isLost == true { _ = replaceLost(spool) }
        let error = fill(&result, spool)
        if error != 0 {
            result.storage_errno = error
            status?.pointee = TELEMETRY_ERROR_SYSTEM
        }
        return result
    }

    /// Returns errno if the spool could not be read.
    private func fill(_ result: inout telemetry_statistics, _ spool: Spool) -> Int32 {
        var failure: Int32 = 0
        if let shared = spool.shared {
            spool.mergeCounts()
            var totals = Tally()
            // Recording needs the mutex: without the lock, a segment that is being counted at this moment may count
            // twice.
            let look = { totals = shared.totals(failure: &failure, own: spool.ownMapped) }
            if !shared.withLock(shared.waiting, { _ in look() }) { look() }
            totals += spool.ownTally()
            result.set(totals)
            result.spool_bytes = UInt64(clamping: shared.usage().bytes)
        } else {
            var totals = spool.ownTally()
            totals += spool.left
            result.set(totals)
        }
        result.storage = Int32((spool.usesHeap ? TELEMETRY_STORAGE_HEAP : TELEMETRY_STORAGE_SPOOL).rawValue)
        result.storage_errno = spool.failure?.code ?? spool.lastErrno
        if let state = dispatcher?.state {
            result.next_attempt_ns = UInt64(clamping: state.plausibleAttempt(Clock.realtime()))
            result.consecutive_failures = state.failures
        }
        return failure != 0 ? failure : spool.unknown
    }
}

extension telemetry_status {
    /// With the result of another spool of the same program: the first failure counts.
    func followed(by next: telemetry_status) -> telemetry_status {
        self == TELEMETRY_DISABLED || self == TELEMETRY_OK && next != TELEMETRY_DISABLED ? next : self
    }
}

extension telemetry_statistics {
    mutating func set(_ tally: Tally) {
        recorded = tally.recorded
        delivered = tally.delivered
        pending = tally.pending
        dropped = tally.droppedTotal
        dropped_spool_full = tally.dropped[DropReason.spoolFull.rawValue]
        dropped_no_space = tally.dropped[DropReason.noSpace.rawValue]
        dropped_expired = tally.dropped[DropReason.expired.rawValue]
        dropped_corrupt = tally.dropped[DropReason.corrupt.rawValue]
        dropped_rejected = tally.dropped[DropReason.rejected.rawValue]
        dropped_withdrawn = tally.dropped[DropReason.withdrawn.rawValue]
        dropped_unconfirmed = tally.dropped[DropReason.unconfirmed.rawValue]
        add(tally.counts)
    }
}
