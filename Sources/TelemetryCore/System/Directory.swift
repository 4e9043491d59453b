// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Directories that belong to this user alone.
enum Directory {
    /// Opens `path` (absolute), making what is missing with mode 0700. The last component must be
    /// a real directory of this user that no one else can write to.
    static func openPrivate(_ path: String) throws(SystemError) -> Descriptor {
        if let directory = try openExisting(path) { return directory }
        _ = try TemporaryState.allow(path, making: true)
        try makeParents(of: path)
        try make(path)
        guard let directory = try openExisting(path) else { throw SystemError(code: ENOENT) }
        return directory
    }

    /// Nil when it does not exist; throws when it exists and cannot be trusted or opened.
    static func openExisting(_ path: String, refusedMode: mode_t = 0o022) throws(SystemError) -> Descriptor? {
        let (directory, status): (Descriptor, stat)
        if try TemporaryState.allow(path) == nil { return nil }
        do {
            (directory, status) = try Descriptor.openKnown(path, O_RDONLY | O_DIRECTORY)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
        if status.st_uid == csystem_user(), status.st_mode & refusedMode == 0 { return directory }
        directory.close()
        throw SystemError(code: EPERM)
    }

    static func isMissingOrPrivate(_ path: String) -> Bool {
        var status = stat()
        return SystemCall.status.once({ PathText.call(path) { stat($0, &status) } }) != 0
            || status.isOwn && status.st_mode & 0o022 == 0
    }

    /// A home that does not exist is not made, and neither is the directory it belongs in: `ENOENT` then.
    private static func makeParents(of path: String) throws(SystemError) {
        let bytes = Array(path.utf8)
        let home = Array((Environment.home ?? "").utf8)
        let slash = UInt8(ascii: "/")
        let isInHome = bytes.starts(with: home) && bytes.count > home.count && bytes[home.count] == slash
        for index in bytes.indices.dropFirst(isInHome ? home.count + 1 : 1)
        where bytes[index] == slash && bytes[index - 1] != slash {
            try make(String(bytes: bytes[0..<index]))
        }
    }

    /// Mode 0700, whatever the umask takes away. A directory that exists already is left as it is.
    private static func make(_ path: String) throws(SystemError) {
        guard SystemCall.makeDirectory.once({ PathText.call(path) { mkdir($0, 0o700) } }) == 0 else {
            if csystem_errno() != EEXIST { throw .current }
            return
        }
        var status = stat()
        if SystemCall.status.once({ PathText.call(path) { lstat($0, &status) } }) == 0, status.isOwn,
            status.st_mode & 0o700 != 0o700
        {
            _ = PathText.call(path) { chmod($0, 0o700) }
        }
    }

    /// Removes it if it is empty.
    static func removeEmpty(_ path: String) { _ = SystemCall.remove.once { PathText.call(path) { rmdir($0) } } }

    /// Calls `body` with each name in a directory, "." and ".." included, in no order; getdents64(2).
    /// Moves the descriptor's position: one thread at a time.
    static func forEachName(in directory: Descriptor, _ body: (UnsafePointer<CChar>) -> Void) {
        let size = 8192
        guard lseek(directory.number, 0, SEEK_SET) == 0, let buffer = malloc(size) else { return }
        defer { free(buffer) }
        while true {
            let got = SystemCall.list.once { getdents64(directory.raw, buffer, size) }
            guard got > 0 else { return }
            var offset = 0
            while offset < got {
                // struct linux_dirent64: inode (8), position (8), length of the entry (2), type (1), name.
                let entry = UnsafeRawPointer(buffer) + offset
                body((entry + 19).assumingMemoryBound(to: CChar.self))
                offset += max(1, Int(entry.loadUnaligned(fromByteOffset: 16, as: UInt16.self)))
            }
        }
    }

    /// All names. For use where speed does not matter: the loop above is compiled once for each use.
    @inline(never)
    static func names(in directory: Descriptor) -> [String] {
        var names: [String] = []
        forEachName(in: directory) { names.append(String(cString: $0)) }
        return names
    }
}
