/// Where the value of a secret name stands: behind `=` or `:`, in an element, in quotes or not, on the next line.
struct SecretValue {
    let start: Int
    let end: Int
    let rule: RedactionRule

    /// For the word from `word` to `end`; nil when it names no secret or none follows.
    static func find(_ text: TextBytes, word: Int, end: Int) -> SecretValue? {
        guard let separator = NameSeparator(text, word: word, end: end) else { return spoken(text, word, end) }
        guard let kind = SecretName.kind(text, word, end) else { return query(text, word, end, separator) }
        switch kind {
        case .header: return header(text, word, separator)
        case .assigned:
            let isBare = !text[word].isWord || text.end(from: word) { $0.isLetter } == end
            if separator.sign == .colon && isBare && !separator.isQuoted { return nil }
            return assigned(text, word, end, separator)
        case .value: return make(text, separator, isPlural: SecretName.nameEnd(text, word, end).isPlural, extends: true)
        }
    }

    /// `?key=`, `&code=`: names of everything, so the value has to look like a secret.
    private static func query(_ text: TextBytes, _ word: Int, _ end: Int, _ separator: NameSeparator) -> SecretValue? {
        let before = text[word &- 1]
        guard separator.sign == .equals, !separator.isQuoted, before == 0x3F || before == 0x26 || before == 0x3B || before == 0x23,
            WordList(text: "key code sid session hash").contains(where: { $0.count == end &- word && text.has($0, at: word, ignoringCase: true) })
        else { return nil }
        return make(text, separator.end, .secretValue, ifUnlikely: 8)
    }

    /// `auth=none` and `pass=3` are no secrets, nor are `sig=SIGTERM` and `pin=GPIO17`.
    private static func assigned(_ text: TextBytes, _ word: Int, _ end: Int, _ separator: NameSeparator) -> SecretValue? {
        if text.has("SIG", at: separator.end) { return nil }
        let isShort = text.has("in", at: end &- 2, ignoringCase: true) || text.has("id", at: end &- 2, ignoringCase: true)
            || text.has("otp", at: end &- 3, ignoringCase: true)
        let digits = text.end(from: separator.end) { $0.isDigit || $0 == 0x2F || $0 == 0x2E || $0 == 0x25 } &- separator.end
        if digits > 0 && !text[separator.end &+ digits].isWord {
            return digits >= (isShort ? 4 : 6) ? make(text, separator.end, .secretValue) : nil
        }
        return isShort ? make(text, separator.end, .secretValue, ifUnlikely: 8) : make(text, separator, isPlural: false, extends: false)
    }

    /// A value that has to look like a secret by itself; its beginning tells.
    private static func make(_ text: TextBytes, _ start: Int, _ rule: RedactionRule, ifUnlikely minimum: Int) -> SecretValue? {
        let first = QuoteMark.end(text, start) ?? start
        let end = min(unquoted(TextBytes(base: text.base, count: min(text.count, first &+ 128)), first), text.count)
        return HarmlessValue.isUnlikelyWord(text, first, end, atLeast: minimum) ? make(text, start, rule) : nil
    }

    /// `--password x` within one text, `password is 'x'`, `login me password x`.
    private static func spoken(_ text: TextBytes, _ word: Int, _ end: Int) -> SecretValue? {
        guard text[end].isSpace, end < text.count, let kind = SecretName.kind(text, word, end) else { return nil }
        let start = skipSpaces(text, end)
        if text[word] == 0x2D {
            guard let value = make(text, start, .option) else { return nil }
            return SecretName.nameEnd(text, word, end).isPlural && HarmlessValue.isNumber(text, value.start, value.end) ? nil : value
        }
        guard kind == .value || text.has("_auth", at: word) else { return nil }
        let isLogin = follows(text, word, "login machine account user") || text.has(" login ", at: unquoted(text, start))
        if isLogin { return make(text, start, .login) }
        var first = start
        _ = WordList(text: "is was to of").contains { each in
            guard text.has(each, at: start), text[start &+ each.count] == 0x20 else { return false }
            first = start &+ each.count &+ 1
            return true
        }
        return make(text, first, .secretValue, ifUnlikely: 5)
    }

    /// Whether the word before the one before is one of `names`.
    private static func follows(_ text: TextBytes, _ word: Int, _ names: StaticString) -> Bool {
        var index = word
        for _ in 0..<2 {
            let least = max(0, index &- 128)
            while index > least && text[index &- 1].isSpace { index &-= 1 }
            let end = index
            while index > least && !text[index &- 1].isSpace { index &-= 1 }
            let found = WordList(text: names).contains { $0.count == end &- index && text.has($0, at: index) }
            if found { return true }
        }
        return false
    }

