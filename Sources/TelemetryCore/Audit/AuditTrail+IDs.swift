// SPDX-License-Identifier: Apache-2.0
import CSystem

extension AuditTrail {
    /// The machine ids in the copies, each once.
    var machineIDs: [String] {
        var result: [String] = []
        for file in files { file.bytes.withUnsafeBytes { Self.collect($0, &result) } }
        return result
    }

    /// Copies are missing: they were removed with an older file, or could not be written.
    var isCut: Bool {
        lost > 0 || problem != nil || (head?.first.sequence ?? 1) > 1 || files.contains { Self.tellsOfLoss($0.bytes) }
    }

    /// Looks for an entry whose beginning says that events have no copies.
    private static func tellsOfLoss(_ bytes: [UInt8]) -> Bool {
        let member: StaticString = ",\"lost\":"
        return bytes.split(separator: UInt8(ascii: "\n")).contains { line in
            line.prefix(80).withUnsafeBytes { start in
                start.baseAddress.map { memmem($0, start.count, member.utf8Start, member.utf8CodeUnitCount) != nil }
                    ?? false
            }
        }
    }

    /// Inside a string, a quotation mark is preceded by a backslash, so a match is the member itself.
    private static func collect(_ bytes: UnsafeRawBufferPointer, _ result: inout [String]) {
        let key: StaticString = "\"machine_id\":\""
        var rest = bytes[...]
        while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress,
            let found = memmem(base, rest.count, key.utf8Start, key.utf8CodeUnitCount)
        {
            rest = rest.dropFirst(UnsafeRawPointer(found) - base + key.utf8CodeUnitCount)
            let digits = Array(rest.prefix(PastIDs.idLimit + 1).prefix { $0 != UInt8(ascii: "\"") })
            rest = rest.dropFirst(digits.count)
            guard PastIDs.isID(digits[...]) else { continue }
            let id = String(bytes: digits)
            if result.last != id && !result.contains(id) { result.append(id) }
        }
    }
}
