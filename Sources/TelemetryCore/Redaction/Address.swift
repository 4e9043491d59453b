// SPDX-License-Identifier: Apache-2.0

/// The parts of addresses that name a person or let one in: user and password of a URL, e-mail.
enum Address {
    /// RFC 3986 section 3.2.1: the part before the last `@` of the authority that begins at `start`. Returns the end of
    /// this part, and where the authority ends.
    static func userInfo(_ text: TextBytes, _ start: Int) -> (end: Int?, authority: Int) {
        let end = text.end(from: start, !authorityEnd)
        if let at = lastAt(text, start, end) { return (at, end) }
        // A password may hold an unencoded slash. A number behind the colon is a port, not a password.
        guard let colon = lastColon(text, start, end), !isNumber(text, colon &+ 1, end) else { return (nil, end) }
        return (lastAt(text, start, text.end(from: end, !(.space | .quote), limit: 512)), end)
    }

    /// The same in a URL that is part of another: up to `%40`, before the next `%2F`.
    static func encodedUserInfo(_ text: TextBytes, _ start: Int) -> Int? {
        var index = start
        while index < start &+ 256 && !text.isIn(authorityEnd, index) {
            if QuoteMark.percent(text, index, "40") != nil { return index }
            if QuoteMark.percent(text, index, "2f") != nil { return nil }
            index &+= 1
        }
        return nil
    }

    private static var authorityEnd: ByteSet { .space | .quote | .slash | .question | .number | .less | .greater }

    private static func lastAt(_ text: TextBytes, _ start: Int, _ end: Int) -> Int? {
        var index = end &- 1
        while index > start {
            if text[index] == 0x40 { return index }
            index &-= 1
        }
        return nil
    }

    private static func lastColon(_ text: TextBytes, _ start: Int, _ end: Int) -> Int? {
        var index = end &- 1
        while index > start && text[index] != 0x3A { index &-= 1 }
        // The colons of an IPv6 address are in brackets.
        return index > start && text[end &- 1] != 0x5D ? index : nil
    }

    private static func isNumber(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        text.end(from: start, .digit) >= end
    }

    /// Longest local part; RFC 5321 section 4.5.3.1.1 has 64.
    private static let localLimit = 256
    private static let domainLimit = 255

    /// The address around the `@` (or `%40`) from `at` to `domain`, not beginning before `first`.
    static func email(_ text: TextBytes, at: Int, domain: Int, first: Int) -> TextRange? {
        guard let end = domainEnd(text, domain) else { return nil }
        var start = at
        while start > first && text.isIn(local, start &- 1) && at &- start < localLimit { start &-= 1 }
        while start < at && text.isIn(.dash | .dot, start) { start &+= 1 }
        // The account that all users of a host of repositories have.
        if at &- start == 3 && text.has("git", at: start) { return nil }
        return start < at && at &- start < localLimit ? TextRange(start: start, end: end) : nil
    }

    /// A name with a dot whose last part is of letters: neither `pkg@1.2.3` nor `icon@2x.png`.
    private static func domainEnd(_ text: TextBytes, _ start: Int) -> Int? {
        var end = text.end(from: start, .alphanumeric | .dash | .dot | .high, limit: domainLimit &+ 1)
        while end > start && text.isIn(.dash | .dot, end &- 1) { end &-= 1 }
        guard end &- start <= domainLimit, !text.isIn(.dash | .dot, start) else { return nil }
        if text.isIn(.digit, start) && text.has("x.", at: start &+ 1) { return nil }
        var last = end
        while last > start && text.isIn(.letter | .high, last &- 1) { last &-= 1 }
        guard end &- last >= 2, last > start &+ 1, text[last &- 1] == 0x2E, !isOfMachine(text, start, last, end) else {
            return nil
        }
        return end
    }

    /// Names of algorithms (`aes256-gcm@openssh.com`) and of systemd's units (`getty@tty1.service`).
    private static func isOfMachine(_ text: TextBytes, _ start: Int, _ last: Int, _ end: Int) -> Bool {
        end &- start == 11 && text.has("openssh.com", at: start)
            || end &- start == 10 && text.has("libssh.org", at: start)
            || text.isListed(
                last, end,
                in: WordList(text: " service socket timer target mount automount slice scope path device swap "))
    }

    private static var local: ByteSet { .word | .high | .dot | .percent | .plus }
}
