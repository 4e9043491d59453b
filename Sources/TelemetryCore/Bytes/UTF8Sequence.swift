// SPDX-License-Identifier: Apache-2.0

/// Well-formedness of UTF-8: The Unicode Standard, table 3-7, and the practice of substituting
/// maximal subparts (section 3.9), which is also what the WHATWG decoder does.
package enum UTF8Sequence {
    /// Looks at the bytes from `start`; the first is not ASCII. If the sequence is well formed, `length` is its length,
    /// 2 to 4. If not, it is the length of the maximal subpart to replace by one U+FFFD.
    package static func examine(
        _ start: UnsafePointer<UInt8>, available: Int
    ) -> (length: Int, isWellFormed: Bool) {
        guard let (length, second) = shape(of: start[0]) else { return (1, false) }
        guard available > 1, second.contains(start[1]) else { return (1, false) }
        var seen = 2
        while seen < length {
            guard seen < available, start[seen] & 0xC0 == 0x80 else { return (seen, false) }
            seen += 1
        }
        return (length, true)
    }

    /// Length of the sequence that `lead` begins and the range of its second byte. The narrower
    /// ranges exclude overlong forms, surrogates and what lies beyond U+10FFFF.
    private static func shape(of lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE, 0xEF: (3, 0x80...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
