// SPDX-License-Identifier: Apache-2.0

/// One walk over a text, from its start to its end. Each word and each sign that may begin a secret is looked at once.
/// A rule takes the text that it looks ahead at, or looks ahead only so far.
struct RedactionPass {
    private let text: TextBytes
    private let home: [UInt8]
    /// Bytes of output that are enough.
    private let wanted: Int
    private var index = 0
    /// All text before this was written, or is replaced.
    private var copied = 0
    /// Where a path begins although a name comes before it: behind the host of a file URL or of a share.
    private var pathStart = -1
    /// Where the next token begins that may be random as a whole.
    private var tokenStart = -1
    /// The options of the last program of this line that was named before `programEnd`.
    private var program: CommandSecret.Options?
    private var programEnd = 0
    private var output: [UInt8] = []
    private var hasReplaced = false
    /// The rules that found something, by bit.
    private(set) var rules: UInt32 = 0

    /// More is looked at than is kept: an e-mail address may yet take back the text before its `@`.
    private static let margin = 512

    init(_ text: TextBytes, home: [UInt8], keeping limit: Int, program: CommandSecret.Options? = nil) {
        self.text = text
        self.program = program
        self.home = home
        wanted = limit > Int.max &- Self.margin ? Int.max : limit &+ Self.margin
    }

    /// Nil: nothing was found.
    mutating func run() -> [UInt8]? {
        while index < text.count && !isEnough(index) { step() }
        guard hasReplaced else { return nil }
        append(to: min(index, text.count))
        return output
    }

    private func isEnough(_ index: Int) -> Bool { output.count &+ index &- copied >= wanted }

    private mutating func step() {
        let byte = text.base[index]
        if isTokenStart(byte) { lookAhead() }
        if index == tokenStart, let end = tokenEnd() {
            // A key that says what it is may be a part of the token.
            return key(text.end(from: index, .word)) ? () : replace(index, end, .opaqueRun)
        }
        switch byte {
        case 0x2F, 0x5C: path(byte)
        case 0x3A where text.has("//", at: index &+ 1): authority(index &+ 3)
        case 0x3A where text.has("\\/\\/", at: index &+ 1): authority(index &+ 5)
        case 0x40: email(width: 1)
        case 0x25: percent()
        case 0x24, 0x7B:
            if let end = LoginLine.hash(text, index) { replace(index, end, .login) } else { index &+= 1 }
        case 0x7E:
            if let end = HomePath.tildeEnd(text, index) { replace(index, end, .home) } else { index &+= 1 }
        default:
            if byte.isIn(.word) { word() } else { index &+= 1 }
        }
    }

    // MARK: tokens

    private func isTokenStart(_ byte: UInt8) -> Bool {
        !byte.isIn(.space | .quote) && text.isIn(.space | .quote, index &- 1)
    }

    /// A token that is looked at as a whole begins behind `name=` and `name:`.
    private mutating func lookAhead() {
        let name = text.end(from: index, .letter)
        if text.isIn(.space, name) { return }
        if let found = LoginLine.passwordFile(text, index) {
            tokenStart = -1
            return replace(found.start, found.end, .login)
        }
        tokenStart = name > index &+ 1 && text.isIn(.equals | .colon, name) ? name &+ 1 : index
    }

    private func tokenEnd() -> Int? {
        if text.isIn(.slash | .dash, index) { return nil }
        // A longer text is not a token. Dots and commas at its end do not count.
        var end = text.end(from: index, !(.space | .quote), limit: 2 &* OpaqueRun.tokenMaximum)
        while end > index && text.isIn(.dot | .comma, end &- 1) { end &-= 1 }
        guard end &- index >= OpaqueRun.tokenMinimum, end &- index <= OpaqueRun.tokenMaximum else { return nil }
        return OpaqueRun.isOpaqueToken(text, index, end) ? end : nil
    }

    private mutating func percent() {
        if text.has("40", at: index &+ 1) { return email(width: 3) }
        if let colon = QuoteMark.percent(text, index, "3a"), let slash = QuoteMark.percent(text, colon, "2f"),
            let start = QuoteMark.percent(text, slash, "2f")
        {
            if let end = Address.encodedUserInfo(text, start) { return replace(start, end, .userInfo) }
            index = slash
            return
        }
        if QuoteMark.percent(text, index, "2f") != nil || QuoteMark.percent(text, index, "5c") != nil {
            return path(0x2F)
        }
        index &+= 1
    }

    // MARK: words

