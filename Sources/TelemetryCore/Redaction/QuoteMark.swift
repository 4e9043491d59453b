// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A quote, as it is or as an encoder of texts writes it: `\\\"`, `%22`, `&quot;`, `\u0022`.
enum QuoteMark {
    /// The index behind the quote that begins at `start`; nil: there is none.
    static func end(_ text: TextBytes, _ start: Int) -> Int? {
        switch text[start] {
        case 0x22, 0x27, 0x60: return start &+ 1
        case 0x25: return percent(text, start, "22") ?? percent(text, start, "27")
        case 0x26: break
        case 0x5C:
            var index = start
            while index < start &+ 8 && text[index] == 0x5C { index &+= 1 }
            if text.isIn(.quote, index) { return index &+ 1 }
        default: return nil
        }
        return text.behind("&quot;|&#34;|&#39;|&apos;|\\u0022|\\u0027|", at: start)
    }

    /// The index behind `%XX`, `%25XX` and so on: a sign encoded once or more.
    static func percent(_ text: TextBytes, _ start: Int, _ code: StaticString) -> Int? {
        let end = csystem_text_percent(text.base, text.count, start, code.utf8Start)
        return end > 0 ? end : nil
    }

    /// Where the quote from `mark` to `start` occurs again; the end of the text when it does not.
    static func closing(_ text: TextBytes, mark: Int, _ start: Int) -> Int {
        let quote = text[mark]
        var index = start
        while index < text.count {
            let byte = text.base[index]
            if byte == quote && text.repeats(mark, start, at: index) { return index }
            // An escaped byte is part of the value.
            index &+= byte == 0x5C && start &- mark == 1 ? 2 : 1
        }
        return text.count
    }
}
