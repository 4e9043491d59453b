// SPDX-License-Identifier: Apache-2.0

/// Where the value of a secret name is: behind `=` or `:`, in an element, in quotes or not, on the next line.
struct SecretValue {
    let start: Int
    let end: Int
    let rule: RedactionRule

    /// For the word from `word` to `end`; nil when it does not name a secret, or no value follows.
    static func find(_ text: TextBytes, word: Int, end: Int) -> SecretValue? {
        guard let kind = SecretName.kind(text, word, end) else { return query(text, word, end) }
        // `IDENTIFIED BY 'x'`; but `identified by 0x1234`.
        if text.hasFolded("by", at: end &- 2) {
            let start = skipSpaces(text, end)
            return QuoteMark.end(text, start) == nil ? nil : make(text, start, .secretValue)
        }
        guard let separator = NameSeparator(text, word: word, end: end) else { return spoken(text, word, end, kind) }
        // A marker from an earlier pass is the whole value.
        if text[separator.end] == 0x5B && separator.sign != .element && text.has(Redactor.marker, at: separator.end) {
            let end = separator.end &+ Redactor.marker.utf8CodeUnitCount
            if text.holds(kind == .header ? .lineEnd | .end : .space, end) {
                return SecretValue(start: separator.end, end: end, rule: .secretValue)
            }
        }
        // `--token=VALUE`
        if text[word] == 0x2D && HarmlessValue.isVariable(text, separator.end) { return nil }
        switch kind {
        case .header: return header(text, word, end, separator)
        case .assigned:
            let isBare = text.end(from: word, .letter) == end && text[word &- 1] != 0x2E
            if separator.sign == .colon && isBare && !separator.isQuoted {
                return text.has("pass", at: word) && end == word &+ 4 ? random(text, separator.end) : nil
            }
            return assigned(text, word, end, separator)
        case .value:
            let name = SecretName.nameEnd(text, word, end)
            if separator.sign == .colon && isMessage(text, word, end, name.end, separator.end) { return nil }
            return make(text, separator, isPlural: name.isPlural, extends: true)
        }
    }

    /// `token: signature mismatch`, `name:passwd:uid:gid`, `token: 12 bytes`
    private static func isMessage(_ text: TextBytes, _ word: Int, _ end: Int, _ name: Int, _ start: Int) -> Bool {
        if HarmlessValue.isCount(text, start)
            || (text[word &- 1] == 0x3A && text.holds(.space, text.end(from: start, .letter | .underscore | .colon)))
        {
            return true
        }
        // `${TOKEN:-x}`
        if text.has("${", at: word &- 2) { return true }
        if text.isListed(word, name, in: WordList(text: " token signature ")) && HarmlessValue.isShortWord(text, start)
        {
            return true
        }
        return HarmlessValue.isProse(text, start) && !SecretName.mayBePhrase(text, word, name)
    }

    /// `?key=`, `&code=`: such names are used for anything, so the value has to look like a secret.
    private static func query(_ text: TextBytes, _ word: Int, _ end: Int) -> SecretValue? {
        guard text.isIn(.question | .ampersand | .semicolon | .number, word &- 1),
            text.isListed(word, end, in: WordList(text: " key code sid session hash ")),
            let separator = NameSeparator(text, word: word, end: end), separator.sign == .equals, !separator.isQuoted
        else { return nil }
        return make(text, separator.end, .secretValue, ifUnlikely: 8)
    }

    /// `auth=none` and `pass=3` are not secrets, nor are `sig=SIGTERM` and `pin=GPIO17`.
    private static func assigned(_ text: TextBytes, _ word: Int, _ end: Int, _ separator: NameSeparator) -> SecretValue?
    {
        if text.has("SIG", at: separator.end) { return nil }
        let isShort =
            text.hasFolded("in", at: end &- 2) || text.hasFolded("id", at: end &- 2)
            || text.hasFolded("otp", at: end &- 3)
        let digits = text.end(from: separator.end, .digit | .slash | .dot | .percent) &- separator.end
        if digits > 0 && !text.holds(.word, separator.end &+ digits) {
            return digits >= (isShort ? 4 : 6) ? make(text, separator.end, .secretValue) : nil
        }
        return isShort
            ? make(text, separator.end, .secretValue, ifUnlikely: 8)
            : make(text, separator, isPlural: false, extends: false)
    }

    /// `{user: app, pass: x}`; but `pass: 3 tests`.
    private static func random(_ text: TextBytes, _ start: Int) -> SecretValue? {
        let end = min(unquoted(TextBytes(base: text.base, count: min(text.count, start &+ 128)), start), text.count)
        let stop = text.isIn(.comma, end &- 1) ? end &- 1 : end
        // Names of tests and files have other signs, not all three kinds, and few digits.
        var digits = 0
        for index in start..<max(start, stop) where text.isIn(.digit, index) { digits &+= 1 }
        let isMixed =
            stop &- start >= 10 && text.isAll(!(.slash | .dot | .underscore), start, stop)
            && !text.isAll(!.upper, start, stop) && !text.isAll(!.lower, start, stop)
            && (digits >= 3 || (digits > 0 && !text.isAll(.word, start, stop)))
        return isMixed ? SecretValue(start: start, end: stop, rule: .secretValue) : nil
    }

