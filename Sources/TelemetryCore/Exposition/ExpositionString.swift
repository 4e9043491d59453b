// SPDX-License-Identifier: Apache-2.0

/// Texts between quotation marks, and the texts of HELP lines. Invalid UTF-8 and NUL, which parsers take for the end, are
/// replaced by U+FFFD.
enum ExpositionString {
    /// Most bytes that one byte of text can become.
    static let maxExpansion = 3
    /// Bytes that `write` may touch behind the text.
    static let slack = 8

    /// Writes a text with `\`, line feed and, if `escapesQuote`, `"` escaped. `target` has room for `maxExpansion` bytes
    /// for each byte of `text`, and `slack`. Returns the address behind the last.
    @_optimize(speed)
    @inline(__always)
    static func write(
        _ text: UnsafeRawBufferPointer, escapesQuote: Bool = true, to target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        // What JSON escapes has the characters that are escaped here, and control characters, which are rare.
        JSONString.copy(text, to: target) { writeSpecial(&$0, $1, escapesQuote, &$2) }
    }

    @inline(never)
    private static func writeSpecial(
        _ from: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ escapesQuote: Bool,
        _ to: inout UnsafeMutablePointer<UInt8>
    ) {
        let byte = from.pointee
        if byte >= 0x80 {
            let (length, isWellFormed) = UTF8Sequence.examine(from, available: end - from)
            if isWellFormed {
                to.update(from: from, count: length)
                to += length
            } else {
                writeReplacement(&to)
            }
            from += length
            return
        }
        from += 1
        switch byte {
        case 0: return writeReplacement(&to)
        case 0x0A: writeEscaped(UInt8(ascii: "n"), &to)
        case UInt8(ascii: "\\"): writeEscaped(byte, &to)
        case UInt8(ascii: "\"") where escapesQuote: writeEscaped(byte, &to)
        default:
            to[0] = byte
            to += 1
        }
    }

    private static func writeEscaped(_ byte: UInt8, _ to: inout UnsafeMutablePointer<UInt8>) {
        (to[0], to[1]) = (UInt8(ascii: "\\"), byte)
        to += 2
    }

    private static func writeReplacement(_ to: inout UnsafeMutablePointer<UInt8>) {
        (to[0], to[1], to[2]) = (0xEF, 0xBF, 0xBD)
        to += 3
    }
}
