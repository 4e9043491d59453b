// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Names below an open directory, and what a file's status says.
extension Descriptor {
    /// renameat(2) within this directory; replaces what `to` names.
    func renameEntry(_ from: String, _ to: String) throws(SystemError) {
        let result = SystemCall.rename.once {
            PathText.call(from) { from in PathText.call(to) { renameat(number, from, number, $0) } }
        }
        if result != 0 { throw .current }
    }

    /// unlinkat(2). A name that does not exist is not an error; the result is false then.
    func removeEntry(_ name: String) throws(SystemError) -> Bool {
        if SystemCall.remove.once({ PathText.call(name) { unlinkat(number, $0, 0) } }) == 0 { return true }
        guard csystem_errno() == ENOENT else { throw .current }
        return false
    }

    /// The same, where nothing can be done about a name that stays.
    @inline(never)
    func discardEntry(_ name: String) { _ = try? removeEntry(name) }

    /// faccessat(2). A link that leads nowhere does not exist if it is followed.
    func hasEntry(_ name: String, followingLinks: Bool = false) throws(SystemError) -> Bool {
        let flags = followingLinks ? 0 : AT_SYMLINK_NOFOLLOW
        if SystemCall.access.once({ faccessat(raw, name, F_OK, flags) }) == 0 { return true }
        guard SystemError.current.isMissing else { throw .current }
        return false
    }

    /// The same, following links; true where that cannot be known. Allocates nothing.
    func mayHave(_ name: StaticString) -> Bool {
        let text = name.cString
        return SystemCall.access.once({ faccessat(raw, text, F_OK, 0) }) == 0 || !SystemError.current.isMissing
    }

    /// fstatat(2)
    @inline(never)
    func entryStatus(_ name: String, followingLinks: Bool = false) throws(SystemError) -> stat {
        var status = stat()
        let flags = followingLinks ? 0 : AT_SYMLINK_NOFOLLOW
        let result = SystemCall.status.once { PathText.call(name) { fstatat(raw, $0, &status, flags) } }
        if result != 0 { throw .current }
        return status
    }

    /// Whether `path` names this file, whose status is `status`. True also where that cannot be known: the directory of
    /// the path is not there, because this process has another root directory, or may not be entered any more.
    func isNamed(_ path: String, _ status: stat) -> Bool {
        var named = stat()
        if SystemCall.status.once({ PathText.call(path) { lstat($0, &named) } }) == 0 {
            return named.st_ino == status.st_ino && named.st_dev == status.st_dev
        }
        guard csystem_errno() == ENOENT, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return true }
        return SystemCall.status.once { PathText.call(String(path[..<slash])) { stat($0, &named) } } != 0
    }

    /// The same of a name from `Directory.forEachName`.
    func read(_ status: inout stat, ofListed name: UnsafePointer<CChar>) -> Bool {
        SystemCall.status.once { fstatat(raw, name, &status, AT_SYMLINK_NOFOLLOW) } == 0
    }

    /// pwrite(2) of everything, over what is there.
    func overwrite(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SystemError) {
        if !Self.mayWrite(upTo: offset &+ Int64(bytes.count)) { throw SystemError(code: EFBIG) }
        let written = SystemCall.write.retried { pwrite(number, bytes.baseAddress, bytes.count, Int(offset)) }
        if written < 0 { throw .current }
        if written != bytes.count { throw SystemError(code: ENOSPC) }
    }

    /// The byte before `offset` is not the end of a line.
    func isInMidLine(at offset: Int64) throws(SystemError) -> Bool {
        var byte: UInt8 = 0
        if offset <= 0 { return false }
        guard read(&byte, 1, at: Int(offset &- 1)) != nil else { throw .current }
        return byte != UInt8(ascii: "\n")
    }
}

extension stat {
    var isRegularFile: Bool { st_mode & mode_t(S_IFMT) == mode_t(S_IFREG) }
    /// Owned by the user whom this process acts for.
    var isOwn: Bool { st_uid == csystem_user() }
    var isOwnRegularFile: Bool { isRegularFile && isOwn }
}

extension SystemError {
    /// The name does not exist.
    var isMissing: Bool { code == ENOENT }
    /// A file is where a directory was expected: nothing is behind it.
    var isNoDirectory: Bool { code == ENOTDIR }
}

extension Directory {
    /// Opens an existing directory, of any owner; a symbolic link to one is followed. Nil: it does not exist.
    static func openAny(_ path: String) throws(SystemError) -> Descriptor? {
        if try TemporaryState.allow(path) == nil { return nil }
        do throws(SystemError) { return try Descriptor.open(path + "/.", O_RDONLY | O_DIRECTORY) } catch {
            if error.isMissing { return nil }
            throw error
        }
    }
}
