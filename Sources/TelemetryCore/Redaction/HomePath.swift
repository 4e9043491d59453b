// SPDX-License-Identifier: Apache-2.0

/// Home directories: their names are those of people.
struct HomePath {
    private static var parents: WordList {
        WordList(
            text:
                "home/|Users/|var/home/|usr/home/|export/home/|c/Users/|mnt/c/Users/|cygdrive/c/Users/|run/media/|home$/|"
        )
    }
    /// Directories there that do not belong to a person.
    private static var shared: WordList { WordList(text: " shared public default all ") }

    /// The end of the home directory whose path begins with the separator at `start`. `home`: the user's own.
    static func end(_ text: TextBytes, _ start: Int, home: [UInt8]) -> Int? {
        if let end = own(text, start, home) { return end }
        guard let first = separatorEnd(text, start) else { return nil }
        return below(text, first).flatMap { name(text, $0) }
    }

    private static func own(_ text: TextBytes, _ start: Int, _ home: [UInt8]) -> Int? {
        guard home.count > 1, home.count <= text.count &- start, !text.isIn(.path, start &+ home.count) else {
            return nil
        }
        for offset in 0..<home.count where text[start &+ offset] != home[offset] { return nil }
        return start &+ home.count
    }

    /// The index behind one of the parents at `start`. Each slash of a parent may be any separator.
    private static func below(_ text: TextBytes, _ start: Int) -> Int? {
        var index: Int? = start
        for offset in 0..<parents.text.utf8CodeUnitCount {
            let byte = parents.text.utf8Start[offset]
            if byte == 0x7C {
                if index != nil { return index }
                index = start
            } else if let at = index {
                index = byte == 0x2F ? separatorEnd(text, at) : text[at] == byte ? at &+ 1 : nil
            }
        }
        return nil
    }

    /// The index behind `/`, `\`, `\/`, `%2F`, any of them several times, and `./`.
    static func separatorEnd(_ text: TextBytes, _ start: Int) -> Int? {
        var index = start
        while index < start &+ 16 {
            if text[index] == 0x2F || text[index] == 0x5C {
                index &+= 1
            } else if let end = QuoteMark.percent(text, index, "2f") ?? QuoteMark.percent(text, index, "5c") {
                index = end
            } else if index > start && text[index] == 0x2E && (text[index &+ 1] == 0x2F || text[index &+ 1] == 0x5C) {
                index &+= 1
            } else {
                break
            }
        }
        return index > start ? index : nil
    }

    private static func name(_ text: TextBytes, _ start: Int) -> Int? {
        let end = text.end(from: start, nameSet)
        return end > start && !text.isListed(start, end, in: shared) ? end : nil
    }

    /// `\Users\NAME` from its first separator.
    static func windowsEnd(_ text: TextBytes, _ start: Int) -> Int? {
        guard let word = separatorEnd(text, start) else { return nil }
        let isOld = text.hasFolded("documents and settings", at: word)
        guard isOld || text.hasFolded("users", at: word), let first = separatorEnd(text, word &+ (isOld ? 22 : 5)),
            let end = name(text, first)
        else { return nil }
        return spacedEnd(text, end)
    }

    /// The drive of a path is a word of one letter.
    static func driveEnd(_ text: TextBytes, word: Int, end: Int) -> Int? {
        guard end &- word == 1, text.isIn(.letter, word) else { return nil }
        if text[end] == 0x3A { return windowsEnd(text, end &+ 1) }
        return QuoteMark.percent(text, end, "3a").flatMap { windowsEnd(text, $0) }
    }

    /// `~name/`, and `~name` at the end of the line or quoted text.
    static func tildeEnd(_ text: TextBytes, _ start: Int) -> Int? {
        let before = text[start &- 1]
        guard before == 0x28 || before.isIn(.space | .quote | .equals | .colon), text.isIn(.letter, start &+ 1) else {
            return nil
        }
        let end = text.end(from: start &+ 1, .word)
        guard end &- start > 2 else { return nil }
        return text[end] == 0x0A || end == text.count || text.isIn(.slash | .quote, end) ? end : nil
    }

    /// A name on Windows may hold spaces; they belong to it if the path goes on behind them.
    private static func spacedEnd(_ text: TextBytes, _ end: Int) -> Int {
        guard text[end] == 0x20 else { return end }
        let index = text.end(from: end, nameSet | .blank, limit: 32)
        return text[index] == 0x5C ? index : end
    }

    private static var nameSet: ByteSet {
        !(.space | .control | .quote | .percent | .ampersand | .slash | .comma | .colon | .semicolon | .less | .equals
            | .greater
            | .question | .bracket | .number | .tilde)
    }
}
