// SPDX-License-Identifier: Apache-2.0

/// Text behind the name of a secret that is not a secret: a message about it, a place for it, a type, code.
enum HarmlessValue {
    static var words: WordList {
        WordList(
            text:
                " expected none null nil undefined true false yes no off empty unset set too short wrong incorrect mismatch rejected unknown unexpected optional option string str int bool bytes char disabled enabled unavailable absent unbound needed need malformed unchanged unsupported default field here ok bad good done basic bearer plain digest oauth oauth2 ldap pam sso gssapi kerberos anonymous token password secret self verified high low eof eol please check such new let var auto never always prompt ask stdin file env keyring closed started identifier public class type present loaded ignored changed reset updated stored saved accepted allowed forbidden available configured provided supplied specified north south skip skipped warn run use require take expect accept want allow sensitive hidden redacted masked omitted known deprecated conflicts conflict used using seen ambiguous implies value values arg argument filename name key pass passwd pwd passphrase pat text include omit origin function return shift undef success added removed fixed filtered changeme context property credential credentials signature cookie auth id json pem txt inherit try valid tls cert user username host "
        )
    }

    /// Words that join others into a sentence.
    static var joining: WordList {
        WordList(
            text:
                " is was are were be been has have had must may might shall should will would can cannot could does do doesn don didn isn wasn aren won or and but nor so for with without within from to of the a an in on at by via as into over under between during until about per when because if unless instead while before after since although than then only also already still again once twice where which that this these it its they them you your we our not missing required requires takes expects accepts needs wants lacks expired failed denied revoked invalid error errors found given failure await contains includes exceeds matches differs differ begins ends mismatch malformed unsupported options flag disabled enabled attempt attempts destroyed deleted "
        )
    }

    /// The longest word of both lists.
    static let longest = 11

    /// The bytes from `start` to `end` of a list or a command.
    static func isPlain(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        begins(text, start) || isFiller(text, start, end)
    }

    /// Between quotes, one word has to be the whole text.
    static func isPlainQuoted(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        isPlaceholder(text, start) || isWord(text, start, end, true) || isRemark(text, start, end)
            || isFiller(text, start, end) || isPath(text, start)
            || (text[start] == 0x5B && isWord(text, start &+ 1, end &- 1, true))
    }

    /// `"is invalid"`, `"This field is required."`
    private static func isRemark(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        text.match("is |has |must |cannot |can't |does |should ", at: start) > 0
            || text[end &- 1] == 0x2E && text.holds(.upper, start) && isSentence(text, start)
    }

    /// Hardly any text, or one sign over and over: `********`.
    static func isFiller(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        if end &- start < 3 { return !text.holds(.alphanumeric, start) }
        return !text.holds(.digit, start) && text.repeats(start, end &- 1, at: start &+ 1)
    }

    /// Decides from the first bytes alone, before the end is looked for: a text full of such beginnings stays cheap.
    /// The rule for private keys finds blocks in a PEM frame.
    static func begins(_ text: TextBytes, _ start: Int) -> Bool {
        if isPlaceholder(text, start) || isWord(text, start, text.count, false) || isStandard(text, start)
            || isVersion(text, start) || text.has("-----BEGIN ", at: start)
        {
            return true
        }
        // `hunter2`
        return !text.isIn(.digit, text.end(from: start, .letter))
            && (isCall(text, start) || isName(text, start) || isPath(text, start))
    }

    /// `VALUE`, `API_KEY`, `KEY=VALUE`: what belongs behind an option.
    static func isVariable(_ text: TextBytes, _ start: Int) -> Bool {
        // 15 or more in a row are letters of base 32.
        text.match("UH*K", at: start) > 0 && text.end(from: start, .upper) &- start < 15
    }

