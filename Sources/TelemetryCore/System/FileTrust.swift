// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Which owner and which mode a trusted file has. It is a regular file in any case.
struct FileTrust {
    /// Nil: anyone's.
    var owner: uid_t? = csystem_user()
    /// Root's file is trusted as well.
    var acceptsRoot = false
    /// Bits of the mode with which the file could be anyone's.
    var refusedMode: mode_t = 0o002
    var followsLinks = false

    /// What is wrong with the file, for people.
    func problem(_ status: stat) -> String? {
        if status.st_mode & mode_t(S_IFMT) != mode_t(S_IFREG) { return "not a regular file" }
        if let owner, status.st_uid != owner, !(acceptsRoot && status.st_uid == 0) { return "owned by another user" }
        if status.st_mode & refusedMode & 0o002 != 0 { return "everyone can write to it" }
        if status.st_mode & refusedMode != 0 { return "its group can write to it" }
        return nil
    }
}
