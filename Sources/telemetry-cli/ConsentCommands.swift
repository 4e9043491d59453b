// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `enable`, `disable` and `prompt`: the user's own answer, kept in the preference file.
enum ConsentCommands {
    static func enable(_ invocation: Invocation) throws(Failure) -> ExitCode {
        if invocation.arguments.has(.all) { return try EveryToolCommands.enable(invocation) }
        let options = try invocation.options()
        let doubt = KnownTool.doubt(options)
        do throws(SystemError) { try PreferenceChange.enable(options) } catch {
            let isRefused = PreferenceStore.read(tool: options.toolName) == .off
            if isRefused, Refusal.waiting(options) != 0 {
                throw Failure(code: .system, message: "telemetry stays off: " + Refusal.notErased(options, error))
            }
            throw notStored(options.toolName, error)
        }
        let decision = decide(invocation, options)
        try report(invocation, options, decision, overruled: !decision.isEnabled)
        if let doubt, !invocation.wantsJSON { try invocation.confirm(doubt) }
        return .ok
    }

    /// Telemetry that stays on is a failure (A12), whatever was stored and erased.
    static func disable(_ invocation: Invocation) throws(Failure) -> ExitCode {
        if invocation.arguments.has(.all) { return try EveryToolCommands.disable(invocation) }
        let options = try invocation.optionsToRefuse()
        let nameDoubt = KnownTool.doubt(options)
        let doubt = try Refusal.store(options)
        let decision = decide(invocation, options)
        // For people, the error below says it.
        if !decision.isEnabled || invocation.wantsJSON {
            try report(invocation, options, decision, overruled: decision.isEnabled)
        }
        if let nameDoubt, !invocation.wantsJSON { try invocation.confirm(nameDoubt) }
        if decision.isEnabled { throw Refusal.overruled(options, decision) }
        if let doubt { throw doubt }
        if !invocation.wantsJSON && LocalData.hasRecords(options: options) {
            try invocation.confirm(
                "the record of what was sent or logged before stays on this machine: 'telemetry reset --tool "
                    + options.toolName + "' erases it, and asks for the erasure of what was sent")
        }
        let (kept, own) = OwnChoice.look(options)
        if let kept, !invocation.isQuiet {
            invocation.complain(
                joined(kept.signalNames, " and ") + " are still kept for you, or sent to receivers of your own: "
                    + own.reason
                    + ". The author gets none of them")
        }
        return .ok
    }

    /// The next command finds out what was answered; standard output stays empty.
    static func prompt(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        _ = decide(invocation, options)
        do throws(SystemError) { try Prompt.run(options) } catch { throw notStored(options.toolName, error) }
        return .ok
    }

    private static func notStored(_ tool: String, _ error: SystemError) -> Failure {
        let path = PreferenceStore.path(tool: tool) ?? "no home directory"
        return Failure(code: .system, message: "cannot store the preference (" + path + "): " + error.text)
    }

    private static func decide(_ invocation: Invocation, _ options: Options) -> ConsentDecision {
        let decision = ConsentResolver.decide(options)
        invocation.warn(decision)
        return decision
    }

    /// The decision that applies from now on. It may differ from the answer: other sources can overrule it.
    private static func report(
        _ invocation: Invocation, _ options: Options, _ decision: ConsentDecision, overruled: Bool
    ) throws(Failure) {
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("tool", options.toolName)
            object.add("enabled", decision.isEnabled)
            object.add("source", decision.source.name)
            object.add("reason", decision.reason)
            object.add("overruled", overruled)
            return try invocation.answer(object.text)
        }
        var line =
            "telemetry for " + options.toolName + " is " + (decision.isEnabled ? "on" : "off") + ": " + decision.reason
        if overruled { line += "; the answer is stored, but overruled" + remedy(options.toolName, decision) }
        try invocation.confirm(line)
    }

    /// Only the user can lift their own refusal for all tools.
    private static func remedy(_ tool: String, _ decision: ConsentDecision) -> String {
        ArgumentParser.same(decision.source.name, "all-tools preference") ? " until 'telemetry enable --all'" : ""
    }
}
