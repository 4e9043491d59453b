// SPDX-License-Identifier: Apache-2.0

/// The characters of a JSON string, RFC 8259 section 7. `"`, `\` and everything below U+0020 are escaped. Invalid UTF-8
/// is replaced by U+FFFD. Everything else is written as it is.
enum JSONString {
    /// Most bytes that one byte of text can become: `\u00XX`.
    static let maxExpansion = 6

    private static let hexDigits: StaticString = "0123456789abcdef"

    /// Writes the characters, without quotes. `target` has room for `maxExpansion` bytes per byte of
    /// `text` and 8 more. Returns the address behind the last.
    @inline(__always)
    static func write(
        _ text: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        copy(text, to: target) { writeSpecial(&$0, $1, &$2) }
    }

    /// Copies a text. `special` is called for each character that is not ASCII, or that JSON escapes, with the address of
    /// its first byte and the end of the text. It writes that character its own way, and moves both addresses behind it.
    /// Up to 8 bytes behind the text are touched.
    @inline(__always)
    static func copy(
        _ text: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>,
        special writeSpecial: (
            inout UnsafePointer<UInt8>, UnsafePointer<UInt8>, inout UnsafeMutablePointer<UInt8>
        ) -> Void
    ) -> UnsafeMutablePointer<UInt8> {
        guard let base = text.baseAddress else { return target }
        var from = UnsafePointer(base.assumingMemoryBound(to: UInt8.self))
        let end = from + text.count
        var to = target
        while from < end {
            let left = end - from
            let word =
                left >= 8 ? UnsafeRawPointer(from).loadUnaligned(as: UInt64.self).littleEndian : lastWord(from, left)
            UnsafeMutableRawPointer(to).storeBytes(of: word.littleEndian, as: UInt64.self)
            let special = specialBytes(word)
            if special == 0 {
                from += 8
                to += 8
                continue
            }
            // Zeros follow the last byte. They count as special.
            let plain = special.trailingZeroBitCount >> 3
            from += plain
            to += plain
            if from < end { writeSpecial(&from, end, &to) }
        }
        return to
    }

    /// The last 1 to 7 bytes, and zeros.
    @inline(__always)
    private static func lastWord(_ from: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        let bytes = UnsafeRawPointer(from)
        let shift = UInt64(truncatingIfNeeded: 8 &* count)
        if count >= 4 {
            let first = UInt64(bytes.loadUnaligned(as: UInt32.self).littleEndian)
            let last = UInt64(bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self).littleEndian)
            return first | last &<< (shift &- 32)
        }
        // One byte, two, or three: the first byte, the middle one and the last may be the same.
        let (middle, last) = (UInt64(from[count >> 1]), UInt64(from[count &- 1]))
        return UInt64(from[0]) | middle &<< (8 &* UInt64(truncatingIfNeeded: count >> 1)) | last &<< (shift &- 8)
    }

    /// Sets the highest bit of each byte that is below 0x20, a quote, a backslash or not ASCII. A subtraction's borrow
    /// may also mark bytes above such a byte, never below it.
    @inline(__always)
    private static func specialBytes(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let control = word &- ones &* 0x20
        let quote = (word ^ (ones &* 0x22)) &- ones
        let backslash = (word ^ (ones &* 0x5C)) &- ones
        return (word | control | quote | backslash) & (ones &* 0x80)
    }

    @inline(never)
    private static func writeSpecial(
        _ from: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>,
        _ to: inout UnsafeMutablePointer<UInt8>
    ) {
        let byte = from.pointee
        if byte < 0x80 {
            writeEscape(byte, &to)
            from += 1
            return
        }
        let (length, isWellFormed) = UTF8Sequence.examine(from, available: end - from)
        if isWellFormed {
            to.update(from: from, count: length)
            to += length
        } else {
            (to[0], to[1], to[2]) = (0xEF, 0xBF, 0xBD)
            to += 3
        }
        from += length
    }

    private static func writeEscape(_ byte: UInt8, _ to: inout UnsafeMutablePointer<UInt8>) {
        to[0] = UInt8(ascii: "\\")
        if let letter = shortEscape(byte) {
            to[1] = letter
            to += 2
            return
        }
        let digits = hexDigits.utf8Start
        (to[1], to[2], to[3]) = (UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0"))
        (to[4], to[5]) = (digits[Int(byte >> 4)], digits[Int(byte & 15)])
        to += 6
    }

    private static func shortEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        default: nil
        }
    }
}
