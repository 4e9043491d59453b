// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A18: looks again, while a program runs, at the files that decided. Their stamps tell whether anyone has changed,
/// replaced or removed one. No file is opened for that.
struct AnswerWatch {
    /// In the order in which they were read. A file that is missing is waited for.
    private var files: [String]
    /// 0: not looked at yet, and the files may have changed since they were read.
    private var stamp: UInt64 = 0

    init(_ inputs: ConsentInputs) { files = inputs.files }

    /// The present decision, if any of the files has changed since the last call.
    mutating func changed(_ options: Options) -> ConsentDecision? {
        // Taken before the files are read: a change meanwhile shows at the next look.
        let now = Self.stamp(files)
        if now == stamp { return nil }
        stamp = now
        let inputs = ConsentInputs.gather(options: options)
        if !inputs.files.elementsEqual(files, by: { $0 == $1 }) { self = AnswerWatch(inputs) }
        return ConsentResolver.resolve(inputs)
    }

    /// The last decision was made without having read the files.
    mutating func lookAgain() { stamp = 0 }

    private static func stamp(_ files: [String]) -> UInt64 {
        var hash: UInt64 = 1
        for file in files {
            var status = stat()
            // The stamp of a link, and of its target.
            mix(&hash, file, followingLinks: false, &status)
            if status.st_mode & mode_t(S_IFMT) == mode_t(S_IFLNK) { mix(&hash, file, followingLinks: true, &status) }
        }
        return hash
    }

    /// FNV-1a, a word at a time. The inode's time of change shows changes of content, mode, owner and names.
    private static func mix(_ hash: inout UInt64, _ file: String, followingLinks: Bool, _ status: inout stat) {
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
            hash = (hash ^ word) &* 0x100_0000_01B3
            hash ^= hash >> 29
        }
    }
}
