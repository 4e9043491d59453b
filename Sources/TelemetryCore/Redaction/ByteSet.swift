// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A set of bytes: a bit for each of the kinds that text.c tells apart.
struct ByteSet {
    let bits: UInt32

    static var digit: ByteSet { ByteSet(bits: 1 << 1) }
    static var lower: ByteSet { ByteSet(bits: 3 << 2) }
    static var upper: ByteSet { ByteSet(bits: 3 << 4) }
    static var letter: ByteSet { lower | upper }
    static var alphanumeric: ByteSet { digit | letter }
    static var hexadecimal: ByteSet { ByteSet(bits: 1 << 1 | 1 << 2 | 1 << 4) }
    static var dash: ByteSet { ByteSet(bits: 1 << 6) }
    static var underscore: ByteSet { ByteSet(bits: 1 << 7) }
    /// What words and the keys of most services are made of: base64url.
    static var word: ByteSet { alphanumeric | dash | underscore }
    static var dot: ByteSet { ByteSet(bits: 1 << 8) }
    static var slash: ByteSet { ByteSet(bits: 1 << 9) }
    static var blank: ByteSet { ByteSet(bits: 1 << 10) }
    static var lineEnd: ByteSet { ByteSet(bits: 1 << 11) }
    /// The end of the text.
    static var end: ByteSet { ByteSet(bits: 1 << 13) }
    /// isspace(3) in the C locale, and the end of the text.
    static var space: ByteSet { ByteSet(bits: 0xF << 10) }
    /// `"`, `'` and the backtick.
    static var quote: ByteSet { ByteSet(bits: 1 << 14) }
    static var equals: ByteSet { ByteSet(bits: 1 << 15) }
    static var colon: ByteSet { ByteSet(bits: 1 << 16) }
    static var percent: ByteSet { ByteSet(bits: 1 << 17) }
    static var plus: ByteSet { ByteSet(bits: 1 << 18) }
    static var tilde: ByteSet { ByteSet(bits: 1 << 19) }
    static var dollar: ByteSet { ByteSet(bits: 1 << 20) }
    static var comma: ByteSet { ByteSet(bits: 1 << 21) }
    static var less: ByteSet { ByteSet(bits: 1 << 22) }
    static var greater: ByteSet { ByteSet(bits: 1 << 23) }
    static var ampersand: ByteSet { ByteSet(bits: 1 << 24) }
    static var semicolon: ByteSet { ByteSet(bits: 1 << 25) }
    static var question: ByteSet { ByteSet(bits: 1 << 26) }
    static var number: ByteSet { ByteSet(bits: 1 << 27) }
    /// Brackets except `<` and `>`, the backslash, the vertical bar.
    static var bracket: ByteSet { ByteSet(bits: 1 << 28) }
    static var control: ByteSet { ByteSet(bits: 1 << 29) }
    static var at: ByteSet { ByteSet(bits: 1 << 30) }
    /// The bytes of all characters that are not ASCII.
    static var high: ByteSet { ByteSet(bits: 1 << 31) }
    /// Behind one of these, a `/` continues a path instead of beginning one.
    static var path: ByteSet { word | dot | tilde | high }

    static func | (first: ByteSet, second: ByteSet) -> ByteSet { ByteSet(bits: first.bits | second.bits) }
    static prefix func ! (set: ByteSet) -> ByteSet { ByteSet(bits: ~set.bits) }
}

extension UInt8 {
    @inline(__always)
    func isIn(_ set: ByteSet) -> Bool { csystem_is_in(self, set.bits) }
}
