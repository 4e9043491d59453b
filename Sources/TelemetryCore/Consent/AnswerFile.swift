import CSystem

/// A8: writes one of the small files that hold a user's answers.
enum AnswerFile {
    /// Puts `bytes` in place of `name` in the directory (made if need be; nil: `ENOENT`), for good:
    /// whoever looks, after a crash too, finds the old content or the new.
    ///
    /// One writer at a time: so what another one left that was killed can be told from what is being
    /// written, and is removed; never more of it is left than writers were killed since the last write.
    static func replace(in path: String?, _ name: String, _ bytes: [UInt8]) throws(SystemError) {
        guard let path else { throw SystemError(code: ENOENT) }
        let directory = try Directory.openPrivate(path)
        defer { directory.close() }
        // A writer that was stopped does not keep the user from answering.
        if directory.lock(until: Deadline(timeoutMilliseconds: 1000)) { removeLeftovers(in: directory, name) }
        try PrivateFile.replace(in: directory, name, bytes, durable: true)
    }

    private static func removeLeftovers(in directory: Descriptor, _ name: String) {
        for entry in Directory.names(in: directory) where PrivateFile.isTemporary(entry, of: name) {
            _ = try? directory.removeEntry(entry)
        }
    }
}
