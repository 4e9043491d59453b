// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// Delivers what waits for one tool, for a process that records nothing: `telemetry flush` and `telemetry deliver`. It has
/// no collector, so it makes no spool, no identifier and no segment.
package final class ToolDelivery {
    private let options: Options
    package let decision: ConsentDecision
    private let mutex = Mutex()
    private let condition = Condition()
    /// Guarded by the mutex; nil: the pass is not over.
    private var status: telemetry_status?
    /// Why metrics that changed were not handed on; empty: they were, or there are none.
    package private(set) var metricProblem = ""
    /// Nobody waits for the pass any more: a running send must give up.
    private let isCalledOff = UnsafeMutablePointer<Atomic<Bool>>.allocate(capacity: 1)

    /// Asked now and then while something is sent; true: the caller wants it to give up.
    private let isUnwanted: () -> Bool

    /// How long `run` waits beyond its deadline for a send that has been told to stop.
    private static let graceMilliseconds: UInt32 = 20

    package init(_ options: Options, isUnwanted: @escaping () -> Bool = { false }) {
        self.options = options
        self.isUnwanted = isUnwanted
        decision = ConsentResolver.decide(options)
        isCalledOff.initialize(to: Atomic(false))
    }

    deinit {
        isCalledOff.deinitialize(count: 1)
        isCalledOff.deallocate()
    }

    /// One pass over the events, and one over the metrics. `ignoringBackoff`: even if an earlier failure says to wait.
    /// `sparing`: metrics only go to receivers whose interval has passed. Returns at the deadline, even if something in
    /// the system hangs.
    package func run(timeoutMilliseconds: UInt32, ignoringBackoff: Bool, sparing: Bool = false) -> telemetry_status {
        guard decision.isEnabled else {
            // Written by hand, a refusal has erased nothing yet.
            if decision.isRefusal { Spool.withdraw(options) }
            return TELEMETRY_DISABLED
        }
        let deadline = Deadline(timeoutMilliseconds: timeoutMilliseconds)
        let metrics = decision.isLocalOnly ? nil : MetricDelivery(options)
        let urgency: MetricDelivery.Urgency = ignoringBackoff ? .always : sparing ? .interval : .now
        do throws(SystemError) {
            guard try isAnythingWaiting() else {
                guard let metrics, let shared = SpoolDirectory.openExisting(options) else { return TELEMETRY_OK }
                return wait(until: deadline) {
                    defer { shared.close() }
                    return self.pass(metrics, shared, urgency)
                }
            }
        } catch {
            return TELEMETRY_ERROR_SYSTEM
        }
        let found = options.isInMemory ? SpoolDirectory.openExisting(options) : SpoolDirectory.openOrSay(options).0
        guard let shared = found else { return TELEMETRY_ERROR_SYSTEM }
        let spool = Spool(ofOthers: shared, SpoolLimits(options))
        guard Allocation.isAvailableForPass else {
            spool.close()
            return TELEMETRY_ERROR_MEMORY
        }
        var outlets = [Outlet](options)
        let log = outlets.log(insteadFor: decision, options)
        if let log { outlets = log } else { outlets.tellApart(shared, options.destinationSet) }
        let dispatcher = Dispatcher(
            spool: spool, mutex: mutex, outlets: outlets, options: options, isLocalOnly: log != nil)
        // A local backend ends at once; the others may wait for a name server, or for a disk.
        if outlets.isLocal && metrics == nil { return pass(dispatcher, deadline, ignoringBackoff) }
        return wait(until: deadline) {
            let status = self.pass(dispatcher, .never, ignoringBackoff, closing: metrics == nil)
            guard let metrics else { return status }
            defer { spool.close() }
            let next = status == TELEMETRY_DISABLED ? status : self.pass(metrics, shared, urgency)
            if status == TELEMETRY_OK { return next }
            // The events come first.
            self.mutex.withLock { self.metricProblem = "" }
            return status
        }
    }

    private func pass(_ metrics: MetricDelivery, _ shared: SpoolDirectory, _ urgency: MetricDelivery.Urgency)
        -> telemetry_status
    {
        guard Allocation.isAvailableForPass else { return TELEMETRY_ERROR_MEMORY }
        let result = metrics.pass(in: shared, urgency, until: .never, isCancelled: isCancelled)
        metrics.close()
        mutex.withLock { metricProblem = metrics.problem }
        return result.status(isOn: isOn(after: result) { Spool.withdraw(options) })
    }

    /// An answer that cannot be read means off. It may be readable again by now.
    private func isOn(after result: PassMachine.Result, _ withdraw: () -> Void) -> Bool {
        guard result == .refused, let consent = ConsentResolver.decideIfKnown(options) else { return true }
        if consent.voidsWaiting { withdraw() }
        return false
    }

    private var isCancelled: () -> Bool {
        { [isCalledOff, isUnwanted] in
            isCalledOff.pointee.load(ordering: .relaxed) || csystem_is_over(false) || isUnwanted()
        }
    }

    /// Events of a spool that can only be read wait as well: they cannot be sent.
    private func isAnythingWaiting() throws(SystemError) -> Bool {
        guard let existing = try SpoolDirectory.openToLook(options) else { return false }
        defer { existing.close() }
        return existing.isAnythingWaiting
    }

    private func pass(
        _ dispatcher: Dispatcher, _ deadline: Deadline, _ ignoringBackoff: Bool, closing: Bool = true
    ) -> telemetry_status {
        let result = dispatcher.pass(until: deadline, ignoringBackoff: ignoringBackoff, isCancelled: isCancelled)
        let isOn = isOn(after: result) { dispatcher.spool.withdraw() }
        if closing { dispatcher.spool.close() }
        for outlet in dispatcher.outlets { outlet.backend.close() }
        return result.status(isOn: isOn)
    }

    // MARK: the thread

    /// Runs `body` on a thread, which is left alone if it does not end in time.
    private func wait(until deadline: Deadline, for body: @escaping () -> telemetry_status) -> telemetry_status {
        let isStarted = LibraryThread.start {
            let status = body()
            csystem_curl_thread_ends()
            self.mutex.withLock { self.status = status }
            self.condition.broadcast()
        }
        guard isStarted else { return TELEMETRY_ERROR_SYSTEM }
        mutex.lock()
        defer { mutex.unlock() }
        if let status = waitForStatus(until: deadline) { return status }
        isCalledOff.pointee.store(true, ordering: .relaxed)
        return waitForStatus(until: Deadline(timeoutMilliseconds: Self.graceMilliseconds)) ?? TELEMETRY_ERROR_TIMEOUT
    }

    /// With the mutex held.
    private func waitForStatus(until deadline: Deadline) -> telemetry_status? {
        mutex.assertHeld()
        while status == nil && condition.wait(mutex, until: deadline) {}
        return status
    }
}

extension PassMachine.Result {
    /// `isOn`: telemetry is still on, because consent could not be read.
    func status(isOn: Bool) -> telemetry_status {
        switch self {
        case .done: TELEMETRY_OK
        case .refused: isOn ? TELEMETRY_ERROR_SYSTEM : TELEMETRY_DISABLED
        case .waiting, .failed: TELEMETRY_ERROR_DELIVERY
        case .interrupted: TELEMETRY_ERROR_TIMEOUT
        case .exhausted: TELEMETRY_ERROR_MEMORY
        case .obstructed: TELEMETRY_ERROR_SYSTEM
        }
    }
}
