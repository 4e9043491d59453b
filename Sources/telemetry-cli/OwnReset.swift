// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `reset --audience own` (H14): erases what is kept for receivers of the user's own. No answer to the tool's author
/// changes, and nobody is asked to erase anything: the author has nothing of it.
enum OwnReset {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.optionsToRefuse()
        let (erasure, problems) = LocalData.removeOwn(options: options)
        let decision = OwnReport(options).decision
        let doubt = doubt(erasure, options)
        try answer(invocation, options, decision, (doubt.map { [$0.message] } ?? []) + problems)
        if let doubt { throw doubt }
        if let first = problems.first {
            throw Failure(code: .system, message: "not everything could be removed: " + first)
        }
        return .ok
    }

    private static func doubt(_ erasure: Erasure, _ options: Options) -> Failure? {
        switch erasure {
        case .complete: return nil
        case .unanswered(let process, let directory):
            return Failure(code: .unconfirmed, message: Refusal.silence(directory, process))
        case .impossible(let error): return notErased(SpoolInspector.path(options: options.own([])) ?? "", error)
        case .unknown(let error, let directory): return notErased(directory, error)
        }
    }

    private static func notErased(_ directory: String, _ error: SystemError) -> Failure {
        Failure(
            code: .unconfirmed,
            message: "what waits in " + directory + " could not be erased for certain: " + error.text)
    }

    private static func answer(
        _ invocation: Invocation, _ options: Options, _ decision: ConsentDecision, _ problems: [String]
    ) throws(Failure) {
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("tool", options.toolName)
            object.add("enabled", decision.isEnabled)
            object.add("erased", problems.isEmpty)
            object.add("problems", problems)
            return try invocation.answer(object.text)
        }
        if !problems.isEmpty { return }
        try invocation.confirm("what " + options.toolName + " kept for you on this machine is erased")
        if decision.isEnabled {
            try invocation.confirm("more will be kept for you while it is asked for: " + decision.reason)
        }
    }
}
