/// Home directories, whose names are those of people.
struct HomePath {
    private static var parents: WordList {
        WordList(text: "/home/ /Users/ /var/home/ /usr/home/ /export/home/ /c/Users/ /mnt/c/Users/")
    }

    /// The end of the home directory whose path begins with the `/` at `start`. `home`: the user's own.
    static func end(_ text: TextBytes, _ start: Int, home: [UInt8]) -> Int? {
        if let end = own(text, start, home) { return end }
        var first = start
        let isBelow = parents.contains { parent in
            first = start &+ parent.count
            return text.has(parent, at: start)
        }
        if isBelow { return name(text, first) }
        return text.has("/root", at: start) && !text[start &+ 5].isPath ? start &+ 5 : nil
    }

    private static func own(_ text: TextBytes, _ start: Int, _ home: [UInt8]) -> Int? {
        guard home.count > 1, home.count <= text.count &- start, !text[start &+ home.count].isPath else { return nil }
        for offset in 0..<home.count where text[start &+ offset] != home[offset] { return nil }
        return start &+ home.count
    }

    private static func name(_ text: TextBytes, _ start: Int) -> Int? {
        let end = text.end(from: start, while: isName)
        return end > start ? end : nil
    }

    /// `\Users\NAME`, from its first separator, of which each may stand twice as in JSON and be a `/`.
    static func windowsEnd(_ text: TextBytes, _ start: Int) -> Int? {
        guard let word = behindSeparator(text, start), text.has("users", at: word, ignoringCase: true),
            let first = behindSeparator(text, word &+ 5)
        else { return nil }
        guard let end = name(text, first) else { return nil }
        return spacedEnd(text, end)
    }

    /// The drive of a path is a word of one letter.
    static func driveEnd(_ text: TextBytes, word: Int, end: Int) -> Int? {
        end &- word == 1 && text[end] == 0x3A && text[word].isLetter ? windowsEnd(text, end &+ 1) : nil
    }

    private static func behindSeparator(_ text: TextBytes, _ start: Int) -> Int? {
        if text[start] == 0x2F { return start &+ 1 }
        guard text[start] == 0x5C else { return nil }
        return text[start &+ 1] == 0x5C ? start &+ 2 : start &+ 1
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
        case 0...0x20, 0x22, 0x26...0x29, 0x2C, 0x2F, 0x3A...0x3F, 0x5B...0x5D, 0x60, 0x7B...0x7F, 0x23: false
        default: true
        }
    }
}