    /// `your-secret-key`, `bearer_token`, `SecretString`, `options.password`: several words, and the last one says what
    /// belongs there.
    static func isName(_ text: TextBytes, _ start: Int, _ end: Int = -1) -> Bool {
        let behind = text.end(from: start, .letter | .underscore | .dash | .dot, limit: 64)
        guard end == behind || (end < 0 && text.match("C", at: behind) > 0), text.holds(.letter, start) else {
            return false
        }
        var last = behind
        while last > start && text[last &- 1] == 0x2E { last &-= 1 }
        let stop = last
        let letters: ByteSet = text.holds(.lower, last &- 1) ? .lower : .upper
        while last > start && text.isIn(letters, last &- 1) { last &-= 1 }
        if text.holds(.letter, last &- 1) {
            last &-= 1
            // Such a name counts in code; elsewhere it is a password.
            if text.holds(.space | .quote, behind) { return false }
        }
        guard last > start else { return false }
        if let your = text.behind("your|my|replace|change|insert|", at: start, folds: true),
            text.holds(.dash | .underscore, your)
        {
            return true
        }
        return (stop &- last > 2 && isListed(text, last, stop))
    }

    /// `/etc/ssl/private`, `./keys`, `projects/of/mine`: two names in small letters.
    private static func isPath(_ text: TextBytes, _ start: Int) -> Bool {
        text.match(text.isIn(.letter, start) ? "PP+/PP+/" : "PP+/PP+/|/PP+C|/PP+/PP+|./F|../F|~/F", at: start) > 0
    }

    /// `SHA-256`, `PKCS#8`, `uint16`
    private static func isStandard(_ text: TextBytes, _ start: Int) -> Bool {
        let number = text.end(from: start, .letter, limit: 6)
        guard number < start &+ 6, text.holds(.digit | .dash | .number, number),
            text.isListed(start, number, in: WordList(text: " pkcs rfc sha uint int utf rsa aes hmac ecdsa "))
        else { return false }
        let end = text.match("Y+C|Y+withU*C", at: number)
        return end > 0 && end &- number < 20
    }

    /// `v0.9.19`, one or two digits
    private static func isVersion(_ text: TextBytes, _ start: Int) -> Bool {
        text.match("vD+.D+C|vD+.D+.D+C|DB|DDB", at: start) > 0
    }

    /// `12 bytes`, `401 Unauthorized`, `3 failed attempts`
    static func isCount(_ text: TextBytes, _ start: Int) -> Bool {
        let unit = text.match("D+ ", at: start)
        return unit > 0
            && (text.match("DDD UL", at: start) > 0 || isSentence(text, unit)
                || text.isListed(
                    unit, text.end(from: unit, .letter),
                    in: WordList(text: " byte bytes characters chars entries s seconds minutes hours days times ")))
    }

    /// One word, as parsers name what they read.
    static func isShortWord(_ text: TextBytes, _ start: Int) -> Bool {
        let end = text.match("A+C!Q|DC!Q|DDC!Q|DDDC!Q", at: start)
        return end > 0 && end &- start < 14
    }

    /// Two words of prose, perhaps behind a number. Used where a secret has no blanks.
    static func isProse(_ text: TextBytes, _ start: Int) -> Bool {
        text.match("AL+ L+G|D AL+ L+G|DD AL+ L+G", at: start) > 0
    }

    /// `Bearer $TOKEN`, `Basic <credentials>`, a scheme alone.
    static func isScheme(_ text: TextBytes, _ start: Int) -> Bool {
        let scheme = text.end(from: start, .letter)
        let value = text.end(from: scheme, .blank)
        return isPlaceholder(text, value) || isName(text, value)
            || (value > scheme && isFiller(text, value, text.end(from: value, !(.space | .quote))))
            || (text.holds(.lineEnd | .quote | .control | .end, value) && text.isListed(start, scheme, in: words))
    }

    static func joins(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        end &- start <= longest && text.isListed(start, end, in: joining)
    }

    /// One word that is the whole line.
    static func isLine(_ text: TextBytes, _ start: Int) -> Bool {
        let end = text.end(from: start, .alphanumeric)
        return (end == text.count || text.holds(.lineEnd, end)) && isWord(text, start, end, true)
    }

    /// Digits, and signs that are written between numbers.
    static func isNumber(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        text.isAll(.digit | .dot | .slash | .percent | .comma | .blank | .bracket, start, end)
    }

