// SPDX-License-Identifier: Apache-2.0
import CSystem

/// D1: go-tool-base's id, as an author's explicit choice: SHA-256 over the machine's signals, the first
/// 8 bytes in hex. Every tool that chooses it gets the same id for the same user.
enum HashedID {
    /// The id used last, so that its erasure can be asked for when the host has a new name.
    static let fileName = "hashed-id"
    static let idBytes = 8

    static func derive(_ signals: MachineSignals) -> String {
        Hexadecimal.text(Array(SHA256.digest(Array(signals.joined.utf8))[0..<idBytes]))
    }

    @inline(never)
    static func kept(in directory: Descriptor) -> (id: String, stamp: FileStamp)? {
        (try? read(in: directory)) ?? nil
    }

    private static func read(in directory: Descriptor) throws(SystemError) -> (id: String, stamp: FileStamp)? {
        guard let content = try PrivateFile.readKept(in: directory, fileName, limit: 2 * idBytes + 1),
            content.bytes.count == 2 * idBytes + 1, content.bytes.dropLast().allSatisfy(Hexadecimal.isDigit)
        else { return nil }
        return (String(bytes: content.bytes.dropLast()), content.stamp)
    }

    /// Remembers `id`. Another id that was kept before counts as past. False: `id` could not be kept.
    static func keep(_ id: String, now: Int64, in directory: Descriptor) -> Bool {
        if isKept(id, in: directory) { return true }
        guard let lock = IdentityLock.take(directory) else { return false }
        defer { lock.close() }
        do throws(SystemError) {
            if let old = try read(in: directory), old.id != id,
                !PastIDs.add(old.id, from: old.stamp.modified, until: now, in: directory)
            {
                return false
            }
            try PrivateFile.replace(in: directory, fileName, Array((id + "\n").utf8), durable: false)
            return true
        } catch { return false }
    }

    private static func isKept(_ id: String, in directory: Descriptor) -> Bool {
        kept(in: directory)?.id == id
    }
}
