// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Text that came from outside, made fit to be shown: bounded, cut at a character, and without
/// what a terminal would obey.
package enum Excerpt {
    package static let limitBytes = 64
    /// PATH_MAX
    static let pathLimitBytes = 4096

    /// What a file holds, in quotes. It is not shown where the caller may lack the right to read the file.
    @inline(never)
    static func quoted(_ text: String) -> String { csystem_is_privileged() ? "something else" : "'" + of(text) + "'" }

    static func path(_ text: String) -> String { of(text, limitBytes: pathLimitBytes) }

    package static func of(_ text: String, limitBytes: Int = limitBytes) -> String {
        // Most texts are fit as they are.
        if text.utf8.count <= limitBytes && !text.utf8.contains(where: { $0 &- 0x20 >= 0x5F }) { return text }
        var result: [UInt8] = []
        for scalar in text.unicodeScalars {
            // In a path: a byte that is not UTF-8.
            let isKept = (0x10FE80...0x10FEFF).contains(scalar.value)
            let shown: Unicode.Scalar = UnseenCharacter.isOne(scalar.value) ? "?" : isKept ? "\u{FFFD}" : scalar
            if result.count + UTF8.width(shown) > limitBytes {
                result.append(contentsOf: "...".utf8)
                break
            }
            if let encoded = UTF8.encode(shown) { result.append(contentsOf: encoded) }
        }
        return String(bytes: result)
    }
}
