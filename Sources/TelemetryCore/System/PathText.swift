// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A path is any bytes, a String is UTF-8. Bytes of a path that are not UTF-8 are kept in a String as characters of a
/// private plane, one for each byte. They are those bytes again where the system is called.
package enum PathText {
    /// U+10FE80 to U+10FEFF for the bytes 80 to FF: F4 8F, then BA 80 to BB BF. If a path holds such a character
    /// itself, each of its four bytes is kept in this way.
    private static let plane: UInt8 = 0xF4

    @inline(never)
    package static func string(_ path: UnsafePointer<CChar>) -> String {
        let count = strlen(path)
        let base = UnsafeRawPointer(path).assumingMemoryBound(to: UInt8.self)
        var result: [UInt8] = []
        var index = 0
        while index < count {
            if base[index] < 0x80 {
                result.append(base[index])
                index &+= 1
                continue
            }
            let (length, isWellFormed) = UTF8Sequence.examine(base + index, available: count &- index)
            let isPlain = isWellFormed && !(length == 4 && isKept(base + index))
            for offset in 0..<length {
                let byte = base[index &+ offset]
                if isPlain {
                    result.append(byte)
                } else {
                    result += [plane, 0x8F, 0xBA | byte >> 6 & 1, 0x80 | byte & 0x3F]
                }
            }
            index &+= length
        }
        return String(bytes: result)
    }

    /// Calls `body` with the path's first component, with its first two, and so on, as long as it returns true.
    @inline(never)
    static func forEachBeginning(_ path: String, _ body: (UnsafePointer<CChar>) -> Bool) {
        var bytes = bytes(path).map { CChar(bitPattern: $0) } + [0]
        for end in bytes.indices.dropFirst() where bytes[end] == 0 || bytes[end] == CChar(UInt8(ascii: "/")) {
            let next = bytes[end]
            bytes[end] = 0
            if !body(bytes) { return }
            bytes[end] = next
        }
    }

    /// The bytes of the path itself, without a terminator.
    @inline(never)
    package static func bytes(_ text: String) -> [UInt8] { rewrite(text) { [0x80 | ($0 & 1) << 6 | $1 & 0x3F] } }

    /// For people: U+FFFD for bytes that are not UTF-8.
    @inline(never)
    package static func shown(_ text: String) -> [UInt8] { rewrite(text) { _, _ in [0xEF, 0xBF, 0xBD] } }

    /// A system call with a path.
    @inline(never)
    package static func call(_ text: String, _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        text.withCString { path in
            if strchr(path, Int32(plane)) == nil { return body(path) }
            return (bytes(text) + [0]).withUnsafeBytes { area in
                area.baseAddress.map { body($0.assumingMemoryBound(to: CChar.self)) } ?? -1
            }
        }
    }

    private static func rewrite(_ text: String, _ replacement: (UInt8, UInt8) -> [UInt8]) -> [UInt8] {
        let given = Array(text.utf8)
        if !given.contains(plane) { return given }
        var result: [UInt8] = []
        given.withUnsafeBufferPointer { area in
            guard let base = area.baseAddress else { return }
            var index = 0
            while index < area.count {
                if area.count &- index >= 4 && isKept(base + index) {
                    result += replacement(base[index &+ 2], base[index &+ 3])
                    index &+= 4
                } else {
                    result.append(base[index])
                    index &+= 1
                }
            }
        }
        return result
    }

    private static func isKept(_ start: UnsafePointer<UInt8>) -> Bool {
        start[0] == plane && start[1] == 0x8F && start[2] & 0xFE == 0xBA
    }
}
