// SPDX-License-Identifier: Apache-2.0
import CSystem

/// C12: an event that says now and then that the tool is in use. All processes of the tool share one period, and the
/// event is recorded like every other.
extension Collector {
    /// At the start of a collector. In a program that delivers itself, the worker sends the later ones.
    @inline(never)
    package func startHeartbeat() {
        guard options.heartbeat != nil, isEnabled else { return }
        beat()
        guard options.delivery == TELEMETRY_IN_PROCESS, nextHeartbeat != .max else { return }
        mutex.withLock { startWorker() }
    }

    /// With the mutex held.
    var isHeartbeatDue: Bool {
        mutex.assertHeld()
        return nextHeartbeat != .max && options.heartbeat?.isReached(nextHeartbeat, now: Clock.realtime()) == true
    }

    /// With the mutex held; on the monotonic clock. The other clock may be set, so it is looked at once an hour.
    var heartbeatWakeUp: Int64 {
        mutex.assertHeld()
        guard nextHeartbeat != .max else { return .max }
        let longest: Int64 = 3600 * 1_000_000_000
        return Clock.monotonic() &+ max(0, min(nextHeartbeat &- Clock.realtime(), longest))
    }

    /// Without the mutex. Records a heartbeat if it is due, and notes when the next one is.
    @inline(never)
    func beat() {
        guard let rule = options.heartbeat else { return }
        let isOn = isEnabled
        let failures = mutex.withLock { dispatcher?.state.failures ?? 0 }
        var next = Int64.max
        if isOn && !rule.isStopped(failures: failures) {
            let last = HeartbeatFile.last(options)
            // The clock is read after the file: a time that another process writes meanwhile must not be in the future.
            next = rule.next(after: rule.isDue(last: last, now: Clock.realtime()) ? claim(rule) : last)
        }
        mutex.withLock { nextHeartbeat = next }
    }

    /// Returns when the last heartbeat was recorded: now, if no other process came first. If nothing can be written, no
    /// heartbeat is sent: the time would be unknown, and every run would send one.
    private func claim(_ rule: HeartbeatRule) -> Int64 {
        var last = Clock.realtime()
        var isMine = false
        mutex.lock()
        if let shared = (spool ?? attach()).shared {
            _ = shared.withLock(shared.waiting) { _ in
                last = HeartbeatFile.last(in: shared.directory)
                let now = Clock.realtime()
                guard rule.isDue(last: last, now: now) else { return }
                last = now
                isMine = HeartbeatFile.write(now, in: shared.directory)
            }
        } else if options.isInMemory {
            // Nothing is known of other runs: the first one comes when this one has lasted for a period.
            isMine = nextHeartbeat != .max
        }
        mutex.unlock()
        if isMine {
            let event = options.heartbeatEvent
            event.type.withCString { type in
                event.name.withCString { _ = Recording.track(handle, type, $0, nil, 0) }
            }
        }
        return last
    }
}
