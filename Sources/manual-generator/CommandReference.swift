// SPDX-License-Identifier: Apache-2.0

/// What the command table says, for telemetry(1).
struct CommandReference {
    let table: CommandTable

    /// Options of every command.
    func options(_ page: inout ManualPage) throws { try list(table.options, &page) }

    func commands(_ page: inout ManualPage) throws {
        for command in table.commands {
            page.subsection(command.name)
            page.verbatim(command.forms.map { Roff.bold("telemetry " + Roff.code(command.name)) + Self.form($0) })
            let details = command.details.split(separator: "\n").joined(separator: " ")
            let text = Self.capitalised(command.summary) + "." + (details.isEmpty ? "" : " " + details)
            page.paragraph(try InlineText().roff(text))
            try list(command.options, &page)
        }
    }

    private func list(_ options: [CommandTable.Option], _ page: inout ManualPage) throws {
        for option in options {
            let names = ([option.name] + (option.short.map { [$0] } ?? [])).map { Roff.bold(Roff.code($0)) }
            let value = option.value.map { " " + Roff.italic(Roff.code($0)) } ?? ""
            let choices = option.choices.count > 1 ? "; one of " + option.choices.joined(separator: ", ") : ""
            page.item(names.joined(separator: ", ") + value, try InlineText().roff(option.summary + choices))
        }
    }

    /// Placeholders are capitals.
    private static func form(_ form: String) -> String {
        guard !form.isEmpty else { return "" }
        var result = " "
        var end = form.startIndex
        for match in form.matches(of: #/\b[A-Z]+\b/#) {
            result += Roff.bold(Roff.code(form[end..<match.range.lowerBound])) + Roff.italic(String(match.output))
            end = match.range.upperBound
        }
        return result + Roff.bold(Roff.code(form[end...]))
    }

    private static func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