    /// A value that has to look like a secret by itself; its first bytes decide.
    private static func make(_ text: TextBytes, _ start: Int, _ rule: RedactionRule, ifUnlikely minimum: Int)
        -> SecretValue?
    {
        let first = QuoteMark.end(text, start) ?? start
        let end = min(unquoted(TextBytes(base: text.base, count: min(text.count, first &+ 128)), first), text.count)
        return HarmlessValue.isUnlikelyWord(text, first, end, atLeast: minimum) ? make(text, start, rule) : nil
    }

    /// `--password x` within one text, `password is 'x'`, `login me password x`.
    private static func spoken(_ text: TextBytes, _ word: Int, _ end: Int, _ kind: SecretName.Kind) -> SecretValue? {
        guard text.isIn(.space, end), end < text.count else { return nil }
        let start = skipSpaces(text, end)
        // `--password -p`, `delete my-secret --now`
        if text.match("-XB|--", at: start) > 0 { return nil }
        if text[word] == 0x2D {
            // `[--token name]`
            if text[word &- 1] == 0x5B && text[text.end(from: start, .letter | .dash | .underscore)] == 0x5D {
                return nil
            }
            // In a table of options, two blanks come before the description.
            if HarmlessValue.isVariable(text, start) || (start > end &+ 1 && HarmlessValue.isProse(text, start)) {
                return nil
            }
            // `--tokens 12`, `[--password VALUE]`, `--password (default: none)`
            guard text[start] != 0x28, let value = make(text, start, .option) else { return nil }
            let isPlural =
                SecretName.nameEnd(text, word, end).isPlural && HarmlessValue.isNumber(text, value.start, value.end)
            return isPlural ? nil : value
        }
        guard kind == .value || text.has("_auth", at: word) else { return nil }
        if followsLogin(text, word) || text.has(" login ", at: unquoted(text, start)) {
            return make(text, start, .login)
        }
        // A place in a file.
        if text.match("(/|(file:", at: start) > 0 { return nil }
        return make(text, spokenStart(text, start), .secretValue, ifUnlikely: 5)
    }

    /// `is x`, `for alice is x`, `mismatch: 'x'`
    private static func spokenStart(_ text: TextBytes, _ start: Int) -> Int {
        let first =
            text.has("for ", at: start) ? skipSpaces(text, text.end(from: start &+ 4, !.space, limit: 64)) : start
        if let value = text.behind("is |was |to |of |ist |lautet: |lautet |est |", at: first) { return value }
        let word = text.end(from: start, .letter)
        return text.has(": ", at: word) && QuoteMark.end(text, word &+ 2) != nil ? word &+ 2 : start
    }

    /// Whether the second word before `word` says that a login follows, and the first is a name: `login NAME password`.
    private static func followsLogin(_ text: TextBytes, _ word: Int) -> Bool {
        var index = word
        for number in 0..<2 {
            let least = max(0, index &- 128)
            while index > least && text.holds(.space, index &- 1) { index &-= 1 }
            let end = index
            while index > least && !text.holds(.space, index &- 1) { index &-= 1 }
            if number == 0 && (text[index] == 0x2D || HarmlessValue.joins(text, index, end)) { return false }
            if number == 1 && text.isListed(index, end, in: WordList(text: " login machine account user ")) {
                return true
            }
        }
        return false
    }

    private static func header(_ text: TextBytes, _ word: Int, _ name: Int, _ separator: NameSeparator) -> SecretValue?
    {
        let start = separator.end
        if let first = QuoteMark.end(text, start) {
            let end = QuoteMark.closing(text, mark: start, first)
            return end > first && !HarmlessValue.isScheme(text, first)
                ? SecretValue(start: first, end: end, rule: .header) : nil
        }
        // "cookie: expired"; a header says more.
        if HarmlessValue.isLine(text, start) || HarmlessValue.isSentence(text, start) { return nil }
        if HarmlessValue.isScheme(text, text.holds(.quote, start &+ 1) ? start &+ 2 : start) { return nil }
        var end = text.end(from: start, !.lineEnd)
        if HarmlessValue.isPlainQuoted(text, start, end) { return nil }
        // A text that is not `name=value` is not a cookie.
        if separator.sign == .colon && text.hasFolded("cookie", at: name &- 6)
            && text[text.end(from: start, !(.equals | .lineEnd), limit: 128)] != 0x3D
        {
            return nil
        }
        let quote = text[word &- 1]
        if quote.isIn(.quote) { end = text.end(from: start, !(.lineEnd | .quote)) }
        while text.holds(.quote, end) && text[end] != quote { end = text.end(from: end &+ 1, !(.lineEnd | .quote)) }
        return end > start ? SecretValue(start: start, end: end, rule: .header) : nil
    }

