// SPDX-License-Identifier: Apache-2.0

/// Characters that a terminal or a page obeys instead of showing them: C0, DEL and C1 (ECMA-48). Also those that change
/// the direction of text or are not seen (Unicode Bidi_Control, line and paragraph separator, byte order mark,
/// interlinear annotation, tags).
package enum UnseenCharacter {
    package static func isOne(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF,
            0xFFF9...0xFFFB, 0xE0000...0xE007F:
            true
        default: false
        }
    }

    @inline(never)
    static func isIn(_ text: String) -> Bool {
        for scalar in text.unicodeScalars where isOne(scalar.value) { return true }
        return false
    }
}
