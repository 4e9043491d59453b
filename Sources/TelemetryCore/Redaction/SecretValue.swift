/// Where the value of a secret name stands: behind `=` or `:`, in quotes or not.
struct SecretValue {
    let start: Int
    let end: Int
    let rule: RedactionRule

    /// For the word from `word` to `end`; nil when it names no secret or none follows.
    static func find(_ text: TextBytes, word: Int, end: Int) -> SecretValue? {
        guard let (separator, start) = separator(text, end) else { return option(text, word, end) }
        guard let kind = SecretName.kind(text, word, end) else { return nil }
        switch kind {
        case .header: return header(text, word, start)
        case .assigned where separator == 0x3A: return nil
        case .assigned, .value: return make(text, start, .secretValue)
        }
    }

    /// `=`, `:`, `=>`, `:=` or a percent-encoded `=` behind a name, whose quote may be closed before it.
    /// Not what separates the parts of a URL or of a name in a programming language.
    private static func separator(_ text: TextBytes, _ end: Int) -> (byte: UInt8, start: Int)? {
        var index = end
        if text[index] == 0x5C { index &+= 1 }
        if text[index].isQuote { index &+= 1 } else { index = end }
        index = text.skipBlanks(index)
        let byte = text[index]
        let next = text[index &+ 1]
        if byte == 0x3D { return (byte, text.skipBlanks(index &+ (next == 0x3E ? 2 : 1))) }
        if byte == 0x25 && text.has("%3d", at: index, ignoringCase: true) { return (0x3D, index &+ 3) }
        guard byte == 0x3A, next != 0x3A, !(next == 0x2F && text[index &+ 2] == 0x2F) else { return nil }
        if next == 0x3D { return (0x3D, text.skipBlanks(index &+ 2)) }
        return (byte, text.skipBlanks(index &+ 1))
    }

    /// `--password x` within one text.
    private static func option(_ text: TextBytes, _ word: Int, _ end: Int) -> SecretValue? {
        guard text[word] == 0x2D, text[end].isBlank, SecretName.kind(text, word, end) != nil else { return nil }
        return make(text, text.skipBlanks(end), .option)
    }

    private static func header(_ text: TextBytes, _ word: Int, _ start: Int) -> SecretValue? {
        if opensQuote(text, start) { return make(text, start, .header) }
        let quote = text[word &- 1]
        let end = text.end(from: start) { byte in
            byte != 0x0A && byte != 0x0D && !(quote.isQuote && byte == quote)
        }
        return end > start ? SecretValue(start: start, end: end, rule: .header) : nil
    }

    private static func opensQuote(_ text: TextBytes, _ start: Int) -> Bool {
        text[start].isQuote || (text[start] == 0x5C && text[start &+ 1].isQuote)
    }

    private static func make(_ text: TextBytes, _ start: Int, _ rule: RedactionRule) -> SecretValue? {
        let end: Int
        var first = start
        if opensQuote(text, start) {
            let isEscaped = text[start] == 0x5C
            first = start &+ (isEscaped ? 2 : 1)
            end = quoted(text, first, text[first &- 1], isEscaped: isEscaped)
        } else {
            end = unquoted(text, start)
        }
        return end > first ? SecretValue(start: first, end: end, rule: rule) : nil
    }

    /// To the closing quote, or to the end.
    private static func quoted(_ text: TextBytes, _ start: Int, _ quote: UInt8, isEscaped: Bool) -> Int {
        var index = start
        while index < text.count && text.base[index] != quote {
            // What is escaped inside an escaped quotation closes it; else it is a part of the value.
            if text.base[index] == 0x5C {
                if isEscaped && text[index &+ 1] == quote { return index }
                index &+= 1
            }
            index &+= 1
        }
        return min(index, text.count)
    }

    /// To a blank, a quote, `&`, `;`, `<`, `>`, or a `]` that closes what was opened before. A marker that
    /// stands there already is a part of the value, so that nothing changes the second time.
    private static func unquoted(_ text: TextBytes, _ start: Int) -> Int {
        var depth = 0
        return text.end(from: start) { byte in
            if byte == 0x5B { depth &+= 1 }
            if byte == 0x5D {
                if depth == 0 { return false }
                depth &-= 1
            }
            return !(byte.isSpace || byte.isQuote || byte == 0x26 || byte == 0x3B || byte == 0x3C || byte == 0x3E)
        }
    }
}
