// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `flush` and `deliver`: they send in this process and wait for it.
enum DeliveryCommands {
    static func flush(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let limit = try invocation.milliseconds(.timeoutMs, "--timeout-ms", default: 5_000)
        let all = TimeLimit(milliseconds: limit, end: Deadline(timeoutMilliseconds: limit))
        return try answering(invocation) { () throws(Failure) in
            _ = try sendAll(invocation, all, ignoringBackoff: false)
        }
    }

    static func deliver(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let limit = try invocation.milliseconds(.timeLimitMs, "--time-limit-ms", default: 60_000)
        let isNow = invocation.arguments.has(.now)
        BackgroundProcess.begin(limitMilliseconds: limit)
        return try answering(invocation) { () throws(Failure) in try passes(invocation, limit, isNow) }
    }

    private static func passes(_ invocation: Invocation, _ limit: UInt32, _ isNow: Bool) throws(Failure) {
        let options = try invocation.options()
        if !isNow && DetachedLock.isElsewhere(options) {
            let kept = DeliveryFate.whatIsKept(
                hasMetrics: !options.metricDestinations.isEmpty, hasSpans: options.takesSpans)
            throw Failure(
                code: .notDelivered, message: "not delivered: another 'telemetry deliver' is at work; " + kept)
        }
        let all = TimeLimit(milliseconds: limit, end: Deadline(timeoutMilliseconds: limit))
        var isEnabled = try sendAll(invocation, all, ignoringBackoff: isNow, sparing: true)
        var before: UInt64 = 0
        // Events recorded meanwhile have found this process at work, and have started no other.
        while isEnabled && !all.end.isPast {
            let left = DetachedDelivery.left(try invocation.options())
            // These events are not for this process: a whole pass has changed nothing.
            if left == 0 || left == before { break }
            before = left
            isEnabled = try sendAll(invocation, all, ignoringBackoff: false, sparing: true)
        }
    }

    /// The JSON answer is also given where something was not delivered.
    private static func answering(
        _ invocation: Invocation, _ deliver: () throws(Failure) -> Void
    ) throws(Failure) -> ExitCode {
        var notDelivered: Failure?
        do throws(Failure) { try deliver() } catch {
            if error.code != .notDelivered { throw error }
            notDelivered = error
        }
        try answer(invocation)
        if let notDelivered { throw notDelivered }
        return .ok
    }

    /// How long all that a command sends may take together. A receiver that is slow takes the time of those after it,
    /// whose data waits for the next delivery.
    private struct TimeLimit {
        let milliseconds: UInt32
        let end: Deadline

        var rest: UInt32 { UInt32(clamping: end.remainingMilliseconds(cap: Int(milliseconds))) }
    }

    /// What the author gets, and what is kept for the user: if the one cannot be delivered, the other is nevertheless.
    /// Events come first, as in telemetry_flush(): no receiver of spans delays them. Whether telemetry is on.
    private static func sendAll(
        _ invocation: Invocation, _ limit: TimeLimit, ignoringBackoff: Bool, sparing: Bool = false
    ) throws(Failure) -> Bool {
        let options = try invocation.options()
        let own = OwnChoice.options(options)
        var isEnabled = false
        var failure: Failure?
        do throws(Failure) {
            isEnabled = try send(invocation, options, limit, ignoringBackoff: ignoringBackoff, sparing: sparing)
        } catch { failure = error }
        do throws(Failure) {
            if let own { try sendMetrics(own, limit, ignoringBackoff: ignoringBackoff, sparing: sparing) }
        } catch { failure = joined(failure, error) }
        for audience in [own ?? options.own([]), options] {
            guard let spool = audience.spans() else {
                sayWaiting(invocation, audience.ofSpans)
                continue
            }
            do throws(Failure) {
                _ = try send(invocation, spool, limit, ignoringBackoff: ignoringBackoff, sparing: sparing)
            } catch { failure = joined(failure, error) }
        }
        if let failure { throw failure }
        return isEnabled
    }

    /// Each says what is kept.
    private static func joined(_ first: Failure?, _ next: Failure) -> Failure {
        guard let first else { return next }
        return Failure(code: first.code, message: first.message + "; " + next.message)
    }

    /// H14
    private static func sendMetrics(
        _ own: Options, _ limit: TimeLimit, ignoringBackoff: Bool, sparing: Bool
    ) throws(Failure) {
        if own.metricDestinations.isEmpty { return }
        let delivery = ToolDelivery(own)
        let status = delivery.run(timeoutMilliseconds: limit.rest, ignoringBackoff: ignoringBackoff, sparing: sparing)
        let what = "metrics for your own receivers not delivered"
        if status == TELEMETRY_ERROR_TIMEOUT {
            throw Failure(code: .notDelivered, message: what + " within \(limit.milliseconds) ms")
        }
        if !delivery.metricProblem.utf8.isEmpty {
            throw Failure(code: .notDelivered, message: what + ": " + delivery.metricProblem)
        }
    }

