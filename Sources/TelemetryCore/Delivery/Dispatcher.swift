// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Delivers what waits in a spool: the segments that processes left that are gone, then those of this process. It knows
/// nothing of a collector: the worker of one uses it, and so does a process that only delivers (ToolDelivery.swift). A
/// pass runs on the thread of its caller; only one runs at a time.
final class Dispatcher {
    let spool: Spool
    /// Guards `spool`; never held while sending.
    let mutex: Mutex
    let outlets: [Outlet]
    let options: Options
    /// Where this process's events go. This determines which events of other processes it may send.
    let destinations: DestinationSet
    /// A7: nothing of this process leaves the machine.
    let isLocalOnly: Bool
    /// The user may change the answer by hand.
    var consent: SendingConsent
    /// The backend for events that a process recorded for this machine's log only.
    let makeLog: () -> any Backend
    let ledger: DeliveryLedger
    private let heapPass = Mutex()

    init(
        spool: Spool, mutex: Mutex, outlets: [Outlet], options: Options, destinations: DestinationSet? = nil,
        isLocalOnly: Bool = false, makeLog: (() -> any Backend)? = nil
    ) {
        self.spool = spool
        self.mutex = mutex
        self.outlets = outlets
        self.options = options
        self.destinations = destinations ?? options.destinationSet
        self.isLocalOnly = isLocalOnly
        consent = SendingConsent(options, isLocal: isLocalOnly || outlets.isLocal)
        self.makeLog = makeLog ?? { Outlet.makeBackend(.defaultFile, options) }
        ledger = DeliveryLedger(spool, outlets, self.destinations, isLocalOnly: isLocalOnly)
    }

    /// The state of the destination that has failed most often.
    var state: DeliveryState { ledger.state }

    /// Nanoseconds since 1970 of the next attempt that the backoff allows; 0: at once.
    var nextAttempt: Int64 { ledger.nextAttempts.any }

    func pass(until deadline: Deadline, ignoringBackoff: Bool, isCancelled: @escaping () -> Bool) -> PassMachine.Result
    {
        guard let shared = spool.shared else { return passInMemory(deadline, ignoringBackoff, isCancelled) }
        // One process of the tool delivers at a time.
        let obtained: Lease?
        do throws(SystemError) {
            obtained = try Lease.obtain(shared.directory, until: deadline, isCancelled: isCancelled)
        } catch {
            ledger.recordForAll(PassMachine.Failure(reason: Lease.lockName + ": " + error.text))
            return .failed
        }
        guard let lease = obtained else { return .interrupted }
        ledger.lease = lease
        defer {
            ledger.lease = nil
            lease.end()
        }
        guard shared.beginDelivering() else { return .interrupted }
        defer { shared.endDelivering() }
        let pass = DeliveryPass(self, shared, lease, deadline) {
            lease.beat()
            return isCancelled() || !lease.isHeldStill
        }
        return run(pass, ignoringBackoff)
    }

    private func passInMemory(_ deadline: Deadline, _ ignoringBackoff: Bool, _ isCancelled: @escaping () -> Bool)
        -> PassMachine.Result
    {
        // This lock replaces deliver.lock, between the worker and a thread that flushes.
        heapPass.lock()
        defer { heapPass.unlock() }
        let pass = DeliveryPass(self, nil, nil, deadline) { [consent] in isCancelled() || !consent.isGiven }
        return run(pass, ignoringBackoff)
    }

    private func run(_ pass: DeliveryPass, _ ignoringBackoff: Bool) -> PassMachine.Result {
        let result = pass.run(ignoringBackoff: ignoringBackoff)
        guard result == .refused && consent.isKeptHere else { return result }
        // A7: telemetry is on. It is tried again like what a receiver does not take.
        ledger.recordForAll(PassMachine.Failure(reason: SendingConsent.keptHere.text))
        return .failed
    }
}
