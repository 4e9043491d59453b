// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Unix sockets in the runtime directory, whose lock this process has. So one that is there was left by an agent that was
/// killed, unless somebody uses it: a service manager, for instance.
enum OwnSocket {
    /// `make`: a descriptor or a negative errno. `isUsed`: some process has the name.
    static func make(
        _ path: String, _ make: (UnsafePointer<CChar>) -> Int32, isUsed: (UnsafePointer<CChar>) -> Bool
    ) throws(SystemError) -> Int32 {
        try patiently {
            let made = PathText.call(path, make)
            if made != 0 - EADDRINUSE { return made }
            var status = stat()
            guard PathText.call(path, { lstat($0, &status) }) == 0 else { return 0 - csystem_errno() }
            guard status.st_mode & mode_t(S_IFMT) == mode_t(S_IFSOCK) else { return 0 - EEXIST }
            if PathText.call(path, { isUsed($0) ? 1 : 0 }) != 0 { return made }
            remove(path)
            return PathText.call(path, make)
        }
    }

    /// A worker of an agent that was killed may just have been made, and have its sockets for a moment.
    static func patiently(_ make: () -> Int32) throws(SystemError) -> Int32 {
        let end = Clock.monotonic() &+ 1_000_000_000
        while true {
            let made = make()
            if made >= 0 { return made }
            if made != 0 - EADDRINUSE || Clock.monotonic() >= end { throw SystemError(code: 0 - made) }
            _ = poll(nil, 0, 10)
        }
    }

    static func isMissing(_ path: String) -> Bool {
        var status = stat()
        return PathText.call(path) { lstat($0, &status) } != 0 && csystem_errno() == ENOENT
    }

    static func remove(_ path: String) { _ = PathText.call(path) { unlink($0) } }
}

/// close(2)
func closeFile(_ descriptor: Int32) { if descriptor >= 0 { _ = CSystem.close(descriptor) } }
