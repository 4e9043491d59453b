// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Strings of C that live as long as this does.
final class CopiedStrings {
    private var strings: [UnsafeMutablePointer<CChar>] = []

    /// Copies up to the first NUL; nil when there is no memory.
    func add(_ bytes: [UInt8]) -> UnsafePointer<CChar>? {
        bytes.withUnsafeBytes { area in
            keep(area.baseAddress.map { strndup($0.assumingMemoryBound(to: CChar.self), area.count) } ?? strdup(""))
        }
    }

    func add(_ text: String) -> UnsafePointer<CChar>? { keep(text.withCString { strdup($0) }) }

    private func keep(_ made: UnsafeMutablePointer<CChar>?) -> UnsafePointer<CChar>? {
        guard let made else { return nil }
        strings.append(made)
        return UnsafePointer(made)
    }

    deinit { for string in strings { free(string) } }
}
