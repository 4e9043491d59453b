/// A quote, as it is or as what encodes texts writes it: `\\\"`, `%22`, `&quot;`, `\u0022`.
enum QuoteMark {
    private static var entities: WordList { WordList(text: "&quot; &#34; &#39; &apos; \\u0022 \\u0027") }

    /// Behind the quote that begins at `start`; nil: none does.
    static func end(_ text: TextBytes, _ start: Int) -> Int? {
        switch text[start] {
        case 0x22, 0x27, 0x60: return start &+ 1
        case 0x25: return percent(text, start, "22") ?? percent(text, start, "27")
        case 0x5C:
            var index = start
            while index < start &+ 8 && text[index] == 0x5C { index &+= 1 }
            if text[index].isQuote { return index &+ 1 }
        case 0x26: break
        default: return nil
        }
        var end: Int?
        _ = entities.contains { entity in
            if text.has(entity, at: start) { end = start &+ entity.count }
            return end != nil
        }
        return end
    }

    /// Behind `%XX`, `%25XX` and so on, which is a sign encoded once or more.
    static func percent(_ text: TextBytes, _ start: Int, _ code: StaticString) -> Int? {
        guard text[start] == 0x25 else { return nil }
        var index = start &+ 1
        while index < start &+ 7 && text.has("25", at: index) { index &+= 2 }
        return text.has(code, at: index, ignoringCase: true) ? index &+ 2 : nil
    }

    /// Where the same quote as from `mark` to `start` stands again; the end of the text when it does not.
    static func closing(_ text: TextBytes, mark: Int, _ start: Int) -> Int {
        let quote = TextBytes(base: text.base + mark, count: start &- mark)
        var index = start
        while index < text.count {
            if text.base[index] == quote.base[0] && text.has(quote, at: index) { return index }
            // What is escaped is a part of the value.
            if text.base[index] == 0x5C && quote.count == 1 { index &+= 1 }
            index &+= 1
        }
        return text.count
    }
}
