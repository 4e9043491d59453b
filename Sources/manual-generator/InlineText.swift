// SPDX-License-Identifier: Apache-2.0

/// Text with the little markup that doc comments and the documents have: `code`, [links](…), **bold**. Names of
/// functions, of constants and of other pages are set off without markup.
struct InlineText {
    /// Words that are placeholders for a value, when they are code.
    var placeholders: Set<String> = []
    /// How a link is written, from its text, in roff, and its target.
    var link: (_ text: String, _ target: String) throws -> String = { text, _ in text }

    func roff(_ text: some StringProtocol) throws -> String {
        var rest = Substring(text)
        var result = ""
        while let mark = rest.firstIndex(where: { "`[*".contains($0) }) {
            result += Self.prose(rest[..<mark])
            rest = rest[mark...]
            if let (span, end) = try marked(rest) {
                result += span
                rest = rest[end...]
            } else {
                result += Roff.prose(rest.prefix(1))
                rest = rest.dropFirst()
            }
        }
        return result + Self.prose(rest)
    }

    /// The text that the mark at the beginning of `text` encloses, and where it ends; nil: there is no mark.
    private func marked(_ text: Substring) throws -> (String, Substring.Index)? {
        if let match = text.prefixMatch(of: #/`([^`]+)`/#) { return (code(match.1), match.range.upperBound) }
        if let match = text.prefixMatch(of: #/\*\*([^*]+)\*\*/#) {
            return (Roff.bold(Roff.prose(match.1)), match.range.upperBound)
        }
        if let match = text.prefixMatch(of: #/\[([^\[\]]+)\]\(([^()\s]+)\)/#) {
            return (try link(roff(match.1), String(match.2)), match.range.upperBound)
        }
        return nil
    }

    private func code(_ text: Substring) -> String {
        if placeholders.contains(String(text)) { return Roff.italic(Roff.code(text)) }
        return text.wholeMatch(of: Self.reference) != nil ? Self.prose(text) : Roff.bold(Roff.code(text))
    }

    /// `telemetry_open()`, `wait(2)`, `TELEMETRY_OK`.
    private static let reference = #/([A-Za-z_][A-Za-z0-9_.\-]*)\(([1-8]?)\)|TELEMETRY_[A-Z_]*[A-Z]/#

    private static func prose(_ text: Substring) -> String {
        var result = ""
        var end = text.startIndex
        for match in text.matches(of: reference) {
            result += Roff.prose(text[end..<match.range.lowerBound]) + referred(match.output)
            end = match.range.upperBound
        }
        return result + Roff.prose(text[end...])
    }

    /// The library's own functions have a page each.
    private static func referred(_ match: (Substring, Substring?, Substring?)) -> String {
        guard let name = match.1, let section = match.2 else { return Roff.bold(Roff.code(match.0)) }
        let hasPage = section.isEmpty && name.hasPrefix("telemetry_")
        return Roff.bold(Roff.code(name)) + "(" + (hasPage ? "3" : section) + ")"
    }
}
