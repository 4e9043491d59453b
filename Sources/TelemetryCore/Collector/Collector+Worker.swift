// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// The state that the worker thread shares with the threads that wait for it. Guarded by the collector's mutex.
struct WorkerState {
    var isRunning = false
    var isStopping = false
    /// Flushes requested and completed, by number.
    var requested: UInt64 = 0
    var completed: UInt64 = 0
    var ignoresBackoff = false
    /// What the last flush was for.
    var wantsEvents = false
    var wantsMetrics = false
    /// Of the worker, while it runs.
    var thread: pthread_t?
    /// close() stopped waiting: the worker cleans up.
    var isAbandoned = false
    /// Segments are being delivered, without the mutex.
    var isPassing = false
    var lastResult = PassMachine.Result.done
    /// Nanoseconds of the monotonic clock since when something may be waiting; 0: nothing is.
    var firstPending: Int64 = 0
}

extension Collector {
    /// With the mutex held.
    func startWorker() {
        mutex.assertHeld()
        guard !worker.isRunning, !worker.isStopping else { return }
        worker.firstPending = 0
        // The thread waits for the mutex before it looks.
        worker.isRunning = LibraryThread.start { self.work() }
    }

    /// With the mutex held. Something was recorded, or a segment is full.
    func wakeWorker() {
        mutex.assertHeld()
        guard worker.isRunning else { return }
        if worker.firstPending == 0 { worker.firstPending = Clock.monotonic() }
        condition.broadcast()
    }

    /// The worker thread.
    private func work() {
        mutex.lock()
        worker.thread = pthread_self()
        while true {
            tellLog()
            let request = worker.requested
            if !worker.isStopping && csystem_is_over(true) {
                if leave() { return }
            } else if request > worker.completed || isDue {
                runPass(request)
            } else if worker.isStopping {
                break
            } else if metricLook <= Clock.monotonic() {
                _ = passMetrics(.interval)
            } else if isHeartbeatDue {
                mutex.unlock()
                beat()
                mutex.lock()
            } else {
                waitForWork()
            }
        }
        mutex.unlock()
        closeOutlets()
        csystem_curl_thread_ends()
        mutex.lock()
        worker.isRunning = false
        condition.broadcast()
        let isAbandoned = worker.isAbandoned
        mutex.unlock()
        if isAbandoned { cleanUp() }
    }

    /// With the mutex held; releases it while the program's function runs.
    private func tellLog() {
        mutex.assertHeld()
        guard let log else { return }
        mutex.unlock()
        log.tell()
        mutex.lock()
    }

    /// With the mutex held. No thread of the program is left: the process ends with this thread, or by a signal, as it
    /// would have ended without the library. The waiting events stay in the spool, as for every program that ends
    /// without telemetry_close(). False: another thread of the library, which takes no signals, would be left.
    private func leave() -> Bool {
        mutex.assertHeld()
        csystem_open_signals()
        if csystem_is_looking_up() {
            _ = condition.wait(mutex, until: Deadline(nanoseconds: csystem_next_watch()))
            return false
        }
        worker.isRunning = false
        condition.broadcast()
        mutex.unlock()
        csystem_curl_thread_ends()
        return true
    }

    /// With the mutex held. After a quiet second, the segments that only a burst needed are given back.
    private func waitForWork() {
        mutex.assertHeld()
        guard let spool, spool.hasSurplus else {
            _ = condition.wait(mutex, until: nextWakeUp)
            return
        }
        let quiet = Deadline(timeoutMilliseconds: 1000)
        if !condition.wait(mutex, until: quiet.earlier(nextWakeUp)), quiet.isPast { spool.trimSpares() }
    }

