// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Options of one letter that mean a secret to some programs: `mysql -pSECRET`, `curl -u user:SECRET`.
enum CommandSecret {
    /// Each program with its options; a capital is another option than the small letter. `+`: the password is in the
    /// same word, because the option alone asks for it. `2`: two words come between.
    private static var programs: WordList {
        WordList(
            text:
                " mysql:p+ mysqldump:p+ mysqladmin:p+ mariadb:p+ mariadb-dump:p+ sshpass:p login:p redis-cli:a ldapsearch:w ldapmodify:w ldapadd:w ldapwhoami:w unzip:P zip:P 7z:p+ 7za:p+ rar:p+ sqlcmd:P bcp:P ipmitool:P mosquitto_pub:P mosquitto_sub:P mongo:p mongosh:p mongodump:p mongorestore:p mongoexport:p curl:ub smbclient:U rpcclient:U useradd:p usermod:p snmpwalk:AX snmpget:AX htpasswd:b2 "
        )
    }

    /// The options of a program: where they are in the list.
    struct Options {
        let first: UnsafePointer<UInt8>

        func has(_ sign: UInt8) -> Bool {
            var option = first
            while option.pointee != 0x20 {
                if option.pointee == sign { return true }
                option += 1
            }
            return false
        }
    }

    /// The options of the program that the word from `start` to `end` names.
    static func program(_ text: TextBytes, _ start: Int, _ end: Int) -> Options? {
        csystem_text_listed(text.base, start, end, programs.text.utf8Start, 0x3A).map { Options(first: $0) }
    }

    /// Whether the word from `word` on may be such an option. Only then is the text before it looked at.
    static func mayBegin(_ text: TextBytes, _ word: Int) -> Bool {
        text[word] == 0x2D && text.isIn(.space | .quote, word &- 1) && text[word &+ 1] != 0
    }

    /// The value of the option that begins with the `-` at `word`, whose word ends at `end`; `program`: from the list.
    static func find(_ text: TextBytes, _ word: Int, _ end: Int, program: Options?) -> TextRange? {
        let letter = text[word &+ 1]
        let name = end &- word
        if text.has("--user", at: word) && name == 6 || text.has("--proxy-user", at: word) && name == 12 {
            return pair(text, behind(text, end &+ (text[end] == 0x3D ? 1 : 0)))
        }
        if let program, letter.isIn(.letter), program.has(letter) { return option(text, word, letter, program) }
        // For any program: a name and a password.
        let isSilent = letter == 0x73 && text[word &+ 2] == 0x75
        if letter == 0x75 || letter == 0x55 || letter == 0x61 || isSilent {
            return pair(text, behind(text, name == 2 || isSilent ? end : word &+ 2))
        }
        return nil
    }

    private static func option(_ text: TextBytes, _ word: Int, _ letter: UInt8, _ program: Options) -> TextRange? {
        let isAttached = !isEnd(text, word &+ 2)
        if !isAttached && program.has(0x2B) { return nil }
        var start = isAttached ? word &+ 2 : behind(text, word &+ 2)
        if text[start] == 0x3D { start &+= 1 }
        start = QuoteMark.end(text, start) ?? start
        // curl -b name=value, -u user:password; smbclient -U user%password
        switch letter {
        case 0x62 where program.has(0x32):
            for _ in 0..<2 { start = behind(text, text.end(from: start, !.space)) }
        case 0x62:
            let sign = text.end(from: start, !(.equals | .space | .quote))
            if text[sign] != 0x3D { return nil }
            start = sign &+ 1
        case 0x75, 0x55: return pair(text, start)
        default: break
        }
        return value(text, start)
    }

    private static func isEnd(_ text: TextBytes, _ index: Int) -> Bool {
        text.holds(.space, index) || (text.holds(.quote, index) && !text.holds(.alphanumeric, index &+ 1))
    }

    /// The index behind the separator of an option and its value: blanks, or `", "` in a list.
    private static func behind(_ text: TextBytes, _ start: Int) -> Int {
        var index = QuoteMark.end(text, start) ?? start
        if text[index] == 0x2C { index &+= 1 } else { index = text.holds(.space, index) ? index : start }
        index = text.skipBlanks(index)
        return QuoteMark.end(text, index) ?? index
    }

    /// The text behind the colon or percent sign. A number there is a group's or a port.
    private static func pair(_ text: TextBytes, _ start: Int) -> TextRange? {
        let start = QuoteMark.end(text, start) ?? start
        let sign = text.end(from: start, !(.colon | .percent | .slash | .equals | .space | .quote))
        guard sign > start, text.holds(.colon | .percent, sign), text[sign &+ 1] != 0x2F,
            let found = value(text, sign &+ 1),
            !HarmlessValue.isNumber(text, found.start, found.end)
        else { return nil }
        // `-u node:node`: a user and its group.
        return found.count == sign &- start && text.repeats(start, sign, at: found.start) ? nil : found
    }

    private static func value(_ text: TextBytes, _ start: Int) -> TextRange? {
        let end = SecretValue.unquoted(text, start)
        return end > start && text[start] != 0x2D && !HarmlessValue.isPlain(text, start, end)
            ? TextRange(start: start, end: end) : nil
    }

    /// `-pass pass:x`, `echo x | sudo -S`, `/p:x`
    static func other(_ text: TextBytes, _ word: Int, _ end: Int) -> TextRange? {
        guard end &- word == 4 || end &- word == 1 else { return nil }
        if text.has("pass:", at: word),
            text.has("pass", at: word &- 5) || text.has("in", at: word &- 3) || text.has("out", at: word &- 4)
        {
            return value(text, word &+ 5)
        }
        if text.has("p:", at: word), text[word &- 1] == 0x2F, text[word &- 2] == 0x20 { return value(text, word &+ 2) }
        if text.has("echo ", at: word), end == word &+ 4 {
            let start = behind(text, end)
            let stop = SecretValue.unquoted(text, start)
            let pipe = text.end(from: stop, .blank | .quote | .bracket)
            if text.has("sudo -S", at: pipe) { return value(text, start) }
        }
        return nil
    }
}
