// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Names below an open directory, and what a file's status says.
extension Descriptor {
    /// renameat(2) within this directory; replaces what `to` names.
    func renameEntry(_ from: String, _ to: String) throws(SystemError) {
        guard PathText.call(from, { from in PathText.call(to) { renameat(number, from, number, $0) } }) == 0 else {
            throw .current
        }
    }

    /// unlinkat(2). A name that does not exist is not an error; the result is false then.
    func removeEntry(_ name: String) throws(SystemError) -> Bool {
        if PathText.call(name, { unlinkat(number, $0, 0) }) == 0 { return true }
        guard csystem_errno() == ENOENT else { throw .current }
        return false
    }

    /// pwrite(2) of everything, over what is there.
    func overwrite(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SystemError) {
        if !Self.mayWrite(upTo: offset &+ Int64(bytes.count)) { throw SystemError(code: EFBIG) }
        while true {
            let written = pwrite(number, bytes.baseAddress, bytes.count, Int(offset))
            if written == bytes.count { return }
            if written >= 0 { throw SystemError(code: ENOSPC) }
            if csystem_errno() != EINTR { throw .current }
        }
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
        do throws(SystemError) { return try Descriptor.open(path + "/.", O_RDONLY | O_DIRECTORY) } catch {
            if error.isMissing { return nil }
            throw error
        }
    }
}
