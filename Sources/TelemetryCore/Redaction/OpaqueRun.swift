// SPDX-License-Identifier: Apache-2.0

/// Tells random letters and digits from words: each pair of neighbours counts for one or the other. Letters that seldom
/// follow each other, and turns between letters, capitals and digits, are signs of a text that a machine has drawn.
struct OpaqueRun {
    static let minimum = 20
    static let tokenMinimum = 24
    static let tokenMaximum = 200

    /// Whether each pair of letters is among the 260 most frequent in source code, documents and settings: one bit for
    /// each pair. A character from `0` on holds six bits.
    private static var frequentPairs: StaticString {
        "_e[oMaBFDWMi1oT\\7lOnoG>9i1AVV74A@:`OhkZ@0004A04@?9cAKT=5eGkl`Kmk7MV\\7100@`OmkCEf_GmKnNdOij0A4004AH2051R000;30A000"
    }
    /// A run with this score is random. The weights are four times the logarithms of how many times more often a pair
    /// occurs in random runs.
    private static let threshold = 16
    private static let tokenThreshold = 20
    /// More frequent pairs in a row than this make a word.
    private static let longestWord = 5
    private static let hexadecimalMinimum = 24
    /// Twelve, and the sign before them.
    private static let longestPart = 13
    /// The seventeen hexadecimal digits of `subnet-0d34b6310bd34a1f2`, and the sign.
    private static let longestNumber = 18
    /// Only so many bytes of a longer run are looked at.
    private static let examined = 512

    /// What a separator counts for.
    private let separator: Int
    private var score = 0
    private var letters = 0
    private var digits = 0
    private var uppers = 0
    /// Runs of digits, and runs of capitals.
    private var groups = 0
    private var row = 0
    private var longestRow = 0
    private var frequent = 0
    private var longestFrequent = 0
    private var last: UInt8 = 0
    /// One bit for a letter or digit that was seen.
    private var seen: UInt64 = 0
    /// The part between two separators.
    private var partDigits = 0
    private var isHexadecimal = true
    private var hasHexadecimal = false

    private init(separator: Int) { self.separator = separator }

    /// The word from `start` to `end`: letters, digits, `-` and `_`.
    static func isOpaque(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        guard end &- start >= minimum, !isSymbol(text, start), !isThing(text, start, end) else { return false }
        var run = OpaqueRun(separator: -8)
        run.walk(text, start, min(end, start &+ examined))
        return run.hasHexadecimal || (run.score >= threshold && run.letters > 0 && run.isMixed)
    }

    /// The text between blanks or quotes, including signs.
    static func isOpaqueToken(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        if isSymbol(text, start) { return false }
        var run = OpaqueRun(separator: 0)
        for index in start..<end {
            let byte = text.base[index]
            if byte == 0x5C || byte >= 0x80 || (byte == 0x3A && text.has("//", at: index &+ 1)) { return false }
        }
        run.walk(text, start, end)
        return run.score >= tokenThreshold && run.longestFrequent <= longestWord && run.digits > 0 && run.uppers >= 3
            && run.letters &- run.uppers >= 3 && run.isMixed
    }

    /// Base64 that is filled up with `=`, and begins and ends where the word does. It is short, so it has to look
    /// random.
    static func isPadded(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        let fill = text[end &+ 1] == 0x3D ? 2 : 1
        guard end &- start >= 12, (end &- start &+ fill) & 3 == 0, !text.isIn(.word, end &+ fill),
            text[end &+ fill] != 0x3D
        else { return false }
        var run = OpaqueRun(separator: -8)
        run.walk(text, start, end)
        return run.score >= 0 && run.uppers >= 2 && run.letters > run.uppers
    }

    /// The end of base64 with `+` and `/` that begins at `start`, at the first letter or digit of a word.
    static func base64End(_ text: TextBytes, _ start: Int, word: Int) -> Int? {
        guard text[word] == 0x2B || text[word] == 0x2F else { return nil }
        let before = text[start &- 1]
        // Text behind a slash or a dot is a path. A run is looked at only once, at its start.
        if before == 0x5C || before.isIn(.slash | .plus | .dot | .tilde) { return nil }
        let end = text.end(from: start, .alphanumeric | .plus | .slash)
        guard end &- start >= minimum else { return nil }
        var run = OpaqueRun(separator: -4)
        run.walk(text, start, end)
        return run.score >= tokenThreshold && run.digits > 0 && run.uppers > 0 && run.letters > run.uppers ? end : nil
    }

    /// The quick look at attributes relies on this. A few letters over and over are a ruler or a filler.
    private var isMixed: Bool { (longestRow >= 8 || groups >= 4) && seen.nonzeroBitCount >= 8 }

