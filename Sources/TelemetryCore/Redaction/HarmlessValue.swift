/// What stands behind the name of a secret and is none: a message about it, a place for it, a type, code.
enum HarmlessValue {
    private static var words: WordList {
        WordList(text: "required expected missing invalid none null nil undefined true false yes no on off empty unset set not must is was are too short wrong incorrect mismatch expired revoked denied rejected failed unknown unexpected optional option string str int bool bytes char disabled enabled unavailable absent needed needs need malformed unchanged unsupported default field given here ok bad good done basic bearer plain digest oauth oauth2 ldap pam sso gssapi kerberos anonymous token password secret self verified high low eof eol and or of for in the a an to from with has have had should cannot can could will does do please check error no such new let var auto never always prompt ask stdin file env keyring closed started identifier public class type found present loaded ignored changed reset updated stored saved accepted allowed forbidden available configured provided supplied specified north south skip skipped warn run use")
    }

    /// The bytes from `start` to `end`; between quotes one word has to be all.
    static func isPlain(_ text: TextBytes, _ start: Int, _ end: Int, isQuoted: Bool = false) -> Bool {
        if isQuoted ? isPlaceholder(text, start) || isWord(text, start, end, true) : begins(text, start) { return true }
        if end &- start < 3 { return !text[start].isAlphanumeric }
        return !text[start].isDigit && text.end(from: start) { $0 == text[start] } >= end
    }

    /// Tells from the first bytes alone, before the end is looked for: a text full of such beginnings stays cheap.
    static func begins(_ text: TextBytes, _ start: Int) -> Bool {
        isPlaceholder(text, start) || isWord(text, start, text.count, false) || isCall(text, start)
    }

    /// One word that is all of the line.
    static func isLine(_ text: TextBytes, _ start: Int) -> Bool {
        let end = text.end(from: start) { $0.isAlphanumeric }
        return (end == text.count || text[end] == 0x0A || text[end] == 0x0D) && isWord(text, start, end, true)
    }

    /// Digits and what stands between numbers.
    static func isNumber(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        text.end(from: start) { $0.isDigit || $0 == 0x2E || $0 == 0x2F || $0 == 0x25 || $0 == 0x2C || $0 == 0x20 } >= end
    }

    /// Letters and digits that nobody writes as words; where names say too little.
    static func isUnlikelyWord(_ text: TextBytes, _ start: Int, _ end: Int, atLeast minimum: Int) -> Bool {
        guard end &- start >= minimum else { return false }
        var hasDigit = false
        var hasLetter = false
        for index in start..<end {
            if text[index].isSpace { return false }
            hasDigit = hasDigit || text[index].isDigit
            hasLetter = hasLetter || text[index].isLetter
        }
        return (hasDigit && hasLetter) || (end &- start >= 12 && OpaqueRun.isOpaque(text, start, end))
    }

    /// `${NAME}`, `$NAME`, `{{ name }}`, `%s`, `<name>`, `{}`.
    private static func isPlaceholder(_ text: TextBytes, _ start: Int) -> Bool {
        let next = text[start &+ 1]
        switch text[start] {
        case 0x24:
            let end = text.end(from: start &+ 1) { $0.isUpper || $0 == 0x5F }
            return next == 0x7B || next == 0x28 || (end > start &+ 1 && !text[end].isWord)
        case 0x7B: return next == 0x7B || next == 0x7D || next == 0x25
        case 0x25: return next.isLetter && !text[start &+ 2].isAlphanumeric
        case 0x3C: return true
        default: return false
        }
    }

    private static func isWord(_ text: TextBytes, _ start: Int, _ end: Int, _ isQuoted: Bool) -> Bool {
        let first = text[start] == 0x26 ? start &+ 1 : start
        let behind = text.end(from: first) { $0.isAlphanumeric }
        guard behind &- first < 16, behind > first, !text[behind &- 1].isDigit || text.has("oauth2", at: first) else { return false }
        // `none)`, `null,`, `Option<String>`; but `good-day7` is no word.
        guard behind >= end || !(isQuoted || text[behind].isWord || text[behind] >= 0x80 || text[behind] == 0x21) else { return false }
        let letter = text[first].lowercased
        return words.contains { $0.base[0] == letter && $0.count == behind &- first && text.has($0, at: first, ignoringCase: true) }
    }

    /// `lexer.next()`, `os.environ[`: a name and a bracket.
    private static func isCall(_ text: TextBytes, _ start: Int) -> Bool {
        let behind = text.end(from: start) { $0.isLetter || $0 == 0x5F || $0 == 0x2E || $0 == 0x3A }
        return behind > start &+ 2 && (text[behind] == 0x28 || (text[behind] == 0x5B && text[behind &- 1].isLower))
    }
}
