/// A text to look at byte by byte: behind its end and before its start stand zeros, so that looking
/// ahead needs no check and cannot leave it.
struct TextBytes {
    let base: UnsafePointer<UInt8>
    let count: Int

    @inline(__always)
    subscript(index: Int) -> UInt8 { index >= 0 && index < count ? base[index] : 0 }

    /// Whether `literal` stands at `index`; ASCII letters of either case when `ignoringCase`, for which
    /// the literal is to be in small letters.
    func has(_ literal: StaticString, at index: Int, ignoringCase: Bool = false) -> Bool {
        has(TextBytes(base: literal.utf8Start, count: literal.utf8CodeUnitCount), at: index, ignoringCase: ignoringCase)
    }

    @inline(never)
    func has(_ literal: TextBytes, at index: Int, ignoringCase: Bool = false) -> Bool {
        guard index >= 0, literal.count <= count &- index else { return false }
        var offset = 0
        while offset < literal.count {
            let byte = base[index &+ offset]
            guard (ignoringCase ? byte.lowercased : byte) == literal.base[offset] else { return false }
            offset &+= 1
        }
        return true
    }

    /// The first index from `start` on whose byte does not pass.
    @inline(__always)
    func end(from start: Int, while passes: (UInt8) -> Bool) -> Int {
        var index = start
        while index < count && passes(base[index]) { index &+= 1 }
        return index
    }

    /// `start` behind at most four blanks.
    func skipBlanks(_ start: Int) -> Int {
        var index = start
        while index < start &+ 4 && self[index].isBlank { index &+= 1 }
        return index
    }
}

extension UInt8 {
    var isDigit: Bool { self &- 0x30 < 10 }
    var isUpper: Bool { self &- 0x41 < 26 }
    var isLower: Bool { self &- 0x61 < 26 }
    var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
    var isAlphanumeric: Bool { isDigit || isLetter }
    var isHexadecimal: Bool { isDigit || (self | 0x20) &- 0x61 < 6 }
    /// What words and the keys of most services are made of: base64url.
    var isWord: Bool { isAlphanumeric || self == 0x2D || self == 0x5F }
    var isBlank: Bool { self == 0x20 || self == 0x09 }
    /// isspace(3) in the C locale, and the end of the text.
    var isSpace: Bool { self == 0x20 || self &- 0x09 < 5 || self == 0 }
    /// `"`, `'` and the backtick.
    var isQuote: Bool { self == 0x22 || self == 0x27 || self == 0x60 }
    /// Before a `/`: it goes on a path instead of beginning one.
    var isPath: Bool { isWord || self == 0x2E || self == 0x7E || self >= 0x80 }
    var lowercased: UInt8 { isUpper ? self | 0x20 : self }
}
