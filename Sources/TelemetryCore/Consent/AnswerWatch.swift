// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A18: the files that decided, looked at again while a program runs: their stamps tell whether anyone has
/// changed, replaced or removed one, without a file being opened.
struct AnswerWatch {
    /// In the order in which they were read; one that is not there is waited for.
    private var files: [String]
    /// 0: nobody has looked yet, and what was read may have changed since.
    private var stamp: UInt64 = 0

    init(_ inputs: ConsentInputs) { files = inputs.files }

    /// What is decided now, if any of them has changed since the last call.
    mutating func changed(_ options: Options) -> ConsentDecision? {
        // Before they are read: what changes meanwhile shows at the next look.
        let now = Self.stamp(files)
        if now == stamp { return nil }
        stamp = now
        let inputs = ConsentInputs.gather(options: options)
        if !inputs.files.elementsEqual(files, by: { $0 == $1 }) { self = AnswerWatch(inputs) }
        return ConsentResolver.resolve(inputs)
    }

    private static func stamp(_ files: [String]) -> UInt64 {
        var hash: UInt64 = 1
        for file in files {
            var status = stat()
            // Of a link, and of what it leads to.
            mix(&hash, file, AT_SYMLINK_NOFOLLOW, &status)
            if status.st_mode & mode_t(S_IFMT) == mode_t(S_IFLNK) { mix(&hash, file, 0, &status) }
        }
        return hash
    }

    /// FNV-1a, a word at a time. The time of change of the inode tells of content, mode, owner and names.
    private static func mix(_ hash: inout UInt64, _ file: String, _ flags: Int32, _ status: inout stat) {
        status = stat()
        let error = PathText.call(file) { fstatat(AT_FDCWD, $0, &status, flags) } == 0 ? 0 : csystem_errno()
        for word in [
            UInt64(truncatingIfNeeded: status.st_dev), UInt64(truncatingIfNeeded: status.st_ino),
            UInt64(truncatingIfNeeded: status.st_ctim.tv_sec), UInt64(truncatingIfNeeded: status.st_ctim.tv_nsec),
            UInt64(truncatingIfNeeded: status.st_size), UInt64(truncatingIfNeeded: error),
        ] {
            hash = (hash ^ word) &* 0x100_0000_01B3
            hash ^= hash >> 29
        }
    }
}
