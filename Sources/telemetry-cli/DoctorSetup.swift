// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What must be right before anything is recorded: directories, answers, manifest.
enum DoctorSetup {
    /// Room that the spool and the logs need at most, by default.
    private static let wantedBytes: UInt64 = 64 << 20

    static func check(_ options: Options, _ decision: ConsentDecision) -> [DoctorFinding] {
        let preference = PreferenceStore.path(tool: options.toolName)
        return [
            options.isInMemory
                ? DoctorFinding(
                    check: stateDirectory, state: .ok,
                    detail: "not used: nothing is kept on this machine (storage: memory)")
                : directory(stateDirectory, SpoolInspector.path(options: options)),
            directory("config directory", preference.map { parent($0) }),
            preferenceFile(options), notice(options), consent(decision), own(options), variables(), manifest(options),
        ] + metrics(options)
    }

    /// H14
    private static func own(_ options: Options) -> DoctorFinding {
        let decision = OwnChoice.look(options).decision
        let problem = decision.warnings.first
        return DoctorFinding(
            check: "own receivers", state: problem == nil ? .ok : .problem,
            detail: problem ?? (decision.isEnabled ? "on: " : "off: ") + decision.reason,
            advice: problem == nil ? nil : "correct it; 'telemetry explain' shows who asks and who refuses")
    }

    /// H10, H11: the variables by which traces are sampled and handed on.
    private static func variables() -> DoctorFinding {
        let problems = TraceVariables.problems()
        return DoctorFinding(
            check: "trace variables", state: problems.isEmpty ? .ok : .warning,
            detail: problems.isEmpty ? TraceVariables.silence() ?? "nothing is wrong" : joined(problems, "; "),
            advice: problems.isEmpty ? nil : "correct it, or unset it")
    }

    /// H1: the files of metrics, of those that are there.
    private static func metrics(_ options: Options) -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        for (check, options) in [("metrics file", options), ("own metrics file", options.own([]))] {
            guard let stored = SpoolInspector.metrics(options: options) else { continue }
            if let problem = stored.problem {
                findings.append(
                    DoctorFinding(
                        check: check, state: .problem, detail: problem,
                        advice: "metrics end with each process until it is repaired or removed"))
            } else if let name = stored.contested.first {
                findings.append(
                    DoctorFinding(
                        check: check, state: .warning,
                        detail: "'" + name
                            + "' is declared differently by programs of this tool, and each hides what the others have added",
                        advice: MetricNotes.oneDeclaration + "; 'telemetry reset' begins anew"))
            } else {
                findings.append(DoctorFinding(check: check, state: .ok, detail: stored.text))
            }
        }
        return findings
    }

    private static func parent(_ path: String) -> String {
        let end = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        return String(path[..<end])
    }

    private static let stateDirectory = "state directory"

    private static func directory(_ check: String, _ path: String?) -> DoctorFinding {
        guard let path else {
            return DoctorFinding(
                check: check, state: .problem, detail: "none: neither HOME nor the XDG variable is an absolute path",
                advice: "set HOME")
        }
        if let obstacle = PathStatus.obstacle(path) {
            return DoctorFinding(
                check: check, state: .problem, detail: path + " cannot be made: " + obstacle.what,
                advice: obstacle.advice)
        }
        guard let status = PathStatus(path) else {
            let free = PathStatus.freeBytes(path)
            return DoctorFinding(check: check, state: .ok, detail: path + " does not exist yet" + room(free))
        }
        if ArgumentParser.same(check, stateDirectory),
            let wrong = PathStatus(parent(path), followingLinks: true)?.distrust
        {
            return DoctorFinding(
                check: check, state: .problem, detail: parent(path) + " " + wrong.what, advice: wrong.advice)
        }
        if let wrong = status.distrust {
            return DoctorFinding(check: check, state: .problem, detail: path + " " + wrong.what, advice: wrong.advice)
        }
        let free = PathStatus.freeBytes(path)
        let isTight = free.map { $0 < wantedBytes } ?? false
        return DoctorFinding(
            check: check, state: isTight ? .warning : .ok, detail: path + ", mode " + status.modeText + room(free),
            advice: isTight ? "make room: events that find none are dropped" : nil)
    }

    private static func room(_ free: UInt64?) -> String { free.map { ", \($0 >> 20) MiB free" } ?? "" }

    private static func preferenceFile(_ options: Options) -> DoctorFinding {
        switch PreferenceStore.read(tool: options.toolName) {
        case .on: DoctorFinding(check: "preference", state: .ok, detail: "the user has agreed")
        case .off: DoctorFinding(check: "preference", state: .ok, detail: "the user has refused")
        case .absent: DoctorFinding(check: "preference", state: .ok, detail: "the user has not answered")
        case .unusable(let path, let reason):
            DoctorFinding(
                check: "preference", state: .problem, detail: path + ": " + reason,
                advice: "remove it, then 'telemetry enable' or 'telemetry disable'")
        case .unreachable(let path):
            DoctorFinding(
                check: "preference", state: .problem, detail: path + ": its directory cannot be entered",
                advice: "chmod 700, or another HOME")
        }
    }

    private static func notice(_ options: Options) -> DoctorFinding {
        let notice = NoticeState(options)
        let isNeeded = options.consent == TELEMETRY_OPT_OUT
        let detail =
            switch notice.state {
            case .shown: "was shown"
            case .changed: notice.text + ": the user is asked again"
            case .notShown: isNeeded ? "was not shown: nothing is recorded before" : "was not shown, and is not needed"
            }
        return DoctorFinding(
            check: "notice", state: notice.state == .changed ? .warning : .ok, detail: detail,
            advice: notice.state == .changed ? "'telemetry prompt' at a terminal shows the new one" : nil)
    }

    private static func consent(_ decision: ConsentDecision) -> DoctorFinding {
        let detail = (decision.isEnabled ? "on, " : "off, ") + decision.source.name + ": " + decision.reason
        guard let warning = decision.warnings.first else {
            return DoctorFinding(check: "consent", state: .ok, detail: detail)
        }
        return DoctorFinding(check: "consent", state: .warning, detail: detail + "; " + warning)
    }

    private static func manifest(_ options: Options) -> DoctorFinding {
        if let error = options.error {
            return DoctorFinding(
                check: "manifest", state: .problem, detail: error, advice: "telemetry is off until it is repaired")
        }
        return DoctorFinding(check: "manifest", state: .ok, detail: options.manifestPath ?? "none: the defaults hold")
    }
}
