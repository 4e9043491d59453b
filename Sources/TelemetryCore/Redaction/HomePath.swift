/// Home directories, whose names are those of people.
struct HomePath {
    private static var parents: WordList {
        WordList(text: "home/ Users/ var/home/ usr/home/ export/home/ c/Users/ mnt/c/Users/ cygdrive/c/Users/ run/media/ home$/")
    }
    /// Directories there that are nobody's.
    private static var shared: WordList { WordList(text: "Shared Public Default All") }

    /// The end of the home directory whose path begins with the separator at `start`. `home`: the user's own.
    static func end(_ text: TextBytes, _ start: Int, home: [UInt8]) -> Int? {
        if let end = own(text, start, home) { return end }
        guard let first = separatorEnd(text, start) else { return nil }
        var end: Int?
        _ = parents.contains { parent in
            if parent.base[0] != text[first] { return false }
            end = below(text, first, parent).flatMap { name(text, $0) }
            return end != nil
        }
        return end
    }

    private static func own(_ text: TextBytes, _ start: Int, _ home: [UInt8]) -> Int? {
        guard home.count > 1, home.count <= text.count &- start, !text[start &+ home.count].isPath else { return nil }
        for offset in 0..<home.count where text[start &+ offset] != home[offset] { return nil }
        return start &+ home.count
    }

    /// Behind `parent` at `start`, each of whose slashes may be any separator.
    private static func below(_ text: TextBytes, _ start: Int, _ parent: TextBytes) -> Int? {
        var index = start
        for offset in 0..<parent.count {
            if parent.base[offset] == 0x2F {
                guard let end = separatorEnd(text, index) else { return nil }
                index = end
            } else {
                guard text[index] == parent.base[offset] else { return nil }
                index &+= 1
            }
        }
        return index
    }

    /// Behind `/`, `\`, `\/`, `%2F`, any of them several times, and `./`.
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
        let end = text.end(from: start, while: isName)
        let isShared = shared.contains { $0.count == end &- start && text.has($0, at: start) }
        return end > start && !isShared ? end : nil
    }

    /// `\Users\NAME` from its first separator.
    static func windowsEnd(_ text: TextBytes, _ start: Int) -> Int? {
        guard let word = separatorEnd(text, start) else { return nil }
        let isOld = text.has("documents and settings", at: word, ignoringCase: true)
        guard isOld || text.has("users", at: word, ignoringCase: true), let first = separatorEnd(text, word &+ (isOld ? 22 : 5)),
            let end = name(text, first)
        else { return nil }
        return spacedEnd(text, end)
    }

    /// The drive of a path is a word of one letter.
    static func driveEnd(_ text: TextBytes, word: Int, end: Int) -> Int? {
        guard end &- word == 1, text[word].isLetter else { return nil }
        if text[end] == 0x3A { return windowsEnd(text, end &+ 1) }
        return QuoteMark.percent(text, end, "3a").flatMap { windowsEnd(text, $0) }
    }

    /// `~name/`, and `~name` at the end of the line or quoted text.
    static func tildeEnd(_ text: TextBytes, _ start: Int) -> Int? {
        let before = text[start &- 1]
        guard before.isSpace || before == 0x22 || before == 0x27 || before == 0x3D || before == 0x3A || before == 0x28, text[start &+ 1].isLetter else { return nil }
        let end = text.end(from: start &+ 1) { $0.isWord }
        guard end &- start > 2 else { return nil }
        return text[end] == 0x2F || text[end] == 0x0A || end == text.count || text[end].isQuote ? end : nil
    }

    /// A name on Windows may hold spaces; they belong to it if the path goes on behind them.
    private static func spacedEnd(_ text: TextBytes, _ end: Int) -> Int {
        guard text[end] == 0x20 else { return end }
        var index = end
        while index < end &+ 32 && (text[index] == 0x20 || isName(text[index])) { index &+= 1 }
        return text[index] == 0x5C ? index : end
    }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x22, 0x25...0x29, 0x2C, 0x2F, 0x3A...0x3F, 0x5B...0x5D, 0x60, 0x7B...0x7F, 0x23: false
        default: true
        }
    }
}
