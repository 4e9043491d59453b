// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What must be right for events to arrive: backend, receiver, spool, audit log.
enum DoctorDelivery {
    private static let probeMilliseconds: UInt32 = 5_000
    /// A clock that is further off makes times of events useless, and certificates invalid.
    private static let clockToleranceSeconds = 300

    static func check(_ options: Options, _ decision: ConsentDecision, isOffline: Bool) -> [DoctorFinding] {
        let program = SpoolInspector.chosenInCode(options: options)
        var findings: [DoctorFinding] = []
        if let program { findings.append(DoctorFinding(check: "backend", state: .ok, detail: program.shown)) }
        for waiting in SpoolInspector.waitingForOthers(options: options) {
            findings.append(DoctorFinding(check: "waiting", state: .ok, detail: waiting.text))
        }
        for backend in SpoolInspector.backends(options: options) where !options.isDefault || program == nil {
            findings.append(
                DoctorFinding(
                    check: "backend", state: backend.isUsable ? .ok : .problem, detail: backend.info,
                    advice: backend.isUsable ? nil : "events are kept until the manifest is repaired"))
        }
        for metrics in SpoolInspector.metricDestinations(options: options) {
            let isFailing = !metrics.isUsable || metrics.state.failures > 0
            findings.append(
                DoctorFinding(
                    check: "metrics", state: metrics.isUsable ? isFailing ? .warning : .ok : .problem,
                    detail: metrics.info + (metrics.state.lastError.utf8.isEmpty ? "" : ": " + metrics.state.lastError),
                    advice: isFailing ? "metrics are kept, and the next request says what they say then" : nil))
        }
        for destination in options.allDestinations {
            guard case .network(let choice) = destination.shownChoice, choice.problem() == nil else { continue }
            let name = options.allDestinations.count > 1 ? destination.name + ": " : ""
            if let problem = choice.keyProblem {
                findings.append(
                    DoctorFinding(
                        check: "key", state: .problem, detail: name + problem,
                        advice: "events are kept until the key is there"))
            }
            findings += receiver(choice, name, isOffline)
        }
        return findings + own(options, isOffline) + [
            spool(options), lock(options), delivery(options, decision), audit(options),
        ]
    }

    /// H14: the receivers of the user's own.
    private static func own(_ options: Options, _ isOffline: Bool) -> [DoctorFinding] {
        guard let own = OwnChoice.options(options) else { return [] }
        var findings: [DoctorFinding] = []
        for metrics in SpoolInspector.metricDestinations(options: own) {
            let isFailing = !metrics.isUsable || metrics.state.failures > 0
            findings.append(
                DoctorFinding(
                    check: "own metrics", state: metrics.isUsable ? isFailing ? .warning : .ok : .problem,
                    detail: metrics.name + ": " + metrics.info
                        + (metrics.state.lastError.utf8.isEmpty ? "" : ": " + metrics.state.lastError),
                    advice: isFailing ? "metrics are kept, and the next request says what they say then" : nil))
        }
        for destination in own.allDestinations {
            guard case .network(let choice) = destination.shownChoice, choice.resolved.problem() == nil else {
                continue
            }
            if let problem = choice.resolved.keyProblem {
                findings.append(
                    DoctorFinding(
                        check: "own key", state: .problem, detail: destination.name + ": " + problem,
                        advice: "nothing is sent there until the key is there"))
            }
            findings += receiver(choice, destination.name + ": ", isOffline)
        }
        return findings
    }

    /// `name`: written before each detail, if the receiver is one of several.
    private static func receiver(_ choice: NetworkChoice, _ name: String, _ isOffline: Bool) -> [DoctorFinding] {
        // Nothing answers a datagram.
        if !choice.kind.answers { return [] }
        if isOffline { return [DoctorFinding(check: "endpoint", state: .ok, detail: name + "not asked: --offline")] }
        switch EndpointProbe.run(choice.resolved.url, timeoutMilliseconds: probeMilliseconds) {
        case .failed(let reason):
            return [
                DoctorFinding(
                    check: "endpoint", state: .problem, detail: name + reason,
                    advice: "what waits is kept and tried again"
                )
            ]
        case .answered(let status, let offset):
            let isFailing = status >= 500
            let endpoint = DoctorFinding(
                check: "endpoint", state: isFailing ? .warning : .ok, detail: name + "answers HEAD with HTTP \(status)",
                advice: isFailing ? "the receiver has a fault" : nil)
            return [endpoint] + (offset.map { [clock($0, name)] } ?? [])
        }
    }

    private static func clock(_ offset: Int, _ name: String) -> DoctorFinding {
        let seconds = "\(offset.magnitude) s " + (offset < 0 ? "behind" : "ahead of") + " the receiver"
        let isOff = offset.magnitude > UInt(clockToleranceSeconds)
        return DoctorFinding(
            check: "clock", state: isOff ? .warning : .ok,
            detail: name + (offset.magnitude < 2 ? "agrees with the receiver's" : seconds),
            advice: isOff ? "set the clock" : nil)
    }

