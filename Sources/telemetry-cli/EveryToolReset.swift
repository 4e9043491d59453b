// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `reset --all`: the refusal for every tool, as `disable --all` stores it, and then the reset of each tool that has kept
/// something here or that the user has answered for.
struct EveryToolReset {
    private let invocation: Invocation
    private var objects: [JSONObject] = []
    private var failures: [Failure] = []

    private init(_ invocation: Invocation) { self.invocation = invocation }

    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        try EveryToolCommands.refuseTool(invocation)
        if invocation.arguments.has(.audience) || invocation.arguments.has(.manifest) {
            throw invocation.usage("--all is about everything of every tool: give it without --audience and --manifest")
        }
        let tools = EveryTool.used().map { ToolReset(invocation.options(tool: $0, manifest: nil)) }
        var all = EveryToolReset(invocation)
        let isStored = (try? EveryTool.refuse()) != nil
        for tool in tools { try all.reset(tool) }
        // The erasure may have made the room.
        if !isStored { try EveryToolCommands.refuseAgain() }
        try all.report(tools.count)
        return .ok
    }

    private mutating func reset(_ tool: ToolReset) throws(Failure) {
        let name = tool.options.toolName
        let done: ToolReset.Outcome
        do throws(Failure) { done = try tool.run() } catch {
            var object = JSONObject()
            object.add("tool", name)
            object.add("problems", [error.message])
            objects.append(object)
            return fail(name, error)
        }
        if invocation.wantsJSON {
            objects.append(done.report.json(done.reset))
        } else {
            try done.report.print(invocation, reset: done.reset, before: name + ": ")
        }
        if let failure = done.failure { fail(name, failure) }
    }

    private mutating func fail(_ tool: String, _ failure: Failure) {
        invocation.complain(tool + ": " + failure.message)
        failures.append(failure)
    }

    private func report(_ tools: Int) throws(Failure) {
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("all_tools", "off")
            object.add("tools", objects: objects)
            try invocation.answer(object.text)
        } else {
            try invocation.confirm(
                "telemetry is off for all tools, also for those to come"
                    + (tools == 0 ? "; nothing of any tool was here" : ""))
        }
        guard let worst = Self.worst(failures) else { return }
        throw Failure(
            code: worst,
            message: counted(UInt64(failures.count), "tool") + " of \(tools): not all of it was done, as said above")
    }

    /// What matters most to the user: first that something may go on, last that somebody could not be asked.
    private static func worst(_ failures: [Failure]) -> ExitCode? {
        for code in [ExitCode.overruled, .system, .unconfirmed] where failures.contains(where: { $0.code == code }) {
            return code
        }
        return failures.first?.code
    }
}
