import CSystem

/// Directories that belong to this user alone.
enum Directory {
    /// Opens `path` (absolute), making what is missing with mode 0700. The last component must be
    /// a real directory of this user that no one else can write to.
    static func openPrivate(_ path: String) throws(SystemError) -> Descriptor {
        if let directory = try openExisting(path) { return directory }
        try makeParents(of: path)
        if mkdir(path, 0o700) != 0 && csystem_errno() != EEXIST { throw .current }
        guard let directory = try openExisting(path) else { throw SystemError(code: ENOENT) }
        return directory
    }

    /// Nil when it does not exist; throws when it exists and cannot be trusted or opened.
    static func openExisting(_ path: String) throws(SystemError) -> Descriptor? {
        let directory: Descriptor
        do {
            directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
        guard let status = try? directory.status(), status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            directory.close()
            throw SystemError(code: EPERM)
        }
        return directory
    }

    private static func makeParents(of path: String) throws(SystemError) {
        let bytes = Array(path.utf8)
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "/") && index > 0 {
            let parent = String(decoding: bytes[0..<index], as: UTF8.self)
            if mkdir(parent, 0o700) != 0 && csystem_errno() != EEXIST { throw .current }
        }
    }

    /// Names in a directory, without "." and "..", at most `limit`, in no order.
    static func names(in directory: Descriptor, limit: Int) -> [String] {
        guard let copy = try? Descriptor.open(at: directory, ".", O_RDONLY | O_DIRECTORY),
            let stream = fdopendir(copy.raw)
        else { return [] }
        defer { closedir(stream) }
        var result: [String] = []
        while result.count < limit, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { result.append(name) }
        }
        return result
    }
}
