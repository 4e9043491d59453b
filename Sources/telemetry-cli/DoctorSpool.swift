// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What is on this machine: what waits, whether it was delivered, and the copies of it. Of events, and of spans, which
/// are kept apart.
enum DoctorSpool {
    /// The tool's events.
    static func check(_ options: Options, isEnabled: Bool) -> [DoctorFinding] {
        [spool(options), lock(options), delivery(options, isEnabled), audit(options)]
    }

    /// What is kept apart from them, as far as there is any: spans, and what is kept for receivers of the user's own.
    static func checkOthers(_ options: Options, _ own: Options?, isEnabled: Bool) -> [DoctorFinding] {
        let kept = own ?? options.own([])
        var findings: [DoctorFinding] = []
        for (options, isEnabled) in [(options.ofSpans, isEnabled), (kept.ofSpans, own != nil)] {
            let found = SpoolInspector.examine(options: options)
            if found.statistics == nil && found.problem == nil { continue }
            findings +=
                directory(options) + [spool(options)] + waiting(options) + [
                    delivery(options, isEnabled), audit(options),
                ]
        }
        if !AuditTrail.read(options: kept, .metrics).isEmpty { findings.append(audit(kept)) }
        return findings
    }

    /// Whose it is, and who may write there. The tool's own is looked at before.
    private static func directory(_ options: Options) -> [DoctorFinding] {
        guard let path = SpoolInspector.path(options: options), let wrong = PathStatus(path)?.distrust else {
            return []
        }
        return [
            DoctorFinding(
                check: name("directory", options), state: .problem, detail: path + " " + wrong.what,
                advice: wrong.advice)
        ]
    }

    /// What this command would not deliver.
    static func waiting(_ options: Options) -> [DoctorFinding] {
        SpoolInspector.waitingForOthers(options: options).map {
            DoctorFinding(check: name("waiting", options), state: .ok, detail: $0.text)
        }
    }

    /// What the check is called, and the records in it.
    private static func name(_ check: String, _ options: Options) -> String {
        (options.audience == .own ? "own " : "") + (options.signal == .spans ? "spans " : "") + check
    }

    private static func record(_ options: Options) -> String { options.signal == .spans ? "span" : "event" }

    private static func spool(_ options: Options) -> DoctorFinding {
        let (statistics, problem) = SpoolInspector.examine(options: options)
        if let problem {
            return DoctorFinding(
                check: name("spool", options), state: .problem,
                detail: "what waits cannot be looked at: " + problem.text,
                advice: problem == .laterVersion
                    ? "update this telemetry"
                    : "make the state directory and what is in it yours: owner, modes 700 and 600")
        }
        guard let counts = statistics else {
            return DoctorFinding(check: name("spool", options), state: .ok, detail: "none: nothing was recorded yet")
        }
        let damaged = SpoolInspector.damagedSegments(options: options)
        if let first = damaged.first {
            return DoctorFinding(
                check: name("spool", options), state: .warning,
                detail: counted(UInt64(damaged.count), "damaged segment") + ", the first is " + first,
                advice: "the next delivery counts and removes them")
        }
        if let later = SpoolInspector.leftToLater(options: options), let first = later.files.first {
            return DoctorFinding(
                check: name("spool", options), state: .warning,
                detail: counted(later.events, record(options)) + " in " + counted(UInt64(later.files.count), "file")
                    + " of a newer version, the first is " + first,
                advice: "update this telemetry, or run the tool that recorded them; they are kept until then")
        }
        let numbers =
            "\(counts.pending) waiting, \(counts.delivered) delivered, \(counts.dropped) dropped, \(counts.spool_bytes) bytes"
        let isLossy = counts.dropped_spool_full + counts.dropped_no_space + counts.dropped_corrupt > 0
        return DoctorFinding(
            check: name("spool", options), state: isLossy ? .warning : .ok, detail: numbers,
            advice: isLossy ? "'telemetry status' says why" : nil)
    }

    /// Spans are on the same file system.
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

    private static func delivery(_ options: Options, _ isEnabled: Bool) -> DoctorFinding {
        guard let state = SpoolInspector.deliveryState(options: options), state.lastAttempt > 0 else {
            return DoctorFinding(check: name("delivery", options), state: .ok, detail: "not tried yet")
        }
        if state.failures == 0 && !state.lastError.utf8.isEmpty {
            return DoctorFinding(
                check: name("delivery", options), state: .warning,
                detail: record(options) + "s were rejected for good at " + Timestamp.text(state.lastAttempt) + ": "
                    + state.lastError,
                advice: "see whether endpoint and key are right: what is rejected is dropped")
        }
        guard state.failures > 0 else {
            return delivered(options, state.lastSuccess, by: state.taker)
        }
        if !isEnabled {
            return DoctorFinding(
                check: name("delivery", options), state: .ok,
                detail: (options.audience == .own ? "nothing is kept for you now" : "telemetry is off")
                    + "; the last attempt failed: " + state.lastError)
        }
        let isFinal = state.nextAttempt == .max
        let next = isFinal ? "not tried again" : "next attempt " + Timestamp.text(state.nextAttempt)
        return DoctorFinding(
            check: name("delivery", options), state: isFinal ? .problem : .warning,
            detail: "\(state.failures) failed in a row, " + next
                + (state.other.utf8.isEmpty ? ": " : ", " + state.other) + state.lastError,
            advice: isFinal ? "the receiver wants no more " + record(options) + "s" : advice(state.lastError))
    }

    private static func delivered(_ options: Options, _ time: Int64, by taker: String) -> DoctorFinding {
        let detail = "last at " + Timestamp.text(time)
        if taker.utf8.isEmpty { return DoctorFinding(check: name("delivery", options), state: .ok, detail: detail) }
        return DoctorFinding(
            check: name("delivery", options), state: .warning, detail: detail + ", taken by " + taker,
            advice: "a redirect led there: give that endpoint if it is right")
    }

    /// A refused key is tried once an hour. A user who has replaced the key does not have to wait for that.
    private static func advice(_ error: String) -> String {
        let isKeyRefused = ByteSearch.contains(error, "HTTP 401") || ByteSearch.contains(error, "HTTP 403")
        return isKeyRefused
            ? "replace the key, then 'telemetry deliver --now'; what waits is kept"
            : "'telemetry deliver --now' tries at once"
    }

    private static func audit(_ options: Options) -> DoctorFinding {
        let trail = AuditTrail.read(options: options)
        switch trail.verify(with: AuditTrail.read(options: options, .metrics)) {
        case .broken(let file, let line, let reason):
            let place = line > 0 ? ", line \(line): " : ": "
            return DoctorFinding(
                check: name("audit log", options), state: .problem, detail: file + place + reason,
                advice: file.utf8.starts(with: "sent.metrics.".utf8)
                    ? "remove sent.metrics.jsonl, sent.metrics.jsonl.1 and sent.metrics.head to begin anew"
                    : "remove sent.jsonl, sent.jsonl.1 and sent.head to begin anew")
        case .unbroken(let entries) where trail.lost > 0:
            return DoctorFinding(
                check: name("audit log", options), state: .warning,
                detail: counted(UInt64(clamping: entries), "entry", "entries") + "; "
                    + counted(trail.lost, record(options))
                    + " without a copy",
                advice: "make room")
        case .unbroken(let entries):
            return DoctorFinding(
                check: name("audit log", options), state: .ok,
                detail: counted(UInt64(clamping: entries), "entry", "entries") + ", unbroken")
        }
    }
}
