// SPDX-License-Identifier: Apache-2.0

/// Help texts, made from the command table.
enum Help {
    /// `telemetry help`.
    static func overview(_ syntax: CommandLineSyntax) -> String {
        var text = "Usage: telemetry [OPTION]... COMMAND [ARGUMENT]...\n\nCommands:\n"
        text += columns(syntax.commands.map { ($0.name, $0.summary) })
        text += "\nOptions, before or after the command:\n"
        text += columns(syntax.options.map(label))
        text += "\n'telemetry COMMAND --help' says more about a command.\n"
        return text
    }

    /// `telemetry COMMAND --help`.
    static func command(_ command: CommandSyntax, _ syntax: CommandLineSyntax) -> String {
        var text = ""
        for (index, form) in command.forms.enumerated() {
            text += (index == 0 ? "Usage: " : "       ") + "telemetry " + command.name
            text += (form.utf8.isEmpty ? "" : " " + form) + "\n"
        }
        text += "\n" + capitalised(command.summary) + ".\n"
        if !command.details.utf8.isEmpty { text += command.details + "\n" }
        if !command.options.isEmpty { text += "\nOptions:\n" + columns(command.options.map(label)) }
        return text + "\nGlobal options:\n" + columns(syntax.options.map(label))
    }

    private static func label(_ option: OptionSyntax) -> (String, String) {
        (option.name + (option.short.map { ", " + $0 } ?? "") + (option.value.map { " " + $0 } ?? ""), option.summary)
    }

    private static func columns(_ rows: [(String, String)]) -> String {
        let width = rows.reduce(0) { max($0, $1.0.utf8.count) }
        var text = ""
        for (left, right) in rows {
            text += "  " + left + String(repeating: " ", count: width - left.utf8.count + 2) + right + "\n"
        }
        return text
    }

    private static func capitalised(_ text: String) -> String {
        guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return text }
        return String(decoding: [first - 32] + Array(text.utf8.dropFirst()), as: UTF8.self)
    }
}
