// SPDX-License-Identifier: Apache-2.0

/// RFC 4648, section 4.
package enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    static func text(of text: String) -> String { Self.text(of: Array(text.utf8)) }

    @inline(never)
    package static func text(of bytes: [UInt8]) -> String {
        var digits = [UInt8](repeating: UInt8(ascii: "="), count: (bytes.count + 2) / 3 * 4)
        for index in 0..<(bytes.count * 8 + 5) / 6 {
            // The digit's six bits begin in this byte, and may end in the next.
            let (byte, bit) = (index * 6 / 8, index * 6 % 8)
            let next = byte + 1 < bytes.count ? Int(bytes[byte + 1]) : 0
            digits[index] = alphabet.utf8Start[(Int(bytes[byte]) << 8 | next) >> (10 - bit) & 63]
        }
        return String(bytes: digits)
    }
}
