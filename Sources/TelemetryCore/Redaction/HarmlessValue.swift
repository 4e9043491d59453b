/// What stands behind the name of a secret and is none: a message about it, a place for it, a type, code.
enum HarmlessValue {
    private static var words: WordList {
        WordList(text: " expected none null nil undefined true false yes no off empty unset set too short wrong incorrect mismatch rejected unknown unexpected optional option string str int bool bytes char disabled enabled unavailable absent needed need malformed unchanged unsupported default field here ok bad good done basic bearer plain digest oauth oauth2 ldap pam sso gssapi kerberos anonymous token password secret self verified high low eof eol please check such new let var auto never always prompt ask stdin file env keyring closed started identifier public class type present loaded ignored changed reset updated stored saved accepted allowed forbidden available configured provided supplied specified north south skip skipped warn run use require take expect accept want allow sensitive hidden redacted masked omitted known deprecated conflicts conflict used using seen ambiguous implies ")
    }

    /// Words that join others to a sentence.
    private static var joining: WordList {
        WordList(text: " is was are were be been has have had must may might shall should will would can cannot could does do doesn don didn isn wasn aren won or and but nor so for with without within from to of the a an in on at by via as into over under between during until about per when because if unless instead while before after since although than then only also already still again once twice where which that this these it its they them you your we our not missing required requires takes expects accepts needs wants lacks expired failed denied revoked invalid error errors found given failure await contains includes exceeds matches differs begins ends ")
    }

    /// The bytes from `start` to `end` of a list or a command.
    static func isPlain(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool { begins(text, start) || isFiller(text, start, end) }

    /// Between quotes one word has to be all.
    static func isPlainQuoted(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        isPlaceholder(text, start) || isWord(text, start, end, true) || isFiller(text, start, end)
    }

    /// Hardly anything, or one sign over and over: `********`.
    static func isFiller(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        if end &- start < 3 { return !text.isIn(.alphanumeric, start) }
        return !text.isIn(.digit, start) && text.repeats(start, end &- 1, at: start &+ 1)
    }

    /// Tells from the first bytes alone, before the end is looked for: a text full of such beginnings stays cheap.
    static func begins(_ text: TextBytes, _ start: Int) -> Bool {
        isPlaceholder(text, start) || isWord(text, start, text.count, false) || isCall(text, start)
    }

    /// One word that is all of the line.
    static func isLine(_ text: TextBytes, _ start: Int) -> Bool {
        let end = text.end(from: start, .alphanumeric)
        return (end == text.count || text.isIn(.lineEnd, end)) && isWord(text, start, end, true)
    }

    /// Digits and what stands between numbers.
    static func isNumber(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        text.isAll(.digit | .dot | .slash | .percent | .comma | .blank, start, end)
    }

    /// Letters and digits that nobody writes as words; where names say too little.
    static func isUnlikelyWord(_ text: TextBytes, _ start: Int, _ end: Int, atLeast minimum: Int) -> Bool {
        guard end &- start >= minimum, text.isAll(!.space, start, end) else { return false }
        return !(text.isAll(!.digit, start, end) || text.isAll(!.letter, start, end))
            || (end &- start >= 12 && OpaqueRun.isOpaque(text, start, end))
    }

    /// `${NAME}`, `$NAME`, `{{ name }}`, `%s`, `<name>`, `{}`.
    private static func isPlaceholder(_ text: TextBytes, _ start: Int) -> Bool {
        let next = text[start &+ 1]
        switch text[start] {
        case 0x24:
            let end = text.end(from: start &+ 1, .upper | .underscore)
            return next == 0x7B || next == 0x28 || (end > start &+ 1 && !text.isIn(.word, end))
        case 0x7B: return next == 0x7B || next == 0x7D || next == 0x25
        case 0x25: return next.isIn(.letter) && !text.isIn(.alphanumeric, start &+ 2)
        case 0x3C: return true
        default: return false
        }
    }

    /// "network is down": a word, and one of a message among the next three.
    static func isSentence(_ text: TextBytes, _ start: Int) -> Bool {
        var end = text.end(from: start, .letter)
        if end == start { return false }
        for _ in 0..<3 {
            let next = text.end(from: end &+ 1, .alphanumeric)
            guard text[end] == 0x20, !text.isIn(.word, next) else { return false }
            if text.isListed(end &+ 1, next, in: joining) { return true }
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
        // `none)`, `null,`, `Option<String>`; but `good-day7` is no word.
        guard behind >= end || !(isQuoted || text[behind] == 0x21 || text.isIn(.word | .high, behind)) else { return false }
        return text.isListed(first, behind, in: words) || text.isListed(first, behind, in: joining)
    }

    /// `lexer.next()`, `os.environ[`: a name and a bracket.
    private static func isCall(_ text: TextBytes, _ start: Int) -> Bool {
        let behind = text.end(from: start, .letter | .underscore | .dot | .colon, limit: 128)
        guard behind > start &+ 2 else { return false }
        if text[behind] == 0x28 || (text[behind] == 0x5B && text.isIn(.lower, behind &- 1)) { return true }
        // `process.env.SECRET`: three names.
        let second = text.end(from: text.end(from: start, .letter | .underscore) &+ 1, .letter | .underscore)
        return text[second] == 0x2E && !text.isIn(.word | .high, behind) && text.end(from: second, .dot) < behind
    }
}
