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
        case .header: return header(text, word, end, separator)
        case .assigned:
            let isBare = !text.isIn(.word, word) || text.end(from: word, .letter) == end
            if separator.sign == .colon && isBare && !separator.isQuoted { return nil }
            return assigned(text, word, end, separator)
        case .value: return make(text, separator, isPlural: SecretName.nameEnd(text, word, end).isPlural, extends: true)
        }
    }

    /// `?key=`, `&code=`: names of everything, so the value has to look like a secret.
    private static func query(_ text: TextBytes, _ word: Int, _ end: Int, _ separator: NameSeparator) -> SecretValue? {
        let before = text[word &- 1]
        guard separator.sign == .equals, !separator.isQuoted, before.isIn(.question | .ampersand | .semicolon | .number),
            text.isListed(word, end, in: WordList(text: " key code sid session hash "))
        else { return nil }
        return make(text, separator.end, .secretValue, ifUnlikely: 8)
    }

    /// `auth=none` and `pass=3` are no secrets, nor are `sig=SIGTERM` and `pin=GPIO17`.
    private static func assigned(_ text: TextBytes, _ word: Int, _ end: Int, _ separator: NameSeparator) -> SecretValue? {
        if text.has("SIG", at: separator.end) { return nil }
        let isShort = text.hasFolded("in", at: end &- 2) || text.hasFolded("id", at: end &- 2) || text.hasFolded("otp", at: end &- 3)
        let digits = text.end(from: separator.end, .digit | .slash | .dot | .percent) &- separator.end
        if digits > 0 && !text.isIn(.word, separator.end &+ digits) {
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
        guard text.isIn(.space, end), end < text.count, let kind = SecretName.kind(text, word, end) else { return nil }
        let start = skipSpaces(text, end)
        if text[word] == 0x2D {
            // `--tokens 12`, `[--password VALUE]`, `--password (default: none)`
            guard text[start] != 0x28, let value = make(text, start, .option) else { return nil }
            let isPlural = SecretName.nameEnd(text, word, end).isPlural && HarmlessValue.isNumber(text, value.start, value.end)
            return isPlural || text.end(from: value.start, .upper | .underscore | .dash) >= value.end ? nil : value
        }
        guard kind == .value || text.has("_auth", at: word) else { return nil }
        if followsLogin(text, word) || text.has(" login ", at: unquoted(text, start)) { return make(text, start, .login) }
        return make(text, text.behind("is |was |to |of |", at: start) ?? start, .secretValue, ifUnlikely: 5)
    }

    /// Whether one of the two words before `word` says that a login follows.
    private static func followsLogin(_ text: TextBytes, _ word: Int) -> Bool {
        var index = word
        for _ in 0..<2 {
            let least = max(0, index &- 128)
            while index > least && text.isIn(.space, index &- 1) { index &-= 1 }
            let end = index
            while index > least && !text.isIn(.space, index &- 1) { index &-= 1 }
            if text.isListed(index, end, in: WordList(text: " login machine account user ")) { return true }
        }
        return false
    }

    private static func header(_ text: TextBytes, _ word: Int, _ end: Int, _ separator: NameSeparator) -> SecretValue? {
        let start = separator.end
        if let first = QuoteMark.end(text, start) {
            let end = QuoteMark.closing(text, mark: start, first)
            return end > first ? SecretValue(start: first, end: end, rule: .header) : nil
        }
        // "cookie: expired"; a header says more.
        if HarmlessValue.isLine(text, start) || HarmlessValue.isSentence(text, start) { return nil }
        // What is no `name=value` is no cookie.
        if separator.sign == .colon && text.hasFolded("cookie", at: end &- 6) && text[text.end(from: start, !(.equals | .lineEnd), limit: 128)] != 0x3D { return nil }
        let quote = text[word &- 1]
        var end = text.end(from: start, quote.isIn(.quote) ? !(.lineEnd | .quote) : !.lineEnd)
        while text.isIn(.quote, end) && text[end] != quote { end = text.end(from: end &+ 1, !(.lineEnd | .quote)) }
        return end > start ? SecretValue(start: start, end: end, rule: .header) : nil
    }

    // MARK: values

    private static func make(_ text: TextBytes, _ start: Int, _ rule: RedactionRule) -> SecretValue? {
        if let first = QuoteMark.end(text, start) {
            return quoted(text, first, QuoteMark.closing(text, mark: start, first), rule)
        }
        if HarmlessValue.begins(text, start) || HarmlessValue.isSentence(text, start) { return nil }
        let end = unquoted(text, start)
        return end > start && !HarmlessValue.isFiller(text, start, end) ? SecretValue(start: start, end: end, rule: rule) : nil
    }

    private static func quoted(_ text: TextBytes, _ start: Int, _ end: Int, _ rule: RedactionRule) -> SecretValue? {
        end > start && !HarmlessValue.isPlainQuoted(text, start, end) ? SecretValue(start: start, end: end, rule: rule) : nil
    }

    private static func make(_ text: TextBytes, _ separator: NameSeparator, isPlural: Bool, extends: Bool) -> SecretValue? {
        if separator.sign == .element { return element(text, separator.end) }
        let wrapping = ValueWrapping(text, separator.end)
        let start = wrapping.end
        if let first = QuoteMark.end(text, start) {
            var end = QuoteMark.closing(text, mark: start, first)
            if wrapping.isList { end = listEnd(text, mark: start, first, end) }
            return quoted(text, first, end, .secretValue)
        }
        if HarmlessValue.begins(text, start) || (separator.sign == .colon && HarmlessValue.isSentence(text, start)) { return nil }
        var end = unquoted(text, start)
        if wrapping.isNextLine {
            // The next line may be another setting, or the next sentence.
            let name = text.end(from: start, .word)
            let isSetting = end > start && (text[end &- 1] == 0x3A || (name < end && text[name] == 0x3A))
            if isSetting || (!wrapping.isIndented && !HarmlessValue.isUnlikelyWord(text, start, end, atLeast: 5)) { return nil }
        }
        if wrapping.isList { while end > start && text[end &- 1] == 0x2C { end &-= 1 } }
        if end <= start || HarmlessValue.isFiller(text, start, end) { return nil }
        if isPlural && HarmlessValue.isNumber(text, start, end) { return nil }
        return SecretValue(start: start, end: extends ? phraseEnd(text, start, end) : end, rule: .secretValue)
    }

    /// `>value<`, behind an opening tag.
    private static func element(_ text: TextBytes, _ start: Int) -> SecretValue? {
        let first = text.has("<![CDATA[", at: start) ? start &+ 9 : text.end(from: start, .space)
        var end = text.end(from: first, !(.less | .lineEnd | .ampersand), limit: 4096)
        guard text.isIn(.less | .ampersand, end) else { return nil }
        if first == start &+ 9 && text.has("]]>", at: end &- 3) { end &-= 3 }
        return end > first && !HarmlessValue.isPlain(text, first, end) ? SecretValue(start: first, end: end, rule: .secretValue) : nil
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
        guard text.end(from: start, .letter) >= end else { return end }
        var last = end
        for _ in 0..<32 {
            guard text[last] == 0x20, text.isIn(.alphanumeric, last &+ 1) else { break }
            let next = text.end(from: last &+ 1, .word)
            guard text.isIn(.space, next) else { break }
            last = next
        }
        return last
    }

    private static func skipSpaces(_ text: TextBytes, _ start: Int) -> Int { text.end(from: start, .space, limit: 16) }

    /// To a blank, a quote, `&`, `;`, `<`, `>`, or a `]` that closes what was opened before. A marker that
    /// stands there already is a part of the value, so that nothing changes the second time.
    static func unquoted(_ text: TextBytes, _ start: Int) -> Int {
        var depth = 0
        var index = start
        while true {
            index = text.end(from: index, !(.space | .quote | .ampersand | .semicolon | .less | .greater | .bracket))
            if !text.isIn(.bracket, index) { return index }
            if text[index] == 0x5B { depth &+= 1 }
            if text[index] == 0x5D {
                if depth == 0 { return index }
                depth &-= 1
            }
            index &+= 1
        }
    }
}
