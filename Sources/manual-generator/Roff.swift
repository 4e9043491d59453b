// SPDX-License-Identifier: Apache-2.0

/// Characters and lines in the language of groff and mandoc. The result is ASCII.
enum Roff {
    /// Longest line of generated source; nothing depends on it.
    private static let width = 78

    /// Prose: a hyphen inside a word stays a hyphen. Any other is a minus that can be copied to a terminal.
    static func prose(_ text: some StringProtocol) -> String {
        let characters = Array(text)
        return characters.indices.map { index in
            guard characters[index] == "-" else { return escaped(characters[index]) }
            let isInside =
                index > 0 && characters[index - 1].isLetter
                && index + 1 < characters.count && characters[index + 1].isLetter
            return isInside ? "-" : "\\-"
        }.joined()
    }

    /// Code: each character means itself.
    static func code(_ text: some StringProtocol) -> String {
        text.map { $0 == "-" ? "\\-" : escaped($0) }.joined()
    }

    static func bold(_ escaped: String) -> String { escaped.isEmpty ? "" : "\\fB\(escaped)\\fP" }

    static func italic(_ escaped: String) -> String { escaped.isEmpty ? "" : "\\fI\(escaped)\\fP" }

    /// Lines of text, broken at spaces. No line is taken for a request or for the end of a sentence.
    static func filled(_ escaped: String) -> [String] {
        var lines: [String] = []
        for word in escaped.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines.enumerated().map { guarded($1 + ($0 < lines.count - 1 && endsSentence($1) ? "\\&" : "")) }
    }

    /// A line that begins with a control character is nevertheless text.
    static func guarded(_ line: String) -> String {
        line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
    }

    /// Groff would put two spaces behind the end of a sentence, but only where a line of the source ends.
    private static func endsSentence(_ line: String) -> Bool {
        var rest = line[...]
        while rest.hasSuffix("\\fP") { rest = rest.dropLast(3) }
        while let last = rest.last, "\")]".contains(last) { rest = rest.dropLast() }
        return rest.last.map { ".?!".contains($0) } ?? false
    }

    private static func escaped(_ character: Character) -> String {
        switch character {
        case "\\": "\\e"
        case "'": "\\(aq"
        case "`": "\\(ga"
        case "^": "\\(ha"
        case "~": "\\(ti"
        case "\u{2013}": "\\(en"
        default:
            character.isASCII
                ? String(character)
                : character.unicodeScalars.map { "\\[u" + hexadecimal($0.value) + "]" }.joined()
        }
    }

    /// Four digits at least, as groff_char(7) wants them.
    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
