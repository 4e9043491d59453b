// SPDX-License-Identifier: Apache-2.0
import CSystem

/// An id that was in use; times in nanoseconds since 1970-01-01 UTC.
package struct PastID: Equatable {
    package let id: String
    package let from: UInt64
    package let until: UInt64
}

/// D3: the ids of earlier rotations, kept so that their erasure can be asked for, and for nothing else.
/// One line each: id, from when, until when, as 16 hex digits each.
package enum PastIDs {
    static let fileName = "past-ids"
    static let limit = 1024
    private static let limitBytes = 1 << 17
    /// An ephemeral id is the longest.
    static let idLimit = EphemeralID.prefix.utf8.count + 32
    private static let newline = UInt8(ascii: "\n")

    /// Called under `IdentityLock`. The oldest ids go when there are too many. False: `id` could not be kept.
    @inline(never)
    static func add(_ id: String, from: Int64, until: Int64, in directory: Descriptor) -> Bool {
        guard var lines = bytes(in: directory)?[...] else { return false }
        while lines.reduce(0, { $1 == newline ? $0 + 1 : $0 }) >= limit, let end = lines.firstIndex(of: newline) {
            lines = lines[(end + 1)...]
        }
        let line = id + " " + time(from) + " " + time(until) + "\n"
        do throws(SystemError) {
            try PrivateFile.replace(in: directory, fileName, lines + Array(line.utf8), durable: false)
            return true
        } catch { return false }
    }

    private static func time(_ nanoseconds: Int64) -> String { Hexadecimal.text(UInt64(bitPattern: nanoseconds)) }

    /// Nil: they cannot be read now.
    private static func bytes(in directory: Descriptor) -> [UInt8]? {
        do throws(SystemError) {
            return try PrivateFile.readKept(in: directory, fileName, limit: limitBytes)?.bytes ?? []
        } catch { return nil }
    }

    /// Lines in another format are passed over.
    static func read(in directory: Descriptor) -> [PastID] {
        (bytes(in: directory) ?? []).split(separator: newline).compactMap(parse)
    }

    static func parse(_ line: ArraySlice<UInt8>) -> PastID? {
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, isID(parts[0]),
            let from = Hexadecimal.word(parts[1]), let until = Hexadecimal.word(parts[2])
        else { return nil }
        return PastID(id: String(bytes: parts[0]), from: from, until: until)
    }

    static func isID(_ text: ArraySlice<UInt8>) -> Bool {
        let prefix = Array(EphemeralID.prefix.utf8)
        let digits = text.starts(with: prefix) ? text.dropFirst(prefix.count) : text
        return (1...UUIDText.length).contains(digits.count) && digits.allSatisfy(isIDByte)
    }

    private static func isIDByte(_ byte: UInt8) -> Bool { Hexadecimal.isDigit(byte) || byte == UInt8(ascii: "-") }
}
