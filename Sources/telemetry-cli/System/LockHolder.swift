// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The process that holds a lock of flock(2) or fcntl(2), as /proc/locks tells it.
struct LockHolder {
    let id: Int32

    var description: String { id.description }

    /// Nil: nobody holds it, or the holder is in another container.
    static func find(_ path: String) -> LockHolder? {
        var status = stat()
        guard PathText.call(path, { lstat($0, &status) }) == 0, let text = content("/proc/locks") else { return nil }
        // "1: FLOCK  ADVISORY  WRITE 4711 00:1f:1234 0 EOF"; a waiting one has "->" before FLOCK.
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard words.count > 5, ["FLOCK", "POSIX"].contains(where: { ArgumentParser.same(words[1], $0) }),
                let id = Int32(words[4]), id > 0,
                let inode = words[5].utf8.split(separator: UInt8(ascii: ":")).last,
                UInt64(String(decoding: Array(inode), as: UTF8.self)) == UInt64(status.st_ino)
            else { continue }
            return LockHolder(id: id)
        }
        return nil
    }

    /// Stopped by a signal or a debugger; proc_pid_stat(5): the letter behind the name, which ends with the last ")".
    var isStopped: Bool {
        guard let text = Self.content("/proc/" + description + "/stat"),
            let end = text.lastIndex(of: UInt8(ascii: ")")),
            text.indices.contains(end + 2)
        else { return false }
        return text[end + 2] == UInt8(ascii: "T") || text[end + 2] == UInt8(ascii: "t")
    }

    private static func content(_ path: String) -> [UInt8]? {
        let file = csystem_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while content.count < 1 << 20 {
            let got = chunk.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
            if got < 0 && csystem_errno() == EINTR { continue }
            if got <= 0 { break }
            content.append(contentsOf: chunk[..<got])
        }
        return content
    }
}
