// SPDX-License-Identifier: Apache-2.0
import CSystem

/// H14: metrics and spans for receivers of the user's own.
extension Collector {
    /// The collector beside this one; nil: nobody has asked for it. It is looked for once, so a file `own.yaml` that is
    /// made later counts for the next run.
    func ownCollector() -> Collector? {
        guard let own = ownCollectorOfAny(), own.options.keepsOwnMetrics else { return nil }
        return own
    }

    /// The same, also if only spans were asked for.
    func ownCollectorOfAny() -> Collector? {
        guard Gate.isOpenForOwn(handle) else { return nil }
        let (known, own) = mutex.withLock { (isOwnKnown, self.own) }
        if known { return own }
        guard !isDryRun, Allocation.isAvailable else { return nil }
        // Without the mutex: opening registers the collector for forks, under a lock that is taken before this one.
        let made = OwnChoice.options(options).map { Collector.open($0) }
        let isKept = mutex.withLock { () -> Bool in
            if isOwnKnown || isDisabled { return false }
            isOwnKnown = true
            self.own = made
            if made == nil { Gate.set(handle, isOpenForOwn: false) }
            return true
        }
        if isKept { return made }
        _ = made?.close(timeoutMilliseconds: 0)
        return mutex.withLock { self.own }
    }

    /// Hands on what is kept there. `status`: the result for the author.
    func flushOwn(_ deadline: Deadline, _ ignoringBackoff: Bool, after status: telemetry_status) -> telemetry_status {
        guard let own = mutex.withLock({ own }), own.isEnabled else { return status }
        return status.followed(by: own.flush(until: deadline, ignoringBackoff))
    }

    /// After the last call on the collector. True: another process is to deliver what is left there.
    func closeOwn(_ deadline: Deadline, isAtOnce: Bool, after status: inout telemetry_status) -> Bool {
        guard let own else { return false }
        self.own = nil
        status = status.followed(by: own.close(until: deadline, isAtOnce: isAtOnce))
        if loss == nil { loss = own.loss }
        return own.leavesWork
    }
}
