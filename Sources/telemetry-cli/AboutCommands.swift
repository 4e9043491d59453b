// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `version` and `help`: about the helper itself; no tool is needed.
enum AboutCommands {
    static func version(_ invocation: Invocation) throws(Failure) -> ExitCode {
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("version", TelemetryVersion.text)
            try invocation.answer(object.text)
        } else {
            try invocation.answer("telemetry " + TelemetryVersion.text + "\n")
        }
        return .ok
    }

    static func help(
        _ command: CommandSyntax?, _ invocation: Invocation, _ syntax: CommandLineSyntax
    ) throws(Failure) -> ExitCode {
        if invocation.wantsJSON {
            try invocation.answer((command.map(CommandTableJSON.command) ?? CommandTableJSON.table(syntax)).text)
        } else {
            try invocation.answer(command.map { Help.command($0, syntax) } ?? Help.overview(syntax))
        }
        return .ok
    }

    static func help(
        named name: String?, _ invocation: Invocation, _ syntax: CommandLineSyntax
    ) throws(Failure) -> ExitCode {
        guard let name else { return try help(nil, invocation, syntax) }
        guard let command = syntax.commands.first(where: { ArgumentParser.same($0.name, name) }) else {
            throw invocation.usage("no command '" + name + "'")
        }
        return try help(command, invocation, syntax)
    }
}
