// SPDX-License-Identifier: Apache-2.0
import CSystem

/// One pass over the receivers of metrics.
final class MetricPass {
    private let delivery: MetricDelivery
    private let snapshot: MetricSnapshot
    /// When it was copied.
    private let time = Clock.realtime()
    private let digest: UInt64
    private let deadline: Deadline
    private let urgency: MetricDelivery.Urgency
    /// Nil: the metrics are in this process's memory, and so is what was sent.
    private let directory: Descriptor?
    private let lease: Lease?
    let audit: AuditLog?
    /// False: consent for what is in the store is gone. Nil: that cannot be known now.
    let isCurrent: () -> Bool?
    let isCancelled: () -> Bool

    init(
        _ delivery: MetricDelivery, _ snapshot: MetricSnapshot, deadline: Deadline, _ urgency: MetricDelivery.Urgency,
        directory: Descriptor?, lease: Lease?, audit: AuditLog?, isCurrent: @escaping () -> Bool?,
        isCancelled: @escaping () -> Bool
    ) {
        self.delivery = delivery
        self.snapshot = snapshot
        self.deadline = deadline
        self.urgency = urgency
        self.directory = directory
        self.lease = lease
        self.audit = audit
        self.isCurrent = isCurrent
        self.isCancelled = isCancelled
        digest = snapshot.digest
    }

    func run() -> PassMachine.Result {
        var result = PassMachine.Result.done
        for outlet in delivery.outlets {
            switch push(outlet) {
            case .done: break
            case .waiting: if result == .done { result = .waiting }
            case .refused: return .refused
            case .interrupted: return .interrupted
            case .failed, .exhausted, .obstructed: result = .failed
            }
        }
        return result
    }

    // MARK: one receiver

    private func push(_ outlet: MetricOutlet) -> PassMachine.Result {
        let file = directory.map { SentMetricsFile(in: $0, mark: outlet.mark) }
        let sent: SentMetrics
        do throws(SystemError) {
            guard let known = try read(outlet, file) else { return .done }
            sent = known
        } catch {
            return fail(outlet, error.text)
        }
        if sent.partial == nil && sent.digest == digest { return .done }
        if let pause = pause(outlet, sent) { return pause }
        guard let poster = outlet.poster else { return fail(outlet, outlet.info) }
        var sending = MetricSending(self, outlet, poster, file, sent)
        let result = sending.run()
        outlet.nextLook =
            sending.sent.delivery.failures > 0
            ? sending.sent.delivery.plausibleAttempt(Clock.realtime()) : time &+ outlet.intervalNanoseconds
        return result
    }

    /// Nil: nothing is to be sent.
    private func read(_ outlet: MetricOutlet, _ file: SentMetricsFile?) throws(SystemError) -> SentMetrics? {
        var sent = SentMetrics()
        var isUnusable = false
        if let file {
            switch try file.read(isWhole: outlet.isDelta) {
            case .absent: break
            case .unusable: isUnusable = true
            case .known(let known): sent = known
            }
        } else {
            sent = outlet.sentInMemory
        }
        if sent.epoch != snapshot.epoch { sent = sent.begunAnew(epoch: snapshot.epoch) }
        // Differences begin here: nobody knows what the receiver has of what was before.
        if isUnusable, outlet.isDelta, delivery.isOnce, let file {
            (sent.base, sent.time, sent.digest, sent.isNew) = (snapshot, time, digest, false)
            try file.prepare(sent)
            file.commit(sent)
            return nil
        }
        return sent
    }

    /// Nil: it is time for a request.
    private func pause(_ outlet: MetricOutlet, _ sent: SentMetrics) -> PassMachine.Result? {
        if urgency != .always && !sent.delivery.isDue(time) {
            outlet.nextLook = sent.delivery.plausibleAttempt(time)
            delivery.note(outlet, sent.delivery.lastError)
            return .waiting
        }
        if urgency == .interval && !sent.isDue(time, interval: outlet.intervalNanoseconds) && sent.partial == nil {
            outlet.nextLook = sent.due(interval: outlet.intervalNanoseconds)
            return .done
        }
        return nil
    }

    func fail(_ outlet: MetricOutlet, _ reason: String) -> PassMachine.Result {
        delivery.note(outlet, reason)
        delivery.log?.add(TELEMETRY_LOG_WARNING, "delivery of metrics to " + outlet.name + " failed: " + reason)
        return .failed
    }
}

// What holds for every receiver of the pass.
extension MetricPass {
    var source: MetricSource { delivery.source }
    var isOnce: Bool { delivery.isOnce }
    var consent: SendingConsent { delivery.consent }
    var isEnding: Bool { isCancelled() || deadline.isPast }
    var isStopped: Bool { isCancelled() || consent.isGone || isCurrent() == false }
    var mayWrite: Bool { lease?.isHeld != false }

    var whole: SentMetrics.Partial {
        SentMetrics.Partial(snapshot: snapshot, time: time, digest: digest, position: .start)
    }

    func beat() { lease?.beat() }

    func requestDeadline(_ outlet: MetricOutlet) -> Deadline {
        let longest = outlet.timeoutMilliseconds > 0 ? outlet.timeoutMilliseconds : delivery.timeoutMilliseconds
        return deadline.earlier(Deadline(timeoutMilliseconds: longest))
    }

    /// Nobody can take the lease meanwhile. False also if it is lost.
    func guarded(_ body: () -> Bool) -> Bool {
        var isDone = false
        Lease.guarded(lease) { isDone = body() }
        return isDone
    }
}
