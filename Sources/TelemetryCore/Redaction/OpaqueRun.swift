/// Tells random letters and digits from words: in what a machine has drawn, letters, capitals and
/// digits take turns; in names they stand in groups.
struct OpaqueRun {
    static let minimum = 24

    /// Letters and digits, without what belongs to a UUID.
    private var letters = 0
    private var digits = 0
    private var uppers = 0
    /// Neighbours of different kinds.
    private var turns = 0
    /// The part between two separators.
    private var part = Part()
    private var hasOpaquePart = false

    private struct Part {
        var letters = 0
        var digits = 0
        var uppers = 0
        var turns = 0
        var trailingDigits = 0
        var isHexadecimal = true
        var last: UInt8 = 0

        var count: Int { letters &+ digits }

        mutating func add(_ byte: UInt8) {
            let kind: UInt8 = byte.isDigit ? 1 : byte.isUpper ? 2 : 3
            if last != 0 && last != kind { turns &+= 1 }
            last = kind
            if kind == 1 { digits &+= 1 } else { letters &+= 1 }
            trailingDigits = kind == 1 ? trailingDigits &+ 1 : 0
            if kind == 2 { uppers &+= 1 }
            if !byte.isHexadecimal { isHexadecimal = false }
        }

        var isOpaque: Bool {
            if count < OpaqueRun.minimum || letters == 0 { return false }
            let takesTurns = turns &* 5 >= count &* 2
            // A long word with a number behind it, as testSomething2024, is one of letters.
            if digits > 0 && !(digits == trailingDigits && digits <= 4) { return isHexadecimal || digits >= 4 || takesTurns }
            return takesTurns && uppers &* 20 >= letters &* 7 && (letters &- uppers) &* 20 >= letters &* 7
        }
    }

    /// The word from `start` to `end`: letters, digits, `-` and `_`.
    static func isOpaque(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        guard end &- start >= minimum else { return false }
        var run = OpaqueRun()
        run.walk(text, start, end)
        return run.hasOpaquePart
            || (run.digits > 0 && run.letters &+ run.digits >= 20 && run.turns &* 5 >= (run.letters &+ run.digits) &* 2)
    }

    /// The end of base64 with `+` and `/` that begins at `start`, at the first letter or digit of a word.
    static func base64End(_ text: TextBytes, _ start: Int, word: Int) -> Int? {
        guard text[word] == 0x2B || text[word] == 0x2F else { return nil }
        let before = text[start &- 1]
        // What follows a slash or a dot is a path; and a run is looked at once, at its start.
        if before == 0x2F || before == 0x2B || before == 0x2E || before == 0x7E || before == 0x5C { return nil }
        let end = text.end(from: start) { $0.isAlphanumeric || $0 == 0x2B || $0 == 0x2F }
        guard end &- start >= minimum else { return nil }
        var run = OpaqueRun()
        run.walk(text, start, end)
        let isMixed = run.digits > 0 && run.uppers > 0 && run.letters > run.uppers
        return isMixed && run.turns &* 10 >= (run.letters &+ run.digits) &* 3 ? end : nil
    }

    private mutating func walk(_ text: TextBytes, _ start: Int, _ end: Int) {
        var index = start
        while index < end {
            if part.count == 0, let behind = Self.uuidEnd(text, index, end) {
                index = behind
            } else if text[index].isAlphanumeric {
                part.add(text[index])
                index &+= 1
            } else {
                finishPart()
                index &+= 1
            }
        }
        finishPart()
    }

    private mutating func finishPart() {
        if part.isOpaque { hasOpaquePart = true }
        letters &+= part.letters
        digits &+= part.digits
        uppers &+= part.uppers
        turns &+= part.turns
        part = Part()
    }

    /// RFC 9562 section 4: 8-4-4-4-12. It names a thing; it is no key to one.
    private static func uuidEnd(_ text: TextBytes, _ start: Int, _ end: Int) -> Int? {
        let behind = start &+ 36
        guard behind <= end, behind == end || !text[behind].isAlphanumeric else { return nil }
        for offset in 0..<36 {
            let byte = text[start &+ offset]
            let isDash = offset == 8 || offset == 13 || offset == 18 || offset == 23
            if isDash ? byte != 0x2D : !byte.isHexadecimal { return nil }
        }
        return behind
    }
}
