import CSystem

/// Delivery by a process of its own, so that the tool's ends at once.
package enum DetachedDelivery {
    /// In the helper: this program, started again without the caller's terminal, group or files, except
    /// the one given. It keeps that open as long as it runs, and with it the lock on it. Nil in a host
    /// program, which must not find itself with a child that it did not start.
    nonisolated(unsafe) package static var start: ((Options, Int32) -> Void)?

    static let lockName = "detached.lock"

    /// At most one process of the tool at a time. The lock goes over to the new one with the open file:
    /// there is no moment at which another could find it free. What is recorded after that process has
    /// looked stays in the spool for the next.
    static func startUnlessRunning(_ options: Options) {
        guard let start, let shared = SpoolDirectory.openExisting(tool: options.toolName) else { return }
        defer { shared.close() }
        guard let lock = try? Descriptor.open(at: shared.directory, lockName, O_RDWR | O_CREAT) else { return }
        // Closed without unlocking: that would end the lock of the process started.
        defer { lock.close() }
        if lock.tryLock() { start(options, lock.raw) }
    }
}
