// SPDX-License-Identifier: Apache-2.0

/// Secrets that are told by the text around them: a scheme of HTTP authentication, a PEM frame.
enum Credentials {
    /// RFC 7235 section 2.1: the text behind the word `Bearer` or `Basic`; nil when that is plain language.
    static func behindScheme(_ text: TextBytes, word: Int, end: Int) -> TextRange? {
        guard text.isIn(.blank, end), end &- word >= 5, isScheme(text, word, end) else { return nil }
        let start = text.skipBlanks(end)
        var stop = text.end(from: start, .word | .dot | .tilde | .plus | .slash)
        let filled = text.end(from: stop, .equals)
        // `bearer expires_in=60` is another setting.
        if text.holds(.word | .quote, filled) && filled > stop { return nil }
        stop = filled
        while stop > start && text[stop &- 1] == 0x2E { stop &-= 1 }
        return isCredentials(text, start, stop) ? TextRange(start: start, end: stop) : nil
    }

    private static func isScheme(_ text: TextBytes, _ word: Int, _ end: Int) -> Bool {
        (end &- word == 6 && text.hasFolded("bearer", at: word))
            || (end &- word == 5 && text.hasFolded("basic", at: word))
    }

    private static func isCredentials(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        if end &- start < 8 { return false }
        if end &- start >= 20 { return true }
        for index in start..<end {
            if text.holds(.digit | .equals | .dot, index) { return true }
            if text.holds(.upper, index) && index > start && text.holds(.lower, index &- 1) { return true }
        }
        return false
    }

    /// RFC 7468: the end of the private key block whose first line begins with the word that ends at `word`. If the
    /// block has no end, the end of the text.
    static func privateKeyEnd(_ text: TextBytes, word: Int) -> Int? {
        guard text[word] == 0x20, text[word &- 1] == 0x4E, text.has("-----BEGIN ", at: word &- 10) else { return nil }
        var index = word
        while !text.has("PRIVATE KEY", at: index) {
            index &+= 1
            if index > word &+ 32 || text[index] == 0x0A || text[index] == 0x2D { return nil }
        }
        guard let last = find("-----END ", text, index), let behind = find("-----", text, last &+ 9) else {
            return text.count
        }
        return behind &+ 5
    }

    private static func find(_ literal: StaticString, _ text: TextBytes, _ start: Int) -> Int? {
        var index = start
        while index < text.count {
            if text.has(literal, at: index) { return index }
            index &+= 1
        }
        return nil
    }
}