    /// Names that compilers make: Itanium C++, Rust, Swift.
    private static func isSymbol(_ text: TextBytes, _ start: Int) -> Bool {
        if text[start] == 0x5F { return text[start &+ 1] == 0x5A || text[start &+ 1] == 0x52 }
        return text[start &- 1] == 0x24 && (text[start] | 0x20) == 0x73
    }

    private mutating func walk(_ text: TextBytes, _ start: Int, _ end: Int) {
        var index = start
        while index < end {
            if row == 0, let behind = Self.identifierEnd(text, index, end) {
                index = behind
                last = 0
            } else {
                add(text.base[index])
                index &+= 1
            }
        }
        finishPart()
    }

    private mutating func add(_ byte: UInt8) {
        defer { last = byte }
        guard byte.isIn(.alphanumeric) else {
            score &+= separator
            return finishPart()
        }
        row &+= 1
        seen |= 1 &<< UInt64(byte & 63)
        if byte.isIn(.digit) {
            digits &+= 1
            partDigits &+= 1
        } else {
            letters &+= 1
            if byte.isIn(.upper) { uppers &+= 1 }
        }
        if !byte.isIn(.hexadecimal) { isHexadecimal = false }
        if (byte.isIn(.digit) && !last.isIn(.digit)) || (byte.isIn(.upper) && !last.isIn(.upper)) { groups &+= 1 }
        if last.isIn(.alphanumeric) { score &+= weight(last, byte) }
    }

    private mutating func weight(_ first: UInt8, _ second: UInt8) -> Int {
        guard first.isIn(.letter), second.isIn(.letter) else {
            frequent = 0
            return first.isIn(.digit) && second.isIn(.digit) ? 0 : 5
        }
        let bit = Int((first | 0x20) &- 0x61) &* 26 &+ Int((second | 0x20) &- 0x61)
        let isFrequent = (Self.frequentPairs.utf8Start[bit / 6] &- 0x30) >> UInt8(truncatingIfNeeded: bit % 6) & 1 != 0
        frequent = isFrequent ? frequent &+ 1 : 0
        longestFrequent = max(longestFrequent, frequent)
        if first.isIn(.lower) { return second.isIn(.lower) ? (isFrequent ? -5 : 8) : (isFrequent ? 1 : 6) }
        return isFrequent ? -1 : second.isIn(.lower) ? 8 : 7
    }

    private mutating func finishPart() {
        if isHexadecimal && row >= Self.hexadecimalMinimum && partDigits > 0 && partDigits < row {
            hasHexadecimal = true
        }
        longestRow = max(longestRow, row)
        row = 0
        frequent = 0
        partDigits = 0
        isHexadecimal = true
    }

    // MARK: names of things, which open nothing

    private static func identifierEnd(_ text: TextBytes, _ start: Int, _ end: Int) -> Int? {
        if isEnd(text, start &+ 36, end) && isUUID(text, start) { return start &+ 36 }
        return isEnd(text, start &+ 26, end) && isULID(text, start) ? start &+ 26 : nil
    }

    /// `checkout-5d78c9869d-x2x9k`, `0-20260102030405-3b37bd082a6c`: a word or a number, then numbers and short parts
    /// in small letters. Clusters and clouds name what they run in this way, and Go names versions so.
    private static func isThing(_ text: TextBytes, _ start: Int, _ end: Int) -> Bool {
        var part = text.end(from: start, text.isIn(.digit, start) ? .digit : .lower)
        guard part > start, part < end, part &- start < minimum else { return false }
        while part < end {
            let next = text.end(from: part &+ 1, .lower | .digit)
            guard text.isIn(.dash | .underscore, part),
                next &- part <= longestPart || text.end(from: part &+ 1, .digit) == next
                    || (next &- part <= longestNumber && text.isAll(.hexadecimal, part &+ 1, next))
            else { return false }
            part = next
        }
        return true
    }

    private static func isEnd(_ text: TextBytes, _ behind: Int, _ end: Int) -> Bool {
        behind == end || (behind < end && !text.isIn(.alphanumeric, behind))
    }

    /// RFC 9562 section 4: 8-4-4-4-12.
    private static func isUUID(_ text: TextBytes, _ start: Int) -> Bool {
        for offset in 0..<36 {
            let byte = text[start &+ offset]
            let isDash = offset == 8 || offset == 13 || offset == 18 || offset == 23
            if isDash ? byte != 0x2D : !byte.isIn(.hexadecimal) { return false }
        }
        return true
    }

    /// The ULID specification: 26 of Crockford's base 32; until 2059 the time begins with `01`.
    private static func isULID(_ text: TextBytes, _ start: Int) -> Bool {
        guard text.has("01", at: start) else { return false }
        for index in start..<start &+ 26 {
            let byte = text[index]
            if !byte.isIn(.digit | .upper) || byte == 0x49 || byte == 0x4C || byte == 0x4F || byte == 0x55 {
                return false
            }
        }
        return true
    }
}