    private static func spool(_ options: Options) -> DoctorFinding {
        let (statistics, problem) = SpoolInspector.examine(options: options)
        if let problem {
            return DoctorFinding(
                check: "spool", state: .problem, detail: "what waits cannot be looked at: " + problem.text,
                advice: problem == .laterVersion
                    ? "update this telemetry"
                    : "make the state directory and what is in it yours: owner, modes 700 and 600")
        }
        guard let counts = statistics else {
            return DoctorFinding(check: "spool", state: .ok, detail: "none: nothing was recorded yet")
        }
        let damaged = SpoolInspector.damagedSegments(options: options)
        if let first = damaged.first {
            return DoctorFinding(
                check: "spool", state: .warning,
                detail: counted(UInt64(damaged.count), "damaged segment") + ", the first is " + first,
                advice: "the next delivery counts and removes them")
        }
        if let later = SpoolInspector.leftToLater(options: options), let first = later.files.first {
            return DoctorFinding(
                check: "spool", state: .warning,
                detail: counted(later.events, "event") + " in " + counted(UInt64(later.files.count), "file")
                    + " of a newer version, the first is " + first,
                advice: "update this telemetry, or run the tool that recorded them; they are kept until then")
        }
        let numbers =
            "\(counts.pending) waiting, \(counts.delivered) delivered, \(counts.dropped) dropped, \(counts.spool_bytes) bytes"
        let isLossy = counts.dropped_spool_full + counts.dropped_no_space + counts.dropped_corrupt > 0
        return DoctorFinding(
            check: "spool", state: isLossy ? .warning : .ok, detail: numbers,
            advice: isLossy ? "'telemetry status' says why" : nil)
    }

    private static func lock(_ options: Options) -> DoctorFinding {
        if let problem = SpoolInspector.lockProblem(options: options) {
            return DoctorFinding(
                check: "lock", state: .problem, detail: "files cannot be locked in the state directory: " + problem,
                advice:
                    "events are kept in memory and sent at the end of each run; set XDG_STATE_HOME to a local directory"
            )
        }
        let isHeld = SpoolInspector.path(options: options).map { FileLock.isHeld($0 + "/deliver.lock") } ?? false
        return DoctorFinding(check: "lock", state: .ok, detail: isHeld ? "a process is delivering" : "free")
    }

    private static func delivery(_ options: Options, _ decision: ConsentDecision) -> DoctorFinding {
        guard let state = SpoolInspector.deliveryState(options: options), state.lastAttempt > 0 else {
            return DoctorFinding(check: "delivery", state: .ok, detail: "not tried yet")
        }
        if state.failures == 0 && !state.lastError.utf8.isEmpty {
            return DoctorFinding(
                check: "delivery", state: .warning,
                detail: "events were rejected for good at " + Timestamp.text(state.lastAttempt) + ": "
                    + state.lastError,
                advice: "see whether endpoint and key are right: rejected events are dropped")
        }
        guard state.failures > 0 else {
            return delivered(state.lastSuccess, by: state.taker)
        }
        if !decision.isEnabled {
            return DoctorFinding(
                check: "delivery", state: .ok, detail: "telemetry is off; the last attempt failed: " + state.lastError)
        }
        let isFinal = state.nextAttempt == .max
        let next = isFinal ? "not tried again" : "next attempt " + Timestamp.text(state.nextAttempt)
        return DoctorFinding(
            check: "delivery", state: isFinal ? .problem : .warning,
            detail: "\(state.failures) failed in a row, " + next
                + (state.isOfOther ? ", of the program's receiver: " : ": ") + state.lastError,
            advice: isFinal ? "the receiver wants no more events" : advice(state.lastError))
    }

    private static func delivered(_ time: Int64, by taker: String) -> DoctorFinding {
        let detail = "last at " + Timestamp.text(time)
        if taker.utf8.isEmpty { return DoctorFinding(check: "delivery", state: .ok, detail: detail) }
        return DoctorFinding(
            check: "delivery", state: .warning, detail: detail + ", taken by " + taker,
            advice: "a redirect led there: give that endpoint if it is right")
    }

    /// A refused key is tried once an hour. A user who has replaced the key does not have to wait for that.
    private static func advice(_ error: String) -> String {
        let isKeyRefused = ByteSearch.contains(error, "HTTP 401") || ByteSearch.contains(error, "HTTP 403")
        return isKeyRefused
            ? "replace the key, then 'telemetry deliver --now'; the events are kept"
            : "'telemetry deliver --now' tries at once"
    }

    private static func audit(_ options: Options) -> DoctorFinding {
        let trail = AuditTrail.read(options: options)
        switch trail.verify(with: AuditTrail.read(options: options, .metrics)) {
        case .broken(let file, let line, let reason):
            let place = line > 0 ? ", line \(line): " : ": "
            return DoctorFinding(
                check: "audit log", state: .problem, detail: file + place + reason,
                advice: file.utf8.starts(with: "sent.metrics.".utf8)
                    ? "remove sent.metrics.jsonl, sent.metrics.jsonl.1 and sent.metrics.head to begin anew"
                    : "remove sent.jsonl, sent.jsonl.1 and sent.head to begin anew")
        case .unbroken(let entries) where trail.lost > 0:
            return DoctorFinding(
                check: "audit log", state: .warning,
                detail: counted(UInt64(clamping: entries), "entry", "entries") + "; " + counted(trail.lost, "event")
                    + " without a copy",
                advice: "make room")
        case .unbroken(let entries):
            return DoctorFinding(
                check: "audit log", state: .ok,
                detail: counted(UInt64(clamping: entries), "entry", "entries") + ", unbroken")
        }
    }
}
