// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A socket that others of this machine connect to. Forked children do not keep it.
struct ListeningSocket {
    let descriptor: Descriptor
    /// The file of a Unix socket, by which it is found again.
    private var entry: (path: String, device: UInt64, number: UInt64)?

    /// A loopback address. `port` 0: a free one; it becomes the port.
    init(host: String, port: inout UInt16) throws(SystemError) {
        var bound = port
        descriptor = try Self.held { host.withCString { csystem_listen_loopback($0, &bound) } }
        port = bound
    }

    /// A Unix socket. The file of a socket on which nobody listens any more is replaced; nothing else is.
    init(path: String) throws(SystemError) {
        descriptor = try Self.listen(path)
        if let status = try? Descriptor.currentDirectory.entryStatus(path) {
            entry = (path, UInt64(status.st_dev), UInt64(status.st_ino))
        }
    }

    /// Two programs may find the same old file, and one that is about to listen does not listen yet. So they take turns
    /// by a lock on the directory, and neither removes the new file of the other.
    private static func listen(_ path: String) throws(SystemError) -> Descriptor {
        let directory = try? ForkHandling.openHeld(at: .currentDirectory, parent(path), O_RDONLY | O_DIRECTORY)
        defer { if let directory { ForkHandling.closeHeld(directory) } }
        let isLocked = directory.map { lock($0) } ?? false
        do throws(SystemError) {
            return try held { PathText.call(path) { csystem_listen_unix($0) } }
        } catch {
            guard error.code == EADDRINUSE, isLocked else { throw error }
        }
        let status = try Descriptor.currentDirectory.entryStatus(path)
        if status.st_mode & mode_t(S_IFMT) != mode_t(S_IFSOCK) { throw SystemError(code: EEXIST) }
        guard status.isOwn, !isListenedTo(path) else { throw SystemError(code: EADDRINUSE) }
        _ = try Descriptor.currentDirectory.removeEntry(path)
        return try held { PathText.call(path) { csystem_listen_unix($0) } }
    }

    private static func parent(_ path: String) -> String {
        let bytes = Array(path.utf8)
        // Followed, if it is a link.
        return String(bytes: bytes[..<(bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0)]) + "/."
    }

    private static func isListenedTo(_ path: String) -> Bool {
        PathText.call(path) { csystem_is_listened_to($0) ? 1 : 0 } != 0
    }

    private static func lock(_ directory: Descriptor) -> Bool {
        for _ in 0..<50 {
            if directory.tryLock() { return true }
            Clock.sleep(nanoseconds: 2_000_000)
        }
        return false
    }

    private static func held(_ make: () -> Int32) throws(SystemError) -> Descriptor {
        var code: Int32 = 0
        let (made, _) = ForkHandling.holding {
            code = make()
            return (code, -1)
        }
        guard let made else { throw SystemError(code: 0 &- code) }
        return made
    }

    /// The next connection; nil: there is none now.
    func accept() -> Descriptor? { ForkHandling.holding { (csystem_accept(descriptor.number), -1) }.0 }

    /// Removes the file of a Unix socket, unless another one has its name by now. A new file may have the old one's
    /// number: then somebody listens on it.
    func close() {
        ForkHandling.closeHeld(descriptor, unlocking: false)
        guard let entry, let status = try? Descriptor.currentDirectory.entryStatus(entry.path),
            UInt64(status.st_dev) == entry.device, UInt64(status.st_ino) == entry.number,
            !Self.isListenedTo(entry.path)
        else { return }
        Descriptor.currentDirectory.discardEntry(entry.path)
    }
}

/// Wakes a thread that waits for descriptors. If the program closes them, the thread wakes as well: a pipe without a
/// writer is at its end.
struct WakePipe {
    let reading: Descriptor
    private let writing: Descriptor

    init() throws(SystemError) {
        var code: Int32 = 0
        let ends = ForkHandling.holding {
            var ends: (Int32, Int32) = (-1, -1)
            code = csystem_wake_pipe(&ends.0, &ends.1)
            return code < 0 ? (-1, -1) : ends
        }
        guard let reading = ends.0, let writing = ends.1 else { throw SystemError(code: 0 &- code) }
        self.reading = reading
        self.writing = writing
    }

    func wake() {
        var byte: UInt8 = 0
        _ = SystemCall.write.retried { CSystem.write(writing.number, &byte, 1) }
    }

    func drain() {
        var area: (UInt64, UInt64) = (0, 0)
        _ = SystemCall.read.retried { CSystem.read(reading.number, &area, 16) }
    }

    func close() {
        ForkHandling.closeHeld(reading, unlocking: false)
        ForkHandling.closeHeld(writing, unlocking: false)
    }
}
