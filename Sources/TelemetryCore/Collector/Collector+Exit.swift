// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// The program ends by exit(3), or by a return from main(), and has not closed its collector: what it recorded is
/// delivered, or another process is started for it. Nothing is taken from the collector: other threads may record still,
/// and other handlers of exit(3) may close it.
extension Collector {
    /// Those that record for other receivers are told by this one.
    func waitForExit() {
        if !options.role.isHelper && !options.role.isAgent && options.audience == .author && options.signal == .events {
            ForkHandling.tellAtExit(self)
        }
    }

    func deliverAtExit(_ begin: Deadline) {
        let end = Deadline(nanoseconds: begin.nanoseconds &+ Int64(options.atExitMilliseconds) &* 1_000_000)
        // A signal handler may have called exit(3) while its thread had the mutex.
        guard mutex.tryLock(until: end) else { return }
        mutex.unlock()
        var isForOwn = false
        if leave(until: end, &isForOwn) || isForOwn {
            DetachedDelivery.startUnlessRunning(options, decision, isForOwn: isForOwn)
        }
    }

    /// As close() does, without letting go. True: another process is to deliver. `isForOwn`: the same of what was
    /// recorded beside this.
    private func leave(until deadline: Deadline, _ isForOwn: inout Bool) -> Bool {
        let wasEnabled = isEnabled
        let (events, metrics) = (deliversAtClose, handsMetricsOn)
        if wasEnabled && (events || metrics) && !mutex.withLock({ isWorker || worker.isStopping }),
            flush(until: deadline, false, events: events, metrics: metrics) == TELEMETRY_ERROR_TIMEOUT
        {
            callOffSending()
        }
        if wasEnabled && events { _ = deliveringSpanSinks() }
        let spawns = wasEnabled && (!events && detachedIsDue || !metrics && detachedMetricsAreDue)
        if spawns && options.audience == .author && options.signal == .events { DetachedDelivery.announce(options) }
        mutex.lock()
        let others = [own, spanSinks?.author, spanSinks?.own]
        if let spool, !events {
            // The other process must not have to wait for the end of this one.
            sealActive(spool)
            spool.mergeCounts()
            spool.releaseSealed()
        }
        mutex.unlock()
        for other in others { if let other, other.leave(until: deadline, &isForOwn) { isForOwn = true } }
        return spawns
    }

    /// With the mutex held. This is the worker's thread, in a callback of the program.
    var isWorker: Bool {
        mutex.assertHeld()
        return worker.isRunning && worker.thread.map { pthread_equal($0, pthread_self()) != 0 } == true
    }

    /// The present send gives up. A handler of the program that closes the collector may send again.
    private func callOffSending() {
        mutex.lock()
        defer { mutex.unlock() }
        let end = callOff()
        while worker.completed < worker.requested && worker.isRunning && condition.wait(mutex, until: end) {}
        if worker.completed >= worker.requested { cancelled.pointee.store(false, ordering: .relaxed) }
    }
}
