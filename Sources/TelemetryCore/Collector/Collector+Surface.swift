// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// What a program asks of its collector besides recording.
extension Collector {
    /// The receivers, and who has decided that nothing goes there.
    package var reportedBackendInfo: String {
        guard let reason = offReason else { return backendInfo }
        return "telemetry is off (" + reason + "); otherwise: " + backendInfo
    }

    /// Nil: telemetry is on.
    private var offReason: String? {
        if isEnabled { return nil }
        if mutex.withLock({ isDisabled }) { return "telemetry_disable(): the program has ended it for this run" }
        // Withdrawn since, or given again: the collector stays off.
        let present = decision.isEnabled ? ConsentResolver.decide(options) : decision
        if present.isEnabled { return "it was switched off while the program ran" }
        return present.source.name + ": " + present.reason
    }

    /// The identifier of the events; makes it, as the first event does. Empty: they carry none, or none are recorded.
    package var presentMachineID: String {
        guard isEnabled else { return "" }
        return mutex.withLock { currentSpool(attaching: true) == nil ? "" : machineID }
    }

    /// Nothing is recorded or sent any more, in this process alone. What waits is kept.
    package func disable() {
        Gate.set(handle, isOpenForOwn: false)
        mutex.lock()
        isDisabled = true
        closeGate()
        nextHeartbeat = .max
        metricLook = .max
        cancelled.pointee.store(true, ordering: .relaxed)
        let others = [own, spanSinks?.author, spanSinks?.own]
        condition.broadcast()
        mutex.unlock()
        for other in others { other?.disable() }
        stopListener(Deadline(timeoutMilliseconds: 20))
    }
}

extension Options {
    /// The author's own words do not replace the receiver's name: what is said of it must be true.
    func withWords(_ receivers: String) -> String {
        backendWords.utf8.isEmpty ? receivers : backendWords + " (" + receivers + ")"
    }
}
