// SPDX-License-Identifier: Apache-2.0

/// Escapes in strings of JSON: RFC 8259, section 7.
package enum JSONEscape {
    package enum Mistake {
        case unknown
        /// Four hexadecimal digits are expected.
        case digits
        /// U+0000. For every C program that it is handed to, a text ends there.
        case zero
    }

    /// `at`: behind the backslash, and then behind the escape, or where it is wrong.
    package static func read(_ bytes: UnsafeRawBufferPointer, _ at: inout Int, into text: inout [UInt8]) -> Mistake? {
        guard at < bytes.count else { return .unknown }
        switch bytes[at] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(bytes[at])
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            at += 1
            guard let scalar = scalar(bytes, &at) else { return .digits }
            if scalar == "\0" { return .zero }
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
            return nil
        default: return .unknown
        }
        at += 1
        return nil
    }

    /// Two of these for what is beyond U+FFFF; half of such a pair becomes U+FFFD. Nil: digits are missing.
    private static func scalar(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> Unicode.Scalar? {
        guard let first = codeUnit(bytes, &at) else { return nil }
        if let scalar = Unicode.Scalar(first) { return scalar }
        let start = at
        if first < 0xDC00, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") {
            at += 2
            guard let second = codeUnit(bytes, &at) else { return nil }
            if (0xDC00...0xDFFF).contains(second) {
                return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
            }
            at = start
        }
        return "\u{FFFD}"
    }

    private static func codeUnit(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> UInt32? {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard at < bytes.count, let digit = Hexadecimal.value(inAnyCase: bytes[at]) else { return nil }
            unit = unit << 4 | UInt32(digit)
            at += 1
        }
        return unit
    }
}