    private static func header(_ text: TextBytes, _ word: Int, _ separator: NameSeparator) -> SecretValue? {
        let start = separator.end
        if let first = QuoteMark.end(text, start) {
            let end = QuoteMark.closing(text, mark: start, first)
            return end > first ? SecretValue(start: first, end: end, rule: .header) : nil
        }
        // "cookie: expired"; a header says more.
        if HarmlessValue.isLine(text, start) { return nil }
        let quote = text[word &- 1]
        let end = text.end(from: start) { byte in
            byte != 0x0A && byte != 0x0D && !(quote.isQuote && byte == quote)
        }
        return end > start ? SecretValue(start: start, end: end, rule: .header) : nil
    }

    // MARK: values

    private static func make(_ text: TextBytes, _ start: Int, _ rule: RedactionRule) -> SecretValue? {
        if let first = QuoteMark.end(text, start) {
            return checked(text, first, QuoteMark.closing(text, mark: start, first), rule, isQuoted: true)
        }
        return HarmlessValue.begins(text, start) ? nil : checked(text, start, unquoted(text, start), rule)
    }

    private static func checked(_ text: TextBytes, _ start: Int, _ end: Int, _ rule: RedactionRule, isQuoted: Bool = false) -> SecretValue? {
        end > start && !HarmlessValue.isPlain(text, start, end, isQuoted: isQuoted) ? SecretValue(start: start, end: end, rule: rule) : nil
    }

    private static func make(_ text: TextBytes, _ separator: NameSeparator, isPlural: Bool, extends: Bool) -> SecretValue? {
        if separator.sign == .element { return element(text, separator.end) }
        guard let wrapping = ValueWrapping(text, separator.end) else { return nil }
        let start = wrapping.end
        if let first = QuoteMark.end(text, start) {
            var end = QuoteMark.closing(text, mark: start, first)
            if wrapping.isList { end = listEnd(text, mark: start, first, end) }
            return checked(text, first, end, .secretValue, isQuoted: true)
        }
        if HarmlessValue.begins(text, start) { return nil }
        var end = unquoted(text, start)
        if wrapping.isNextLine {
            // The next line may be another setting, or the next sentence.
            let isSetting = end > start && (text[end &- 1] == 0x3A || text.end(from: start) { $0.isWord } < end && text[text.end(from: start) { $0.isWord }] == 0x3A)
            if isSetting || (!wrapping.isIndented && !HarmlessValue.isUnlikelyWord(text, start, end, atLeast: 5)) { return nil }
        }
        if wrapping.isList { while end > start && text[end &- 1] == 0x2C { end &-= 1 } }
        guard checked(text, start, end, .secretValue) != nil else { return nil }
        if isPlural && HarmlessValue.isNumber(text, start, end) { return nil }
        return SecretValue(start: start, end: extends ? phraseEnd(text, start, end) : end, rule: .secretValue)
    }

    /// `>value<`, behind an opening tag.
    private static func element(_ text: TextBytes, _ start: Int) -> SecretValue? {
        let first = text.has("<![CDATA[", at: start) ? start &+ 9 : text.end(from: start) { $0.isSpace }
        var end = text.end(from: first) { $0 != 0x3C && $0 != 0x0A && $0 != 0x26 }
        guard end < first &+ 4096, text[end] == 0x3C || text[end] == 0x26 else { return nil }
        if first == start &+ 9 && text.has("]]>", at: end &- 3) { end &-= 3 }
        return checked(text, first, end, .secretValue)
    }

    /// The other values in quotes of a list.
    private static func listEnd(_ text: TextBytes, mark: Int, _ first: Int, _ end: Int) -> Int {
        var last = end
        for _ in 0..<16 {
            let next = skipSpaces(text, last &+ first &- mark &+ 1)
            guard text[last &+ first &- mark] == 0x2C, let inner = QuoteMark.end(text, next), inner &- next == first &- mark else { break }
            last = QuoteMark.closing(text, mark: next, inner)
        }
        return last
    }

    /// A phrase: the words up to the end of the line.
    private static func phraseEnd(_ text: TextBytes, _ start: Int, _ end: Int) -> Int {
        guard text.end(from: start, while: { $0.isLetter }) >= end else { return end }
        var last = end
        for _ in 0..<32 {
            guard text[last] == 0x20, text[last &+ 1].isAlphanumeric else { break }
            let next = text.end(from: last &+ 1) { $0.isWord }
            guard text[next].isSpace || next == text.count else { break }
            last = next
        }
        return last
    }

    private static func skipSpaces(_ text: TextBytes, _ start: Int) -> Int {
        var index = start
        while index < start &+ 16 && index < text.count && text[index].isSpace { index &+= 1 }
        return index
    }

    /// To a blank, a quote, `&`, `;`, `<`, `>`, or a `]` that closes what was opened before. A marker that
    /// stands there already is a part of the value, so that nothing changes the second time.
    static func unquoted(_ text: TextBytes, _ start: Int) -> Int {
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
