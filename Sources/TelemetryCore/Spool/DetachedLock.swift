// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The right to be the only `telemetry deliver` of a tool: a file that this process has locked, or inherited locked.
package enum DetachedLock {
    static let name = "detached.lock"
    /// The descriptor of the lock in the process started.
    private static let number: Int32 = STDERR_FILENO + 1

    /// Where it is: with the first of the tool's spools that there is. A tool may have nothing but spans.
    static func directory(_ options: Options) -> SpoolDirectory? {
        SpoolDirectory.openExisting(options) ?? SpoolDirectory.openExisting(options.own([]))
            ?? SpoolDirectory.openExisting(options.ofSpans)
            ?? SpoolDirectory.openExisting(options.own([]).ofSpans)
    }

    private static func lockFile(_ shared: SpoolDirectory) -> Descriptor? {
        try? ForkHandling.openHeld(at: shared.directory, name, O_RDWR | O_CREAT)
    }

    /// Nil: another process has it. A process that was stopped loses it. If it was not stopped after all, both
    /// processes wait for each other at the lease.
    static func take(_ shared: SpoolDirectory) -> Descriptor? {
        for _ in 0..<2 {
            guard let lock = lockFile(shared) else { return nil }
            if lock.tryLock() { return lock }
            ForkHandling.closeHeld(lock, unlocking: false)
            guard LeaseStamp(shared.directory, name)?.isOverdue == true else { return nil }
            shared.directory.discardEntry(name)
        }
        return nil
    }

    /// The lock that this process holds.
    nonisolated(unsafe) private(set) static var held: Descriptor?

    /// Whether another `telemetry deliver` of the tool is running. If not, this process becomes the one.
    package static func isElsewhere(_ options: Options) -> Bool {
        guard let shared = directory(options) else { return false }
        defer { shared.close() }
        if let status = status(shared), let handed = try? Descriptor(raw: number).status(),
            handed.st_ino == status.st_ino, handed.st_dev == status.st_dev
        {
            held = Descriptor(raw: number)
        } else {
            held = take(shared)
        }
        beat()
        return held == nil && status(shared) != nil
    }

    private static func status(_ shared: SpoolDirectory) -> stat? { try? shared.directory.entryStatus(name) }

    /// As for the holder of a lease: a silent process is taken for stopped.
    static func beat() {
        guard let held else { return }
        var stamp = LeaseStamp(inode: 0)
        stamp.beat = Clock.monotonic()
        stamp.write(to: held)
    }
}
