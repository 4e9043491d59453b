// SPDX-License-Identifier: Apache-2.0

/// What is written between a name and its value. `=`, `:`, `=>` or `:=`, each as it is or percent-encoded; a quote of
/// the name comes before it. `>` behind the name of an element. `value=` behind the name in an attribute.
struct NameSeparator {
    enum Sign { case equals, colon, element }

    let sign: Sign
    let end: Int
    /// The name is in quotes.
    let isQuoted: Bool

    /// Nil: no value follows. A sign that separates parts of a URL, or of a name in a programming language, does not
    /// count.
    init?(_ text: TextBytes, word: Int, end: Int) {
        let quote = QuoteMark.end(text, end)
        // `["name"] =`
        let isIndex = quote.map { text[$0] == 0x5D } ?? false
        let index = Self.skipBlanks(text, (quote ?? end) &+ (isIndex ? 1 : 0))
        isQuoted = quote != nil
        let byte = text[index]
        let isArrow = text.has("-> ", at: index)
        // `.password("x")`
        let isCall =
            byte == 0x28 && text[word &- 1] == 0x2E && !text.hasFolded("get", at: word)
            && QuoteMark.end(text, index &+ 1) != nil
        guard
            isQuoted || isArrow || isCall || byte.isIn(.equals | .colon | .percent | .greater | .ampersand | .lineEnd)
                || text.holds(.less | .colon, word &- 1)
        else { return nil }
        if let found = Self.assignment(text, index, byte) {
            (sign, self.end) = (found.0, Self.skipBlanks(text, found.1))
        } else if isArrow {
            // `Map(password -> x)`
            (sign, self.end) = (.equals, index &+ 3)
        } else if isCall {
            (sign, self.end) = (.equals, index &+ 1)
        } else if isQuoted && byte == 0x2C && (text[word] == 0x2D || text[word &- 2] == 0x28) {
            // `["--password", "x"]`, `setenv("PASSWORD", "x")`
            let next = Self.skipBlanks(text, index &+ 1)
            guard QuoteMark.end(text, next) != nil else { return nil }
            (sign, self.end) = (.equals, next)
        } else if let value = Self.pairEnd(text, quote ?? end, isQuoted) {
            (sign, self.end) = (.equals, value)
        } else if let start = Self.elementEnd(text, word, index, isQuoted) {
            (sign, self.end) = (.element, start)
        } else {
            return nil
        }
    }

    /// Whether a word that names a secret may be followed by this byte.
    static func mayBegin(_ byte: UInt8) -> Bool {
        byte.isIn(.space | .quote | .percent | .ampersand | .colon | .equals | .greater | .bracket)
    }

    /// `name="password" value="x"`, `{"name": "password", "value": "x"}`, `- name: PASSWORD` and `value: x`
    /// on the next line.
    private static func pairEnd(_ text: TextBytes, _ start: Int, _ isQuoted: Bool) -> Int? {
        let index = text.end(from: start, .space | .comma, limit: 64)
        // Most texts have neither there.
        guard text[index] | 0x20 == 0x76 || text[index] == 0x22 else { return nil }
        guard let value = text.behind(isQuoted ? "value=|value:|\"value\":|" : "value:|", at: index, folds: true) else {
            return nil
        }
        return skipBlanks(text, value)
    }

    private static func skipBlanks(_ text: TextBytes, _ start: Int) -> Int {
        let index = text.skipBlanks(start)
        return index == start && text.has("%20", at: start) ? start &+ 3 : index
    }

    private static func assignment(_ text: TextBytes, _ index: Int, _ byte: UInt8) -> (Sign, Int)? {
        let next = text[index &+ 1]
        switch byte {
        case 0x3D: return (.equals, index &+ (next == 0x3E ? 2 : 1))
        case 0x25:
            if let end = QuoteMark.percent(text, index, "3d") { return (.equals, end) }
            return QuoteMark.percent(text, index, "3a").map { (.colon, $0) }
        case 0x3A where next == 0x3D: return (.equals, index &+ 2)
        case 0x3A where next != 0x3A && !text.has("//", at: index &+ 1): return (.colon, index &+ 1)
        default: return nil
        }
    }

    /// `<password>`, `<x:token type="y">`, `<entry name="password">`, `&lt;password&gt;`
    private static func elementEnd(_ text: TextBytes, _ word: Int, _ index: Int, _ isQuoted: Bool) -> Int? {
        guard isQuoted || text.holds(.less | .colon, word &- 1) || text.has("&lt;", at: word &- 4) else { return nil }
        if text.has("&gt;", at: index) { return index &+ 4 }
        let end = isQuoted ? index : text.end(from: index, !(.less | .greater), limit: 128)
        return text[end] == 0x3E ? end &+ 1 : nil
    }
}
