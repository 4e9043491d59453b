// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A number that differs when somebody has changed, replaced, made or removed one of some files. No file is opened for it.
struct FilesStamp {
    private(set) var value: UInt64 = 1

    static func of(_ file: String) -> UInt64 {
        var stamp = FilesStamp()
        stamp.add(file)
        return stamp.value
    }

    mutating func add(_ file: String) {
        var status = stat()
        // The stamp of a link, and of its target.
        add(file, followingLinks: false, &status)
        if status.st_mode & mode_t(S_IFMT) == mode_t(S_IFLNK) { add(file, followingLinks: true, &status) }
    }

    private mutating func add(_ file: String, followingLinks: Bool, _ status: inout stat) {
        var code: Int32 = 0
        do throws(SystemError) {
            status = try Descriptor.currentDirectory.entryStatus(file, followingLinks: followingLinks)
        } catch {
            status = stat()
            code = error.code
        }
        add(status)
        add(UInt64(truncatingIfNeeded: code))
    }

    /// The inode's time of change shows changes of content, mode, owner and names.
    mutating func add(_ status: stat) {
        for word in [
            UInt64(truncatingIfNeeded: status.st_dev), UInt64(truncatingIfNeeded: status.st_ino),
            UInt64(truncatingIfNeeded: status.st_ctim.tv_sec), UInt64(truncatingIfNeeded: status.st_ctim.tv_nsec),
            UInt64(truncatingIfNeeded: status.st_size),
        ] { add(word) }
    }

    /// FNV-1a, a word at a time.
    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x100_0000_01B3
        value ^= value >> 29
    }
}
