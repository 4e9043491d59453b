// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What a path leads to, as far as privacy and room are concerned.
struct PathStatus {
    private let status: stat
    private let isWritable: Bool

    /// Nil: nothing is there.
    init?(_ path: String, followingLinks: Bool = false) {
        var found = stat()
        guard PathText.call(path, { fstatat(AT_FDCWD, $0, &found, followingLinks ? 0 : AT_SYMLINK_NOFOLLOW) }) == 0
        else { return nil }
        status = found
        isWritable = PathText.call(path) { access($0, W_OK) } == 0
    }

    /// Why the library would not use it as this user's directory; nil: it would.
    var distrust: (what: String, advice: String)? {
        if status.st_mode & mode_t(S_IFMT) != mode_t(S_IFDIR) { return ("is not a directory", "move it away") }
        if status.st_uid != geteuid() {
            return ("belongs to user \(status.st_uid), not to this one, \(geteuid())", "change its owner")
        }
        if status.st_mode & 0o022 != 0 { return ("can be written to by others, mode " + modeText, "chmod 700") }
        if !isWritable { return ("cannot be written to, mode " + modeText, "chmod 700") }
        return nil
    }

    /// Why a directory that is not there could not be made, by the nearest one above it; nil: it is there, or could be.
    static func obstacle(_ path: String) -> (what: String, advice: String)? {
        var ancestor = path
        var status = stat()
        while PathText.call(ancestor, { lstat($0, &status) }) != 0 {
            let code = csystem_errno()
            if code != ENOENT {
                return (ancestor + ": " + ErrorText.of(code), "set HOME or the XDG variable to a place of your own")
            }
            guard let slash = ancestor.utf8.lastIndex(of: UInt8(ascii: "/")), slash != ancestor.startIndex else {
                return nil
            }
            ancestor = String(ancestor[..<slash])
        }
        if ArgumentParser.same(ancestor, path) { return nil }
        if let home = Environment.path("HOME"), home.utf8.count > ancestor.utf8.count, path.utf8.starts(with: home.utf8)
        {
            return ("the home " + home + " does not exist", "make it, or set HOME")
        }
        if PathText.call(ancestor, { access($0, W_OK | X_OK) }) == 0 { return nil }
        return (
            ancestor + ": " + ErrorText.of(csystem_errno()),
            "change its owner or mode, or set the XDG variable to another place"
        )
    }

    /// Octal, four digits.
    var modeText: String {
        var text = ""
        for shift in [9, 6, 3, 0] { text += String((Int(status.st_mode) >> shift) & 7) }
        return text
    }

    /// On the file system of `path` or, as long as that does not exist, of the nearest directory above.
    static func freeBytes(_ path: String) -> UInt64? {
        var path = path
        while true {
            var system = statvfs()
            if PathText.call(path, { statvfs($0, &system) }) == 0 {
                return UInt64(system.f_bavail) &* UInt64(system.f_frsize)
            }
            guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return nil }
            path = String(path[..<slash])
        }
    }
}

/// flock(2) of a file that another process may hold.
enum FileLock {
    static func isHeld(_ path: String) -> Bool {
        let file = PathText.call(path) {
            csystem_openat(AT_FDCWD, $0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
        }
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0 && csystem_errno() == EWOULDBLOCK
    }
}
