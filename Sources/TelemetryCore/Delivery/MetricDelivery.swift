// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Hands a tool's metrics on to receivers. A retry needs no queue: the next request says what the metrics say then. Like
/// `Dispatcher` it knows nothing of a collector. A pass runs on the thread of its caller; only one runs at a time.
final class MetricDelivery {
    enum Urgency {
        /// Only receivers whose interval has passed get anything.
        case interval
        /// Every receiver gets what has changed, if no failure says to wait.
        case now
        /// Failures do not count either.
        case always
    }

    let outlets: [MetricOutlet]
    let source: MetricSource
    /// The author wants nothing counted twice, even if something is lost.
    let isOnce: Bool
    /// Longest time of one request, where the receiver has none.
    let timeoutMilliseconds: UInt32
    let consent: SendingConsent
    /// Why a receiver did not get what it should have, in the last pass; empty: all got it.
    fileprivate(set) var problem = ""

    init(
        _ outlets: [MetricOutlet], _ source: MetricSource, isOnce: Bool, timeoutMilliseconds: UInt32,
        _ consent: SendingConsent
    ) {
        self.outlets = outlets
        self.source = source
        self.isOnce = isOnce
        self.timeoutMilliseconds = timeoutMilliseconds
        self.consent = consent
    }

    /// Nil: the tool has no receiver of metrics.
    convenience init?(_ options: Options) {
        let outlets = [MetricOutlet](options.metricDestinations)
        if outlets.isEmpty { return nil }
        self.init(
            outlets, MetricSource(options), isOnce: options.guarantee == TELEMETRY_AT_MOST_ONCE,
            timeoutMilliseconds: options.httpTimeoutMilliseconds, SendingConsent(options, isLocal: false))
    }

    /// When a receiver is looked at again by this process, nanoseconds since 1970.
    var nextLook: Int64 {
        var next = Int64.max
        for outlet in outlets { next = min(next, outlet.nextLook) }
        return next
    }

    /// The interval of each receiver begins now.
    func begin(_ now: Int64) { for outlet in outlets { outlet.nextLook = now &+ outlet.intervalNanoseconds } }

    /// Hands on the store of that directory, which all processes share.
    func pass(
        in shared: SpoolDirectory, _ urgency: Urgency, until deadline: Deadline, isCancelled: @escaping () -> Bool
    ) -> PassMachine.Result {
        problem = ""
        begin(Clock.realtime())
        guard Allocation.isAvailableForPass else { return .exhausted }
        let obtained: Lease?
        do throws(SystemError) {
            obtained = try Lease.obtain(shared.directory, until: deadline, isCancelled: isCancelled)
        } catch {
            problem = Lease.lockName + ": " + error.text
            return .failed
        }
        guard let lease = obtained else { return .interrupted }
        defer { lease.end() }
        guard let epoch = shared.control.epochNow else { return .interrupted }
        let snapshot: MetricSnapshot
        do throws(SystemError) {
            guard let found = try MetricSnapshot.of(shared.directory, epoch: epoch) else { return .done }
            snapshot = found
        } catch {
            problem = MetricMap.fileName + ": " + error.text
            return .obstructed
        }
        let audit = AuditLog(shared, lease: lease, .metrics)
        defer { audit.close() }
        let pass = MetricPass(
            self, snapshot, deadline: deadline, urgency, directory: shared.directory, lease: lease, audit: audit,
            isCurrent: { shared.control.epochNow.map { $0 == epoch } },
            isCancelled: {
                lease.beat()
                return isCancelled() || !lease.isHeldStill
            })
        return run(pass)
    }

    private func run(_ pass: MetricPass) -> PassMachine.Result {
        let result = pass.run()
        guard result == .refused && consent.isKeptHere else { return result }
        problem = SendingConsent.keptHere.text
        return .failed
    }

    /// Hands on what only this process has.
    func pass(
        inMemory snapshot: MetricSnapshot, _ urgency: Urgency, until deadline: Deadline,
        isCancelled: @escaping () -> Bool
    ) -> PassMachine.Result {
        problem = ""
        begin(Clock.realtime())
        guard Allocation.isAvailableForPass else { return .exhausted }
        let pass = MetricPass(
            self, snapshot, deadline: deadline, urgency, directory: nil, lease: nil, audit: nil,
            isCurrent: { [consent] in consent.isGiven }, isCancelled: isCancelled)
        return run(pass)
    }

    var log: LogQueue?

    func note(_ outlet: MetricOutlet, _ reason: String) {
        if !problem.utf8.isEmpty { return }
        problem = outlet.name + ": " + (reason.utf8.isEmpty ? "the cause is not known" : reason)
    }

    func close() { for outlet in outlets { outlet.poster?.close() } }

    /// When a request is due, nanoseconds since 1970; 0: at once, `Int64.max`: when something changes.
    static func nextRequest(_ options: Options, _ shared: SpoolDirectory) -> Int64 {
        let outlets = [MetricOutlet](options.metricDestinations)
        guard !outlets.isEmpty, let epoch = shared.control.epochNow,
            let snapshot = (try? MetricSnapshot.of(shared.directory, epoch: epoch)) ?? nil
        else { return .max }
        let digest = snapshot.digest
        var next = Int64.max
        for outlet in outlets {
            guard
                case .known(let sent)? = try? SentMetricsFile(in: shared.directory, mark: outlet.mark).read(
                    isWhole: false),
                sent.epoch == epoch
            else { return 0 }
            if sent.partial == nil && sent.digest == digest { continue }
            let pause = sent.delivery.plausibleAttempt(Clock.realtime())
            next = min(next, max(pause, sent.due(interval: outlet.intervalNanoseconds)))
        }
        return next
    }

    /// A request is due now: some receiver's interval has passed, and no failure says to wait. Whether anything has
    /// changed is not looked at.
    static func isDue(_ options: Options) -> Bool {
        let destinations = options.metricDestinations
        guard !destinations.isEmpty, let shared = SpoolDirectory.openExisting(options) else { return false }
        defer { shared.close() }
        guard MetricMap.isThere(in: shared.directory) else { return false }
        let now = Clock.realtime()
        for outlet in [MetricOutlet](destinations) {
            guard
                case .known(let sent)? = try? SentMetricsFile(in: shared.directory, mark: outlet.mark).read(
                    isWhole: false),
                sent.epoch == shared.control.epoch
            else { return true }
            if sent.isDue(now, interval: outlet.intervalNanoseconds) && sent.delivery.isDue(now) { return true }
        }
        return false
    }
}
