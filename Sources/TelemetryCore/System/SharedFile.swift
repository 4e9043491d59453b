import CSystem

/// Files that others put there for us to read: a manifest, /etc/machine-id. Links are followed.
enum SharedFile {
    /// Reads the whole of a regular file, `EFBIG` when it is longer than `limit`. Never blocks on a FIFO.
    static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path)
        defer { file.close() }
        let kind = try file.status().st_mode & mode_t(S_IFMT)
        if kind == mode_t(S_IFDIR) { throw SystemError(code: EISDIR) }
        if kind != mode_t(S_IFREG) { throw SystemError(code: EINVAL) }
        let bytes = try file.readAll(limit: limit &+ 1)
        if bytes.count > limit { throw SystemError(code: EFBIG) }
        return bytes
    }

    static func open(_ path: String) throws(SystemError) -> Descriptor {
        while true {
            let fd = csystem_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0)
            if fd >= 0 { return Descriptor(raw: fd) }
            if csystem_errno() != EINTR { throw .current }
        }
    }

    /// False when nothing is there, or when its directory may not be entered, so that nothing is there for
    /// this user; a file that cannot be read is there all the same.
    static func exists(_ path: String) -> Bool {
        if access(path, F_OK) == 0 { return true }
        let code = csystem_errno()
        return code != ENOENT && code != ENOTDIR && code != EACCES
    }
}
