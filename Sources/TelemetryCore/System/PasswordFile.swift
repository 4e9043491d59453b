// SPDX-License-Identifier: Apache-2.0
import CSystem

/// /etc/passwd itself, read without the name service switch, which may load libraries and wait for
/// a server.
enum PasswordFile {
    /// User and home of the first entry that matches; nil when none does or its home is not an absolute path.
    static func account(where matches: (passwd) -> Bool) -> (id: uid_t, home: String)? {
        guard let file = fopen("/etc/passwd", "re") else { return nil }
        defer { fclose(file) }
        let size = 4096
        guard let buffer = malloc(size) else { return nil }
        defer { free(buffer) }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        // Ends also at an entry that is longer than the buffer: what follows it is not known.
        while fgetpwent_r(file, &entry, buffer.assumingMemoryBound(to: CChar.self), size, &found) == 0 {
            guard matches(entry) else { continue }
            guard let home = entry.pw_dir, home.pointee == CChar(UInt8(ascii: "/")) else { return nil }
            return (entry.pw_uid, PathText.string(home))
        }
        return nil
    }
}