    private mutating func word() {
        let end = text.end(from: index, .word)
        if let block = Credentials.privateKeyEnd(text, word: end) { return replace(index, block, .privateKey) }
        if let home = HomePath.driveEnd(text, word: index, end: end) { return replace(index, home, .home) }
        if NameSeparator.mayBegin(text[end]), let value = SecretValue.find(text, word: index, end: end) {
            return replace(value.start, value.end, value.rule)
        }
        if CommandSecret.mayBegin(text, index) {
            findProgram()
            if let found = CommandSecret.find(text, index, end, program: program) {
                return replace(found.start, found.end, .command)
            }
        }
        if let found = CommandSecret.other(text, index, end) { return replace(found.start, found.end, .command) }
        if let found = LoginLine.dataSource(text, index, end) { return replace(found.start, found.end, .login) }
        if let found = Credentials.behindScheme(text, word: index, end: end) {
            return replace(found.start, found.end, .scheme)
        }
        if key(end) { return }
        if let base64 = OpaqueRun.base64End(text, index, word: end) {
            return replace(index, padded(base64), .opaqueRun)
        }
        if (end &- index >= OpaqueRun.minimum && OpaqueRun.isOpaque(text, index, end))
            || (text[end] == 0x3D && OpaqueRun.isPadded(text, index, end))
        {
            return replace(index, padded(end), .opaqueRun)
        }
        index = end
    }

    /// Finds the last program that is named on this line before an option.
    private mutating func findProgram() {
        var start = programEnd
        while start < index {
            if text.base[start] == 0x0A { program = nil }
            let end = text.end(from: start, .word)
            if end > start, let found = CommandSecret.program(text, start, end) { program = found }
            start = max(end, start &+ 1)
        }
        programEnd = start
    }

    /// A key that begins with one of the parts of the word.
    private mutating func key(_ end: Int) -> Bool {
        // With its prefix a key has 16 bytes, in one word or with dots.
        if end &- index < 16 && text[end] != 0x2E { return false }
        var start = index
        while start < end && !isEnough(start) {
            if text.isIn(.alphanumeric, start) {
                if let token = TokenPrefix.end(text, start, word: end) {
                    replace(start, token, .tokenPrefix)
                    return true
                }
                if let token = TokenPrefix.webToken(text, start, word: end) {
                    replace(start, token, .webToken)
                    return true
                }
                start = text.end(from: start, .alphanumeric)
            } else {
                start &+= 1
            }
        }
        return false
    }

    /// At most two `=` fill up base64.
    private func padded(_ end: Int) -> Int {
        text[end] == 0x3D ? (text[end &+ 1] == 0x3D ? end &+ 2 : end &+ 1) : end
    }

    // MARK: signs

    private mutating func path(_ byte: UInt8) {
        let before = text[index &- 1]
        if !before.isIn(.path) || index == pathStart || before == 0x5C {
            if let end = HomePath.end(text, index, home: home) { return replace(index, end, .home) }
            if byte == 0x5C, before != byte, let end = HomePath.windowsEnd(text, index) {
                return replace(index, end, .home)
            }
            share(byte, before)
        }
        index = HomePath.separatorEnd(text, index) ?? index &+ 1
    }

    /// `\\host\Users\…`, `//wsl$/Ubuntu/home/…`
    private mutating func share(_ byte: UInt8, _ before: UInt8) {
        guard text[index &+ 1] == byte, before != 0x3A else { return }
        var end = text.end(from: index &+ 2, .path | .dollar)
        if text.has("wsl", at: index &+ 2) { end = text.end(from: end &+ 1, .path) }
        if end > index &+ 2 { pathStart = end }
    }

    private mutating func authority(_ start: Int) {
        guard text.isIn(.alphanumeric, index &- 1) else {
            index &+= 1
            return
        }
        let isFile = text.hasFolded("file", at: index &- 4)
        let (end, path) = Address.userInfo(text, start)
        if isFile && text.isIn(.alphanumeric, path &- 1) { pathStart = path }
        if let end { return replace(start, end, .userInfo) }
        index = start
    }

    private mutating func email(width: Int) {
        if let found = Address.email(text, at: index, domain: index &+ width, first: copied) {
            return replace(found.start, found.end, .email)
        }
        index &+= width
    }

    // MARK: output

    private mutating func replace(_ start: Int, _ end: Int, _ rule: RedactionRule) {
        rules |= 1 << UInt32(truncatingIfNeeded: rule.rawValue)
        index = end
        let marker = rule.replacement
        // A marker that is there already stays: the second time changes nothing.
        if end &- start == marker.utf8CodeUnitCount && text.has(marker, at: start) { return }
        append(to: start)
        append(marker.utf8Start, marker.utf8CodeUnitCount)
        copied = end
        hasReplaced = true
    }

    private mutating func append(to end: Int) {
        guard end > copied else { return }
        append(text.base + copied, end &- copied)
        copied = end
    }

    private mutating func append(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        output.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
    }
}
