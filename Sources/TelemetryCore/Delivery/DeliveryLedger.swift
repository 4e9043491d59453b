// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What is known of each destination: its failures, its last success, and when it may be tried again. All processes of the
/// tool share it through the spool; without one it is in this process's memory.
final class DeliveryLedger {
    private let spool: Spool
    private let outlets: [Outlet]
    private let destinations: DestinationSet
    /// A7: what happens to events for the local log says nothing about the author's receiver.
    private let isLocalOnly: Bool
    private let heapMutex = Mutex()
    /// Nil: the program wants no messages.
    var log: LogQueue?
    /// The lease of the current pass; nil: everything is in this process's memory.
    var lease: Lease?

    init(_ spool: Spool, _ outlets: [Outlet], _ destinations: DestinationSet, isLocalOnly: Bool) {
        self.spool = spool
        self.outlets = outlets
        self.destinations = destinations
        self.isLocalOnly = isLocalOnly
    }

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

    /// The destinations at the beginning of a pass.
    func begin(ignoringBackoff: Bool) -> [PassMachine.Destination] {
        let now = Clock.realtime()
        var result: [PassMachine.Destination] = []
        for outlet in outlets {
            let known = state(of: outlet)
            let isDue = ignoringBackoff || isLocalOnly || known.isDue(now)
            result.append(PassMachine.Destination(state: isDue ? .open : .waiting, isDoubtful: known.failures > 0))
        }
        return result
    }

    /// Failures of the destination in a row.
    func failures(of outlet: Outlet) -> UInt32 { state(of: outlet).failures }

    func record(_ failure: PassMachine.Failure, _ outlet: Outlet) {
        log?.add(
            failure.isFinal ? TELEMETRY_LOG_ERROR : TELEMETRY_LOG_WARNING,
            "delivery to " + outlet.name + " failed: " + failure.reason)
        let now = Clock.realtime()
        let random = Random.word()
        update(outlet) {
            $0.failed(failure.reason, afterSeconds: failure.afterSeconds, isFinal: failure.isFinal, now, random: random)
        }
    }

    func recordForAll(_ failure: PassMachine.Failure) { for outlet in outlets { record(failure, outlet) } }

    /// However the pass ended: records the results of receivers that answered everything they were sent.
    func recordAnswers(_ results: [PassMachine.Destination]) {
        let now = Clock.realtime()
        for (outlet, result) in zip(outlets, results) where result.isAnswered {
            if !result.rejection.utf8.isEmpty {
                log?.add(TELEMETRY_LOG_WARNING, outlet.name + " refused events for good: " + result.rejection)
            } else {
                log?.add(TELEMETRY_LOG_DEBUG, "delivered to " + outlet.name)
            }
            update(outlet) { $0.answered(result.hasDelivered, result.rejection, now, taker: result.taker) }
        }
    }

    private func state(of outlet: Outlet) -> DeliveryState {
        guard let shared = spool.shared else { return heapMutex.withLock { outlet.heapState } }
        if let slot = outlet.slot, let file = shared.destinations { return file.state(slot.index) }
        return shared.delivery.known(of: destinations)
    }

    private func update(_ outlet: Outlet, _ change: (inout DeliveryState) -> Void) {
        if isLocalOnly { return }
        guard let shared = spool.shared else { return heapMutex.withLock { change(&outlet.heapState) } }
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
}
