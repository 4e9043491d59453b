import CSystem
import TelemetryCore

/// `enable` and `disable`: the user's own answer, kept in the preference file.
enum ConsentCommands {
    static func enable(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        try store(true, options)
        try report(invocation, options)
        return .ok
    }

    /// The answer first, then the spool: from the first moment on nothing new can be recorded.
    /// What waits is erased even if the answer could not be stored.
    static func disable(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        try refuse(options)
        try report(invocation, options)
        return .ok
    }

    static func refuse(_ options: Options) throws(Failure) {
        var stored: Failure?
        do throws(Failure) { try store(false, options) } catch { stored = error }
        let erased = SpoolInspector.erase(options: options)
        if let stored { throw stored }
        if erased.rawValue < 0 { throw Failure(code: .system, message: "the waiting events could not be erased") }
    }

    private static func store(_ enabled: Bool, _ options: Options) throws(Failure) {
        do throws(SystemError) {
            try PreferenceStore.write(enabled, tool: options.toolName)
        } catch {
            let path = PreferenceStore.path(tool: options.toolName) ?? "no home directory"
            throw Failure(code: .system, message: "cannot store the preference (" + path + "): " + error.text)
        }
    }

    /// What holds from now on, which may differ from the answer: others can overrule it.
    private static func report(_ invocation: Invocation, _ options: Options) throws(Failure) {
        let decision = ConsentResolver.resolve(ConsentInputs.gather(options: options))
        invocation.warn(decision)
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("tool", options.toolName)
            object.add("enabled", decision.isEnabled)
            object.add("source", decision.source.name)
            object.add("reason", decision.reason)
            try invocation.answer(object.text)
        } else {
            let state = decision.isEnabled ? "on" : "off"
            try invocation.confirm("telemetry for " + options.toolName + " is " + state + ": " + decision.reason)
        }
    }
}
