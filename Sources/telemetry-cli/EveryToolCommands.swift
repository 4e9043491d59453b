// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `disable --all` and `enable --all`: a refusal for every tool of this user, and its end.
enum EveryToolCommands {
    static func disable(_ invocation: Invocation) throws(Failure) -> ExitCode {
        try refuseTool(invocation)
        let isStored = (try? EveryTool.refuse()) != nil
        let notErased = erase(invocation)
        // The erasure may have made the room.
        if !isStored { try refuseAgain() }
        let stillOn = joined(EveryTool.stillOn(), ", ")
        // For people, the error below says it.
        if stillOn.utf8.isEmpty || invocation.wantsJSON {
            try report(
                invocation, "off", lifted: false,
                "telemetry is off for all tools, whatever was answered for one of them")
        }
        if let notErased { throw notErased }
        if !stillOn.utf8.isEmpty {
            throw Failure(
                code: .overruled,
                message: "the refusal is stored, but telemetry stays on for " + stillOn
                    + " ('telemetry explain --tool NAME' says why)")
        }
        return .ok
    }

    static func refuseAgain() throws(Failure) {
        do throws(SystemError) { try EveryTool.refuse() } catch { throw notStored(error) }
    }

    /// If that fails: each tool's own refusal, which takes no room where there was an answer.
    private static func notStored(_ error: SystemError) -> Failure {
        let names = joined(EveryTool.refuseEach(), ", ")
        let refused = names.utf8.isEmpty ? "" : "what is refused now: " + names + "; "
        let path = PreferenceStore.everyToolPath ?? "no home directory"
        return Refusal.notStored(
            path, error, offBecause: nil,
            remedy: refused + Refusal.whatSends(names.utf8.isEmpty ? "any tool" : "others", "DO_NOT_TRACK=1"))
    }

    /// This is not a yes for any tool.
    static func enable(_ invocation: Invocation) throws(Failure) -> ExitCode {
        try refuseTool(invocation)
        let wasRefused: Bool
        do throws(SystemError) { wasRefused = try EveryTool.lift() } catch { throw failure(error) }
        let what = wasRefused ? "the refusal for all tools is lifted" : "there was no refusal for all tools"
        try report(invocation, "none", lifted: wasRefused, what + "; each tool's own answer counts")
        return .ok
    }

    static func refuseTool(_ invocation: Invocation) throws(Failure) {
        if invocation.arguments.has(.tool) {
            throw invocation.usage("--all is about every tool: give it without --tool")
        }
    }

    /// Waiting events are erased even if the answer could not be stored.
    private static func erase(_ invocation: Invocation) -> Failure? {
        do throws(SystemError) {
            let failed = try EveryTool.erase(invocation.role)
            if failed.isEmpty { return nil }
            return Refusal.unconfirmed(
                "what waits could not be erased, or another process does not let go of it: " + joined(failed, ", ")
                    + " ('telemetry disable --tool NAME' says more)")
        } catch {
            let path = SpoolInspector.path(options: Options(toolName: "", toolVersion: "")) ?? ""
            return Refusal.unconfirmed("what waits in " + path + " could not be erased: " + error.text)
        }
    }

    private static func failure(_ error: SystemError) -> Failure {
        let path = PreferenceStore.everyToolPath ?? "no home directory"
        return Failure(code: .system, message: "cannot store the preference (" + path + "): " + error.text)
    }

    private static func report(_ invocation: Invocation, _ state: String, lifted: Bool, _ line: String) throws(Failure)
    {
        guard invocation.wantsJSON else { return try invocation.confirm(line) }
        var object = JSONObject()
        object.add("all_tools", state)
        object.add("lifted", lifted)
        try invocation.answer(object.text)
    }
}
