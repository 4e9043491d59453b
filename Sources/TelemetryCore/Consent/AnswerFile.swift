// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A8: writes one of the small files that hold a user's answers.
enum AnswerFile {
    /// Puts `bytes` in place of `name` in the directory, for good. The directory is made if need be (nil: `ENOENT`). A
    /// reader finds the old content or the new, after a crash too.
    ///
    /// Only one process writes at a time. So a file that a killed writer left can be told from one that is being
    /// written, and is removed. There are never more such files than writers killed since the last write.
    static func replace(in path: String?, _ name: String, _ bytes: [UInt8]) throws(SystemError) {
        guard let path else { throw SystemError(code: ENOENT) }
        let directory = try Directory.openPrivate(path)
        defer { directory.close() }
        // A stopped writer does not keep the user from answering.
        if directory.lock(until: Deadline(timeoutMilliseconds: 1000)) { removeLeftovers(in: directory, name) }
        try PrivateFile.replace(in: directory, name, bytes, durable: true)
    }

    /// Takes an answer back, for good. False: there was none.
    static func remove(in path: String?, _ name: String) throws(SystemError) -> Bool {
        guard let path, let directory = try Directory.openAny(path) else { return false }
        defer { directory.close() }
        guard try directory.removeEntry(name) else { return false }
        try directory.synchronize()
        return true
    }

    /// Stores a refusal where `replace` finds no room or has no right. It is written over the answer that is there,
    /// which takes no room. Else that answer is emptied or removed, since an empty file agrees to nothing. Else an
    /// empty file is made. The directory may be open to others: whatever they do to a refusal, it does not become a
    /// yes. False: no refusal is stored.
    static func overwrite(in path: String?, _ name: String, _ bytes: [UInt8]) -> Bool {
        guard let path, let directory = (try? Directory.openAny(path)) ?? nil else { return false }
        defer { directory.close() }
        var file = try? Descriptor.open(at: directory, name, O_WRONLY | O_NONBLOCK | O_NOCTTY)
        if file == nil, (try? directory.removeEntry(name)) != nil {
            file = try? Descriptor.open(at: directory, name, O_WRONLY | O_CREAT | O_EXCL)
        }
        guard let file else { return false }
        defer { file.close() }
        guard let status = try? file.status(), status.isOwnRegularFile else { return false }
        let isWritten = bytes.withUnsafeBytes { (try? file.overwrite($0, at: 0)) != nil }
        let isCut = (try? file.truncate(to: isWritten ? Int64(bytes.count) : 0)) != nil
        return (isWritten || isCut) && (try? file.synchronize()) != nil
    }

    private static func removeLeftovers(in directory: Descriptor, _ name: String) {
        for entry in Directory.names(in: directory) where PrivateFile.isTemporary(entry, of: name) {
            _ = try? directory.removeEntry(entry)
        }
    }
}
