// SPDX-License-Identifier: Apache-2.0
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
        let fd = SystemCall.open.retried {
            PathText.call(path) { csystem_openat(AT_FDCWD, $0, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0) }
        }
        if fd < 0 { throw .current }
        return Descriptor(raw: fd)
    }

    /// False when nothing is there, or when its directory may not be entered, so that nothing is there for this user. A
    /// file that cannot be read is nevertheless there, and so is a link to nothing.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        if SystemCall.status.once({ PathText.call(path) { lstat($0, &status) } }) == 0 { return true }
        let code = csystem_errno()
        return code != ENOENT && code != ENOTDIR && code != EACCES
    }

    /// The status of a program that this process may execute. Nil: there is none.
    static func programStatus(_ path: String) -> stat? {
        var status = stat()
        return PathText.call(path) { stat($0, &status) == 0 && access($0, X_OK) == 0 ? 0 : -1 } == 0 ? status : nil
    }

    /// For a path that does not exist: true if the reason is a link on the way that leads nowhere, to a volume that is
    /// not mounted for instance.
    static func isObstructed(_ path: String) -> Bool {
        var status = stat()
        var isMissing = false
        PathText.forEachBeginning(path) { part in
            isMissing = lstat(part, &status) != 0
            if isMissing { return false }
            return status.st_mode & mode_t(S_IFMT) != mode_t(S_IFLNK) || stat(part, &status) == 0
        }
        // If all of it is there, it has come into being meanwhile.
        return !isMissing
    }
}
