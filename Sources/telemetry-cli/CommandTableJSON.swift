// SPDX-License-Identifier: Apache-2.0

/// The command table as JSON, for programs: completions and telemetry(1) are made from it.
enum CommandTableJSON {
    static func table(_ syntax: CommandLineSyntax) -> JSONObject {
        var object = JSONObject()
        object.add("options", objects: syntax.options.map(option))
        object.add("commands", objects: syntax.commands.map(command))
        return object
    }

    static func command(_ command: CommandSyntax) -> JSONObject {
        var object = JSONObject()
        object.add("name", command.name)
        object.add("forms", command.forms)
        object.add("summary", command.summary)
        object.add("details", command.details)
        object.add("options", objects: command.options.map(option))
        object.add("actions", command.actions)
        object.add("words", UInt64(clamping: command.words))
        object.add("runs_program", command.runsProgram)
        return object
    }

    private static func option(_ option: OptionSyntax) -> JSONObject {
        var object = JSONObject()
        object.add("name", option.name)
        object.add("short", optional: option.short)
        object.add("value", optional: option.value)
        object.add("choices", option.choices)
        object.add("repeats", option.repeats)
        object.add("summary", option.summary)
        return object
    }
}