    /// Whether telemetry is on. `sparing`: metrics wait for their interval.
    private static func send(
        _ invocation: Invocation, _ options: Options, _ limit: TimeLimit, ignoringBackoff: Bool,
        sparing: Bool = false
    ) throws(Failure) -> Bool {
        let what = what(options)
        let delivery = ToolDelivery(options)
        if options.signal == .events { invocation.warn(delivery.decision) }
        let isEnabled = delivery.decision.isEnabled
        let before = SpoolInspector.statistics(options: options) ?? telemetry_statistics()
        let attemptBefore = SpoolInspector.deliveryState(options: options)?.lastAttempt
        let status = delivery.run(timeoutMilliseconds: limit.rest, ignoringBackoff: ignoringBackoff, sparing: sparing)
        if status != TELEMETRY_ERROR_TIMEOUT, !delivery.metricProblem.utf8.isEmpty {
            throw Failure(code: .notDelivered, message: "metrics not delivered: " + delivery.metricProblem)
        }
        let fate = DeliveryFate(from: before, to: SpoolInspector.statistics(options: options) ?? before, options)
        switch status {
        case TELEMETRY_ERROR_TIMEOUT:
            let reason =
                limit.end.isPast
                ? "not delivered within \(limit.milliseconds) ms; "
                : "not delivered: another process delivers; "
            throw Failure(code: .notDelivered, message: what + reason + fate.text)
        case TELEMETRY_ERROR_DELIVERY:
            let state = SpoolInspector.deliveryState(options: options)
            let reason = pause(state, since: attemptBefore) ?? reason(state)
            throw Failure(code: .notDelivered, message: what + "not delivered: " + reason + "; " + fate.text)
        case TELEMETRY_ERROR_SYSTEM, TELEMETRY_ERROR_MEMORY, TELEMETRY_ERROR_DROPPED:
            let reason = SpoolInspector.obstacle(options: options).map {
                (SpoolInspector.path(options: options) ?? "") + ": " + $0.text
            }
            throw Failure(
                code: .system, message: what + "not delivered: " + (reason ?? "the operating system refused"))
        default:
            if fate.isLossy {
                invocation.complain(reason(SpoolInspector.deliveryState(options: options)) + "; " + fate.text)
            }
            sayWaiting(invocation, options)
            return isEnabled
        }
    }

    /// What is not delivered, before the word "not". Empty: the author's events.
    private static func what(_ options: Options) -> String {
        options.signal == .events ? "" : options.audience == .own ? "your spans " : "spans "
    }

    private static func sayWaiting(_ invocation: Invocation, _ options: Options) {
        if invocation.isQuiet { return }
        for waiting in SpoolInspector.waitingForOthers(options: options) {
            invocation.complain(what(options) + "not delivered: " + waiting.text)
        }
        let ended = options.signal == .spans ? SpoolInspector.countSpans(options: options).ended : 0
        if ended > 0 {
            invocation.complain(
                what(options) + "not delivered: \(ended) that ended wait for room on the disk: "
                    + (SpoolInspector.path(options: options) ?? ""))
        }
    }

    private static func answer(_ invocation: Invocation) throws(Failure) {
        guard invocation.wantsJSON else { return }
        let options = try invocation.options()
        let counts = SpoolInspector.statistics(options: options) ?? telemetry_statistics()
        var object = JSONObject()
        object.add("tool", options.toolName)
        object.add("enabled", ConsentResolver.decide(options).isEnabled)
        object.add("delivered", counts.delivered)
        object.add("pending", counts.pending)
        if let counts = SpoolInspector.statistics(options: options.ofSpans) {
            var spans = JSONObject()
            spans.add("delivered", counts.delivered)
            spans.add("pending", counts.pending)
            object.add("spans", spans)
        } else {
            object.add("spans", raw: "null")
        }
        try invocation.answer(object.text)
    }

    /// Nil: a delivery was tried.
    private static func pause(_ state: SpoolInspector.Delivery?, since attempt: Int64?) -> String? {
        guard let state, state.isPausing, state.lastAttempt == attempt else { return nil }
        let until = state.nextAttempt == .max ? "for good" : "until " + Timestamp.text(state.nextAttempt)
        return "a pause " + until + " ('telemetry deliver --now' tries at once) after: " + reason(state)
    }

    private static func reason(_ state: SpoolInspector.Delivery?) -> String {
        guard let state, !state.lastError.utf8.isEmpty else { return "the receiver did not accept them" }
        return state.lastError
    }
}