    /// With the mutex held; releases it while delivering.
    private func runPass(_ request: UInt64) {
        mutex.assertHeld()
        guard Allocation.isAvailableForPass else { return postpone(request) }
        let isRequested = request > worker.completed
        let ignoresBackoff = worker.ignoresBackoff
        let wantsMetrics = isRequested && worker.wantsMetrics
        worker.firstPending = 0
        if isRequested { worker.lastResult = .done }
        if !isRequested || worker.wantsEvents, let spool, let dispatcher {
            lookBeforePass(spool)
            if isRequested || dispatcher.nextAttempt <= Clock.realtime() { sealActive(spool) }
            worker.isPassing = true
            mutex.unlock()
            let result = dispatcher.pass(until: .never, ignoringBackoff: ignoresBackoff, isCancelled: isCancelled)
            mutex.lock()
            worker.isPassing = false
            worker.lastResult = result
            afterPass(spool, result)
        }
        if wantsMetrics {
            let result = passMetrics(ignoresBackoff ? .always : .now)
            if worker.lastResult == .done { worker.lastResult = result }
        }
        worker.completed = max(worker.completed, request)
        condition.broadcast()
    }

    /// With the mutex held. There is not enough memory to deliver: tries again in a second.
    private func postpone(_ request: UInt64) {
        mutex.assertHeld()
        worker.lastResult = .exhausted
        worker.completed = max(worker.completed, request)
        condition.broadcast()
        if !worker.isStopping { _ = condition.wait(mutex, until: Deadline(timeoutMilliseconds: 1000)) }
    }

    /// With the mutex held. Only events that still exist are sent.
    func lookBeforePass(_ spool: Spool) {
        mutex.assertHeld()
        if let shared = spool.shared {
            _ = hasChanged(spool, shared, closely: true)
            return
        }
        // In memory there is no epoch for a refusal to raise, and the refusal may have come and gone.
        let answers = PreferenceStore.stamps(tool: options.toolName)
        if !spool.answers.isEmpty && spool.answers != answers { erase(spool) }
        spool.answers = answers
    }

    /// With the mutex held.
    func sealActive(_ spool: Spool) {
        mutex.assertHeld()
        // The next event takes the slow path, and wakes the worker.
        recorder.pointee.segment.store(0, ordering: .releasing)
        spool.sealActive()
    }

    /// With the mutex held.
    func afterPass(_ spool: Spool, _ result: PassMachine.Result) {
        mutex.assertHeld()
        spool.mergeCounts(Deadline(nanoseconds: 0))
        if endIfRefused(result) { return }
        if result != .done { spool.reopenLast() }
        if spool.pendingOwn > 0 { worker.firstPending = Clock.monotonic() }
    }

    /// With the mutex held. True: the pass found that consent is gone, and so it is. An answer that cannot be read means
    /// off; it may be readable again by now.
    func endIfRefused(_ result: PassMachine.Result) -> Bool {
        mutex.assertHeld()
        guard result == .refused, let consent = ConsentResolver.decideIfKnown(options) else { return false }
        closeGate()
        if consent.voidsWaiting { if let spool { erase(spool) } else { Spool.withdraw(options) } }
        return true
    }

    var isCancelled: () -> Bool {
        { [cancelled] in cancelled.pointee.load(ordering: .relaxed) || csystem_is_over(false) }
    }

    /// With the mutex held. A segment is full, or events have waited for the flush interval.
    private var isDue: Bool {
        mutex.assertHeld()
        return !worker.isStopping && schedule?.isDue == true
    }

    /// With the mutex held. Nothing can be sent in this process any more: waiting events are left to others.
    private var isOver: Bool {
        mutex.assertHeld()
        for outlet in currentOutlets() where outlet.backend.isOver { return true }
        return false
    }

    private var nextWakeUp: Deadline {
        Deadline(nanoseconds: min(schedule?.wakeUp ?? .max, heartbeatWakeUp, metricLook, csystem_next_watch()))
    }

    private var schedule: FlushSchedule? {
        // After a no that erases nothing, what waits is left to other runs.
        guard let spool, let dispatcher, !isOver, Gate.isOpen(handle) else { return nil }
        return FlushSchedule(
            now: (Clock.monotonic(), Clock.realtime()), firstPending: worker.firstPending,
            intervalNanoseconds: Int64(options.flushIntervalMilliseconds) &* 1_000_000,
            hasFresh: spool.hasSealed { !$0.isBacklog }, hasBacklog: spool.hasSealed { $0.isBacklog },
            nextAttempt: dispatcher.ledger.nextAttempts)
    }
}
