// SPDX-License-Identifier: Apache-2.0
import CSystem

package enum ByteSearch {
    @inline(never)
    static func contains(_ text: [UInt8], _ part: ArraySlice<UInt8>) -> Bool {
        text.withUnsafeBytes { text in
            part.withUnsafeBytes { part in
                guard let start = text.baseAddress, let wanted = part.baseAddress else { return part.isEmpty }
                return memmem(start, text.count, wanted, part.count) != nil
            }
        }
    }

    static func contains(_ text: [UInt8], _ part: String) -> Bool { contains(text, Array(part.utf8)[...]) }

    package static func contains(_ text: String, _ part: String) -> Bool { contains(Array(text.utf8), part) }
}
