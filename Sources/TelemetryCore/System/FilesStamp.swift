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
        mix(file, followingLinks: false, &status)
        if status.st_mode & mode_t(S_IFMT) == mode_t(S_IFLNK) { mix(file, followingLinks: true, &status) }
    }

    /// FNV-1a, a word at a time. The inode's time of change shows changes of content, mode, owner and names.
    private mutating func mix(_ file: String, followingLinks: Bool, _ status: inout stat) {
        var code: Int32 = 0
        do throws(SystemError) {
            status = try Descriptor.currentDirectory.entryStatus(file, followingLinks: followingLinks)
        } catch {
            status = stat()
            code = error.code
        }
        for word in [
            UInt64(truncatingIfNeeded: status.st_dev), UInt64(truncatingIfNeeded: status.st_ino),
            UInt64(truncatingIfNeeded: status.st_ctim.tv_sec), UInt64(truncatingIfNeeded: status.st_ctim.tv_nsec),
            UInt64(truncatingIfNeeded: status.st_size), UInt64(truncatingIfNeeded: code),
        ] {
            value = (value ^ word) &* 0x100_0000_01B3
            value ^= value >> 29
        }
    }
}
