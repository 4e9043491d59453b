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
        var made = PathText.call(path, make)
        if made == 0 - EADDRINUSE {
            var status = stat()
            guard PathText.call(path, { lstat($0, &status) }) == 0 else { throw .current }
            guard status.st_mode & mode_t(S_IFMT) == mode_t(S_IFSOCK) else { throw SystemError(code: EEXIST) }
            if PathText.call(path, { isUsed($0) ? 1 : 0 }) != 0 { throw SystemError(code: EADDRINUSE) }
            remove(path)
            made = PathText.call(path, make)
        }
        if made < 0 { throw SystemError(code: 0 - made) }
        return made
    }

    static func remove(_ path: String) { _ = PathText.call(path) { unlink($0) } }
}

/// close(2)
func closeFile(_ descriptor: Int32) { if descriptor >= 0 { _ = CSystem.close(descriptor) } }