    /// Letters and digits that nobody writes as words. Used where the name alone says too little.
    static func isUnlikelyWord(_ text: TextBytes, _ start: Int, _ end: Int, atLeast minimum: Int) -> Bool {
        guard end &- start >= minimum, text.isAll(!.space, start, end), !isStandard(text, start) else { return false }
        return !(text.isAll(!.digit, start, end) || text.isAll(!.letter, start, end))
            || (end &- start >= 12 && OpaqueRun.isOpaque(text, start, end))
    }

    /// `${NAME}`, `$NAME`, `{{ name }}`, `%s`, `<name>`, `{}`, `@file`.
    private static func isPlaceholder(_ text: TextBytes, _ start: Int) -> Bool {
        let byte = text[start]
        if byte.isIn(.alphanumeric) {
            let isFiller = byte | 0x20 == 0x78 && byte == text[start &+ 1] && byte == text[start &+ 2]
            // The place where the secret is kept.
            return isFiller
                || (text.isIn(.colon | .plus, text.end(from: start, .letter))
                    && text.match("vault:|op://|arn:aws|ref\\+|ssm:|env:|keyring:|error:", at: start) > 0)
        }
        if text.match(
            "<|${|$(|$V+!W|$V*M*->|{{|{}|{%|{T+}|%(|%{|%VVVV*%|%A!X|%lA!X|%zA!X|%llA!X|__U|\\!A+B|@V*@|\\*\\*\\*",
            at: start) > 0
        {
            return true
        }
        if byte == 0x40 { return isName(text, start &+ 1) || isPath(text, start &+ 1) }
        let name = text.match("$V*M+C", at: start) &- 1
        return name > 0 && (text.match("$A*_", at: start) > 0 || isListed(text, start &+ 1, name))
    }

    /// "network is down": a word, and a word of messages among the next three.
    static func isSentence(_ text: TextBytes, _ start: Int) -> Bool {
        var end = text.end(from: start, .letter)
        if end == start { return false }
        for _ in 0..<3 {
            let next = text.end(from: end &+ 1, .alphanumeric)
            guard text[end] == 0x20, !text.holds(.word, next) else { return false }
            if joins(text, end &+ 1, next) { return true }
            end = next
        }
        return false
    }

    private static func isWord(_ text: TextBytes, _ start: Int, _ end: Int, _ isQuoted: Bool) -> Bool {
        let first = text[start] == 0x26 ? start &+ 1 : start
        let letters = text.end(from: first, .letter)
        if letters == first { return false }
        let behind = text.end(from: letters, .digit, limit: 2)
        if behind > letters && !text.hasFolded("oauth2", at: first) { return false }
        // `none)`, `null,`, `Option<String>`; but `good-day7` is not a word.
        guard behind >= end || !(isQuoted || text[behind] == 0x21 || text.holds(.word | .high, behind)) else {
            return false
        }
        if text.holds(.colon | .at | .slash | .plus | .number, behind) && text.holds(.alphanumeric, behind &+ 1) {
            return false
        }
        return isListed(text, first, behind)
    }

    private static func isListed(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        end &- start <= longest && (text.isListed(start, end, in: words) || text.isListed(start, end, in: joining))
    }

    /// `lexer.next()`, `os.environ[`: a name and a bracket.
    private static func isCall(_ text: TextBytes, _ start: Int) -> Bool {
        let behind = text.end(from: start, .letter | .underscore | .dot | .colon, limit: 128)
        guard behind > start &+ 2 else { return false }
        if text[behind] == 0x28 || (text[behind] == 0x5B && text.holds(.lower, behind &- 1)) { return true }
        // `Vec<u8>,`
        if text[behind] == 0x3C && text.holds(.upper, start) {
            let close = text.end(from: behind &+ 1, .word | .colon | .ampersand | .less | .blank)
            if text[close] == 0x3E && text.holds(.comma | .semicolon | .bracket | .greater, close &+ 1) { return true }
        }
        // `process.env.SECRET`: three names.
        let first = text.end(from: start, .letter | .underscore)
        if first == behind { return false }
        let second = text.end(from: first &+ 1, .letter | .underscore)
        return text[second] == 0x2E && !text.holds(.word | .high, behind) && text.end(from: second, .dot) < behind
    }
}
