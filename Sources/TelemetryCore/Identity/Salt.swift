import CSystem

/// D2: the 32 random bytes that the tool's id is derived with. They stay on this machine; once
/// they are deleted, nothing ties a new id to the old one.
struct Salt {
    static let fileName = "salt"
    static let size = 32

    let bytes: [UInt8]
    let stamp: FileStamp

    /// The salt that all processes of the tool share, made now if there is none.
    static func obtain(in directory: Descriptor) throws(SystemError) -> Salt {
        if let salt = read(in: directory) { return salt }
        try removeDamaged(in: directory)
        do throws(SystemError) {
            try PrivateFile.create(in: directory, fileName, random())
        } catch {
            // Another process was first: its salt counts.
            if error.code != EEXIST { throw error }
        }
        guard let salt = read(in: directory) else { throw SystemError(code: EIO) }
        return salt
    }

    static func random() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        bytes.withUnsafeMutableBytes { Random.fill($0) }
        return bytes
    }

    /// Nil when it is absent, or is not a salt.
    private static func read(in directory: Descriptor) -> Salt? {
        guard let content = try? PrivateFile.read(at: directory, fileName, limit: size),
            content.bytes.count == size
        else { return nil }
        return Salt(bytes: content.bytes, stamp: content.stamp)
    }

    /// Removes what stands in the salt's place and is none. Under a lock, and only after a second
    /// look: two processes that both saw the damage must not remove the salt that one of them made.
    private static func removeDamaged(in directory: Descriptor) throws(SystemError) {
        guard FileStamp(in: directory, fileName) != nil else { return }
        // A lock belongs to an open file; one of our own keeps threads apart as well.
        let lock = try Descriptor.open(at: directory, ".", O_RDONLY | O_DIRECTORY)
        defer { lock.close() }
        guard lock.lock(until: Deadline(timeoutMilliseconds: 100)) else { throw SystemError(code: EAGAIN) }
        if read(in: directory) == nil { try PrivateFile.remove(in: directory, fileName) }
    }
}