    // MARK: values

    private static func make(_ text: TextBytes, _ start: Int, _ rule: RedactionRule) -> SecretValue? {
        if let first = QuoteMark.end(text, start) {
            return quoted(text, first, QuoteMark.closing(text, mark: start, first), rule)
        }
        if HarmlessValue.begins(text, start) || HarmlessValue.isSentence(text, start) { return nil }
        let end = unquoted(text, start)
        return end > start && !HarmlessValue.isFiller(text, start, end)
            ? SecretValue(start: start, end: end, rule: rule) : nil
    }

    private static func quoted(_ text: TextBytes, _ start: Int, _ end: Int, _ rule: RedactionRule) -> SecretValue? {
        end > start && !HarmlessValue.isPlainQuoted(text, start, end) && !HarmlessValue.isName(text, start, end)
            ? SecretValue(start: start, end: end, rule: rule) : nil
    }

    private static func make(_ text: TextBytes, _ separator: NameSeparator, isPlural: Bool, extends: Bool)
        -> SecretValue?
    {
        if separator.sign == .element { return element(text, separator.end) }
        let wrapping = ValueWrapping(text, separator.end)
        let start = wrapping.end
        if let first = QuoteMark.end(text, start) {
            var end = QuoteMark.closing(text, mark: start, first)
            if wrapping.isList { end = listEnd(text, mark: start, first, end) }
            // The output of a command in a shell.
            if text[start] == 0x60 && separator.sign == .equals && text.end(from: first, !.blank) < end { return nil }
            return quoted(text, first, end, .secretValue)
        }
        if HarmlessValue.begins(text, start) || (separator.sign == .colon && HarmlessValue.isSentence(text, start)) {
            return nil
        }
        var end = unquoted(text, start)
        if wrapping.isNextLine {
            // The next line may be another setting, or the next sentence.
            let name = text.end(from: start, .word)
            let isSetting = end > start && (text[end &- 1] == 0x3A || (name < end && text[name] == 0x3A))
            if isSetting || (!wrapping.isIndented && !HarmlessValue.isUnlikelyWord(text, start, end, atLeast: 5)) {
                return nil
            }
        }
        // `= options.key || x`: code, because a shell has no blanks there.
        if text[start &- 1] == 0x20 && text.end(from: start, .letter | .underscore | .dot) == end
            && text.match("\\|\\| |?? |&& ", at: end &+ 1) > 0
        {
            return nil
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
        guard text.has("</", at: end) || text[end] == 0x26 else { return nil }
        if first == start &+ 9 && text.has("]]>", at: end &- 3) { end &-= 3 }
        return end > first && !HarmlessValue.isPlain(text, first, end)
            ? SecretValue(start: first, end: end, rule: .secretValue) : nil
    }

    /// The end of the other values in quotes of a list.
    private static func listEnd(_ text: TextBytes, mark: Int, _ first: Int, _ end: Int) -> Int {
        var last = end
        for _ in 0..<16 {
            let next = skipSpaces(text, last &+ first &- mark &+ 1)
            guard text[last &+ first &- mark] == 0x2C, let inner = QuoteMark.end(text, next),
                inner &- next == first &- mark
            else { break }
            last = QuoteMark.closing(text, mark: next, inner)
        }
        return last
    }

    /// A phrase: the words up to the end of the line.
    private static func phraseEnd(_ text: TextBytes, _ start: Int, _ end: Int) -> Int {
        guard text.end(from: start, .letter) >= end else { return end }
        var last = end
        for _ in 0..<32 {
            guard text[last] == 0x20, text.holds(.alphanumeric, last &+ 1) else { break }
            let next = text.end(from: last &+ 1, .word)
            guard text.holds(.space, next) else { break }
            last = next
        }
        return last
    }

    private static func skipSpaces(_ text: TextBytes, _ start: Int) -> Int { text.end(from: start, .space, limit: 16) }

    /// To a blank, a quote, `&`, `;`, `<`, `>`, or a `]` that closes what was opened before. A marker that is there
    /// already is part of the value, so that nothing changes the second time.
    static func unquoted(_ text: TextBytes, _ start: Int) -> Int {
        var depth = 0
        var index = start
        while true {
            index = text.end(from: index, !(.space | .quote | .ampersand | .semicolon | .less | .greater | .bracket))
            if !text.holds(.bracket, index) { return index }
            if text[index] == 0x5B { depth &+= 1 }
            if text[index] == 0x5D {
                if depth == 0 { return index }
                depth &-= 1
            }
            index &+= 1
        }
    }
}
