// SPDX-License-Identifier: Apache-2.0

/// Passwords that are told only by their place in a line: data source names, .pgpass, hashes of password files.
enum LoginLine {
    private static let longest = 128

    /// `user:password@tcp(`, `user:password@host`, for the word that ends at `end`.
    static func dataSource(_ text: TextBytes, _ word: Int, _ end: Int) -> TextRange? {
        let separator = text[end]
        guard separator == 0x3A || (separator == 0x2F && isOracle(text, word)), text.holds(.letter, word),
            separator == 0x2F || isBeginning(text[word &- 1])
        else { return nil }
        let at = text.end(from: end &+ 1, !(.space | .quote | .slash | .at), limit: longest)
        guard text[at] == 0x40, at > end &+ 1, !text.has("[redacted]", at: end &+ 1) else { return nil }
        let next = at &+ 1
        if text.has("sha256:", at: next) { return nil }
        let isFunction = text.has("tcp", at: next) || text.has("unix(", at: next) || text[next] == 0x2F
        guard
            isFunction || separator == 0x2F
                || (text.holds(.alphanumeric, next) && !text.has("npm", at: word)
                    && HarmlessValue.isUnlikelyWord(text, end &+ 1, at, atLeast: 5))
        else { return nil }
        return TextRange(start: end &+ 1, end: at)
    }

    private static func isBeginning(_ byte: UInt8) -> Bool {
        byte == 0x28 || byte == 0x5B || byte.isIn(.space | .quote | .equals)
    }

    private static func isOracle(_ text: TextBytes, _ word: Int) -> Bool {
        text.has("thin:", at: word &- 5) || text.has("sqlplus ", at: word &- 8)
    }

    /// `host:port:database:user:password`, from the start of a line or a word on; the manual of PostgreSQL,
    /// section 34.16.
    static func passwordFile(_ text: TextBytes, _ start: Int) -> TextRange? {
        let host = text[start] == 0x2A ? start &+ 1 : text.end(from: start, .word | .dot)
        // Most words end here.
        guard text[host] == 0x3A, host > start &+ 2 || text[start] == 0x2A else { return nil }
        var first = host &+ 1
        for number in 0..<3 {
            first = text.match(number == 0 ? "D+:|\\*:" : "D*O+:|\\*:", at: first)
            if first == 0 { return nil }
        }
        let end = SecretValue.unquoted(text, first)
        guard end &- first >= 4, text[first] != 0x2F, !text.has(Redactor.marker, at: first) else { return nil }
        return TextRange(start: first, end: end)
    }

    /// crypt(5): `$id$salt$hash`; RFC 2307: `{SCHEME}base64`.
    static func hash(_ text: TextBytes, _ start: Int) -> Int? {
        let close: UInt8 = text[start] == 0x24 ? 0x24 : 0x7D
        let mark = text.end(from: start &+ 1, .alphanumeric | .dash, limit: 20)
        guard text[mark] == close, mark > start &+ 1, mark < start &+ 20 else { return nil }
        let end = text.end(from: mark &+ 1, .alphanumeric | .dot | .slash | .dollar | .plus | .equals | .comma)
        guard end &- mark > 20, close == 0x24 || text[end &- 1] == 0x3D || OpaqueRun.isOpaque(text, mark &+ 1, end)
        else { return nil }
        return end
    }
}
