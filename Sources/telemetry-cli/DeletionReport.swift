// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The result of asking for erasure, as text or as JSON (docs/cli.md).
struct DeletionReport {
    private let options: Options
    private let ids: [String]
    /// Why there may be events under other ids, for which nobody can be asked.
    private let gap: String?
    /// Nil: nobody had to be asked.
    private let result: DeletionRequest.Result?

    init(_ options: Options, ids: [String], gap: String?, result: DeletionRequest.Result?) {
        self.options = options
        self.ids = ids
        self.gap = gap
        self.result = result
    }

    /// Everyone who has to be asked was asked for every id.
    var isAsked: Bool { isAskedForKnown && gap == nil }

    /// Everyone was asked for every known id, at least.
    var isAskedForKnown: Bool { result?.unasked.isEmpty ?? true }

    private var failures: [String] { (isAskedForKnown ? [] : result?.problems ?? []) + (gap.map { [$0] } ?? []) }

    var failure: String {
        var text = isAskedForKnown && !ids.isEmpty ? "not all could be asked for: " : "could not be asked for: "
        for (index, problem) in failures.enumerated() { text += (index == 0 ? "" : "; ") + problem }
        return text
    }

    /// What else `reset` did.
    struct Reset {
        let decision: ConsentDecision
        /// What could not be removed, and why.
        let problems: [String]
    }

    /// `before`: what each sentence begins with, if there are several tools.
    func print(_ invocation: Invocation, reset: Reset? = nil, before: String = "") throws(Failure) {
        // Where some could not be asked for, the error has the problems.
        let failedWays = isAskedForKnown ? result?.problems ?? [] : []
        if !invocation.isQuiet {
            for text in failedWays + (result?.unaskable ?? []) { invocation.complain(before + text) }
        }
        if let problem = result?.receiptProblem, !invocation.isQuiet {
            invocation.complain(before + "no receipt was kept: " + problem)
        }
        if invocation.wantsJSON { return try invocation.answer(json(reset).text) }
        // Asked for with the command, so printed even with --quiet: only the user can send it.
        if let url = result?.mailto, result?.isMailOpened == false {
            try invocation.confirm(before + "This e-mail asks for erasure; open the address to send it:")
            try invocation.answer(url + "\n")
        }
        if let reset, reset.problems.isEmpty {
            let state = reset.decision.isEnabled ? "" : "telemetry for " + options.toolName + " is off, and "
            let what = reset.decision.isEnabled ? "what " + options.toolName : "what it"
            try invocation.confirm(before + state + what + " kept on this machine is erased")
        }
        if isAskedForKnown && (gap == nil || result != nil) { try invocation.confirm(before + summary) }
    }

    private var summary: String {
        guard let result, let last = result.receipts.last else {
            return ids.isEmpty
                ? "no identifier of " + options.toolName + " is in use: nothing to ask for"
                : "nothing was sent under an identifier: nobody had to be asked"
        }
        let count = counted(UInt64(ids.count), "identifier")
        if result.mailto != nil {
            return "the request for " + count + " to " + last.target + " is an e-mail that you send yourself"
        }
        return "asked " + last.target + " to erase the data of " + count
    }

    func json(_ reset: Reset?) -> JSONObject {
        var object = JSONObject()
        object.add("tool", options.toolName)
        if let reset {
            object.add("enabled", reset.decision.isEnabled)
            object.add("erased", reset.problems.isEmpty)
        }
        object.add("asked", isAsked)
        object.add("identifiers", UInt64(ids.count))
        object.add("method", optional: isAsked ? result?.receipts.last?.method.name : nil)
        object.add("mailto", optional: result?.mailto)
        object.add(
            "problems",
            (result?.problems ?? []) + (gap.map { [$0] } ?? []) + (result?.unaskable ?? []) + (reset?.problems ?? []))
        return object
    }
}
