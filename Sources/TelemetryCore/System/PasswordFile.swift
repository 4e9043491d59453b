// SPDX-License-Identifier: Apache-2.0
import CSystem

/// /etc/passwd itself, read without the name service switch, which may load libraries and wait for
/// a server.
enum PasswordFile {
    /// User and home of the first entry that matches; nil when none does or its home is not an absolute path.
    static func account(where matches: (passwd) -> Bool) -> (id: uid_t, home: String)? {
        var account: (id: uid_t, home: String)?
        forFirst(matches) { entry in
            guard let home = entry.pw_dir, home.pointee == CChar(UInt8(ascii: "/")) else { return }
            account = (entry.pw_uid, PathText.string(home))
        }
        return account
    }

    /// The name of the effective user; nil when the file does not have it.
    static var userName: String? {
        var name: String?
        forFirst({ $0.pw_uid == csystem_user() && $0.pw_name != nil }) { name = String(cString: $0.pw_name) }
        return name
    }

    private static func forFirst(_ matches: (passwd) -> Bool, _ body: (passwd) -> Void) {
        guard let file = fopen("/etc/passwd", "re") else { return }
        defer { fclose(file) }
        let size = 4096
        guard let buffer = Heap.take(size) else { return }
        defer { Heap.release(buffer) }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        // Ends also at an entry that is longer than the buffer: what follows it is not known.
        while fgetpwent_r(file, &entry, buffer.assumingMemoryBound(to: CChar.self), size, &found) == 0 {
            if matches(entry) { return body(entry) }
        }
    }
}
