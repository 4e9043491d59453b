// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Agents whose environment refuses leave a file in the runtime directory: nothing else tells the next agent of it.
package final class EnvironmentMark {
    private let path: String
    private var isRefusing = false
    /// When an environment last refused, nanoseconds since 1970; 0: never.
    private(set) var time: Int64 = 0

    private static let open = UInt8(ascii: "1")
    private static let closed = UInt8(ascii: "0")

    /// `isRefusing`: this environment refuses a tool.
    init(_ directory: RuntimeDirectory, isRefusing: Bool) {
        path = directory.path + "/refused"
        switch read() {
        case (Self.closed, let changed)?: time = min(changed, Clock.realtime())
        case .some:
            // Until when the one before has refused is not known: at the longest until now.
            time = Clock.realtime()
            write(Self.closed)
        case nil: break
        }
        if isRefusing { refuse() }
    }

    /// This environment has refused something.
    func refuse() {
        time = Clock.realtime()
        if isRefusing { return }
        isRefusing = true
        write(Self.open)
    }

    /// Nil: it is not there.
    private func read() -> (UInt8, Int64)? {
        let descriptor = PathText.call(path) {
            csystem_openat(AT_FDCWD, $0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
        }
        if descriptor < 0 { return csystem_errno() == ENOENT ? nil : (Self.open, 0) }
        defer { closeFile(descriptor) }
        var status = stat()
        var byte = Self.open
        guard fstat(descriptor, &status) == 0, CSystem.read(descriptor, &byte, 1) == 1 else { return (Self.open, 0) }
        return (byte, Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec))
    }

    private func write(_ byte: UInt8) {
        let descriptor = PathText.call(path) {
            csystem_openat(AT_FDCWD, $0, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        }
        if descriptor < 0 { return }
        var byte = byte
        _ = CSystem.write(descriptor, &byte, 1)
        closeFile(descriptor)
    }
}
