// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The right to deliver, which one process of a tool has at a time: `deliver.lock`, and a stamp in `deliver.lease` that
/// says about every second that its holder is alive. A holder that was stopped or hangs loses the right to a process
/// that waits for it, and touches nothing more when it wakes. docs/decisions/leases.md explains why that loses nothing,
/// and sends nothing twice that must not be.
final class Lease {
    static let lockName = "deliver.lock"
    private static let stampName = "deliver.lease"
    /// Held while the copies of delivered events, or the local log, are written.
    private static let logsName = "deliver.logs"
    /// The copy of a segment that is being taken from a holder that lost it.
    private static let takenName = "deliver.taken"
    private static let beatNanoseconds: Int64 = 1_000_000_000
    /// The time between two looks at another process's stamp.
    private static let lookNanoseconds: Int64 = 20_000_000
    private static let lockMilliseconds: UInt32 = 5
    private static let stillNanoseconds: Int64 = 100_000

    private let directory: Descriptor
    private let lock: Descriptor
    private let inode: UInt64
    /// Nil: there is no room for the stamp, so this lease cannot be lost.
    private let file: Descriptor?
    private let control: Descriptor?
    private var logs: Descriptor?
    private var stamp: LeaseStamp
    /// Monotonic clock.
    private var heldAt: Int64 = 0
    /// The process that the lease was taken from; 0: none.
    let former: Int32

    private init(_ directory: Descriptor, _ lock: Descriptor, _ lockInode: UInt64, _ former: Int32) {
        self.directory = directory
        self.lock = lock
        self.former = former
        inode = lockInode
        file = Self.openStamp(directory)
        control = try? ForkHandling.openHeld(at: directory, ControlFile.name, O_RDWR)
        stamp = LeaseStamp(inode: inode)
        write()
    }

    /// Nil: another process holds it until the deadline. `patience`: how long the holder may be silent when nothing is
    /// owed to it any more, because consent for what it sends is gone.
    static func obtain(
        _ directory: Descriptor, until deadline: Deadline, patience: Int64? = nil, isCancelled: () -> Bool = { false }
    ) throws(SystemError) -> Lease? {
        var (lock, status) = try openLock(directory)
        var watch = LeaseWatch(patience: patience)
        var former: Int32 = 0
        var pause: Int64 = 20_000
        var nextLook: Int64 = 0
        while true {
            let error = lock.lockError()
            let isLooking = error == 0 || Clock.monotonic() >= nextLook
            if isLooking {
                nextLook = Clock.monotonic() &+ lookNanoseconds
                if error == EWOULDBLOCK, isCurrent(UInt64(status.st_ino), directory),
                    let stamp = LeaseStamp(directory, stampName),
                    watch.isSilent(stamp), revoke(directory, stamp)
                {
                    former = stamp.process
                }
                // Another process took it from its holder, or the whole spool was erased.
                if !isCurrent(UInt64(status.st_ino), directory), error == 0 || error == EWOULDBLOCK {
                    ForkHandling.closeHeld(lock)
                    (lock, status) = try openLock(directory)
                    continue
                }
            }
            if error == 0 { return Lease(directory, lock, UInt64(status.st_ino), former) }
            if error != EWOULDBLOCK || deadline.isPast || isCancelled() {
                ForkHandling.closeHeld(lock)
                return nil
            }
            Clock.sleep(nanoseconds: min(pause, deadline.remainingNanoseconds))
            pause = min(pause &* 2, 1_000_000)
        }
    }

    func end() {
        // `logs` and `control` are only ever locked for a moment.
        for file in [logs, control] { if let file { ForkHandling.closeHeld(file, unlocking: false) } }
        for file in [file, lock] { if let file { ForkHandling.closeHeld(file) } }
    }

    private static func openLock(_ directory: Descriptor) throws(SystemError) -> (Descriptor, stat) {
        try ForkHandling.openHeldKnown(at: directory, lockName, O_RDWR | O_CREAT)
    }

    /// This process holds `deliver.lock`. So another process that has the stamp file locked has lost the lease, or is
    /// only looking.
    private static func openStamp(_ directory: Descriptor) -> Descriptor? {
        for _ in 0..<2 {
            guard
                let (file, status) = try? ForkHandling.openHeldKnown(
                    at: directory, stampName, O_RDWR | O_CREAT | O_NONBLOCK)
            else { return nil }
            if status.isOwnRegularFile,
                status.st_size >= LeaseStamp.size || (try? file.allocate(Int64(LeaseStamp.size))) != nil, file.tryLock()
            {
                return file
            }
            ForkHandling.closeHeld(file)
            directory.discardEntry(stampName)
        }
        return nil
    }

    /// Compares the name's inode and not the count of links: NFS keeps an open file under another name.
    private static func isCurrent(_ inode: UInt64, _ directory: Descriptor) -> Bool {
        (try? directory.entryStatus(lockName)).map { UInt64($0.st_ino) } == inode
    }

    // MARK: for its holder

    /// False: another process has taken the lease, and nothing may be sent, counted or written any more. This is asked
    /// after the state that must be known before a send was written: a process that takes the lease reads that state
    /// afterwards.
    var isHeld: Bool {
        guard lock.isOurs, Self.isCurrent(inode, directory) else { return false }
        heldAt = Clock.monotonic()
        return true
    }

    /// The same, as of a moment ago. A process that takes a lease waits until the holder has been silent for longer
    /// than this allows.
    var isHeldStill: Bool {
        let now = Clock.monotonic()
        return now &- heldAt < Self.stillNanoseconds && now &- stamp.beat < LeaseStamp.leaseNanoseconds / 2 || isHeld
    }

    /// Says that the holder is alive; called often. `busy`: it may be silent for that many milliseconds more.
    func beat(busy: UInt32 = 0) {
        let length = LeaseStamp.leaseNanoseconds &+ Int64(busy) &* 1_000_000
        if length <= stamp.length && Clock.monotonic() &- stamp.beat < Self.beatNanoseconds { return }
        stamp.length = length
        write()
        DetachedLock.beat()
    }

    /// Names the segment that is being delivered: its process is gone, and this process has it locked. Nil: none any
    /// more.
    func deliver(_ segment: Segment?) {
        stamp.segment = segment?.fileID ?? 0
        write()
    }

    private func write() {
        stamp.beat = Clock.monotonic()
        if let file { stamp.write(to: file) }
    }

    /// Runs `body` unless the lease is lost; nobody can take it meanwhile. Nil: there is no lease to lose.
    static func guarded(_ lease: Lease?, _ body: () -> Void) {
        guard let lease else { return body() }
        // A process that was stopped while it held this lock also blocks processes that would take the lease.
        let isLocked = lease.control?.lock(until: Deadline(timeoutMilliseconds: lockMilliseconds)) ?? false
        if lease.isHeldStill { body() }
        if isLocked { lease.control?.unlock() }
    }

    /// Why it could not be known whether another process writes; nil: one does.
    private(set) var logsProblem: SystemError?

    /// The same for the logs, which have their own lock: a write to them may take long, and a process that is stopped
    /// in it must block others only from the logs. Nil: another process is writing, or `logsProblem`.
    func writingLogs<R>(_ body: () -> R) -> R? {
        if logs == nil {
            do throws(SystemError) {
                logs = try ForkHandling.openHeld(at: directory, Self.logsName, O_RDWR | O_CREAT | O_NONBLOCK)
            } catch {
                logsProblem = error
                return nil
            }
        }
        logsProblem = nil
        guard let logs, logs.lock(until: Deadline(timeoutMilliseconds: Self.lockMilliseconds)) else { return nil }
        defer { logs.unlock() }
        return isHeldStill ? body() : nil
    }

    // MARK: taking it from its holder

    /// False: its holder is alive after all, its version never says that it is alive, or another process was faster.
    private static func revoke(_ directory: Descriptor, _ stamp: LeaseStamp) -> Bool {
        guard let control = try? Descriptor.open(at: directory, ControlFile.name, O_RDWR) else { return false }
        defer { control.close() }
        guard control.lock(until: Deadline(timeoutMilliseconds: lockMilliseconds)),
            let now = LeaseStamp(directory, stampName),
            now.isSame(stamp), isCurrent(stamp.inode, directory), isLocked(directory)
        else { return false }
        directory.discardEntry(lockName)
        // From here on the former holder begins nothing.
        if stamp.segment != 0 { Segment.take(Segment.name(stamp.segment), in: directory, by: takenName) }
        directory.discardEntry(stampName)
        return true
    }

    /// The stamp's lock ends with its writer: an unlocked stamp was left by a process that is gone.
    private static func isLocked(_ directory: Descriptor) -> Bool {
        guard let file = try? Descriptor.open(at: directory, stampName, O_RDONLY | O_NONBLOCK) else { return false }
        defer { file.close() }
        return file.lockError(isShared: true) == EWOULDBLOCK
    }

    /// Removes what a process left that died while it took a segment.
    static func removeLeftover(_ directory: Descriptor) { directory.discardEntry(takenName) }
}

extension Segment {
    /// Replaces a segment with a copy of it, because the process that holds the segment must not have it any more. What
    /// that process writes goes to a file without a name from now on.
    fileprivate static func take(_ name: String, in directory: Descriptor, by takenName: String) {
        guard let old = try? Descriptor.open(at: directory, name, O_RDONLY | O_NONBLOCK) else { return }
        defer { old.close() }
        // Not locked: its holder has let go of it, or is gone.
        guard !old.tryLock(), let status = try? old.status(), status.isOwnRegularFile else { return }
        directory.discardEntry(takenName)
        guard let copy = try? Descriptor.open(at: directory, takenName, O_RDWR | O_CREAT | O_EXCL) else { return }
        defer { copy.close() }
        let size = min(Int(clamping: status.st_size), SegmentLayout.maximumSize)
        let isWhole = copy.fill(from: old, size) && (try? directory.renameEntry(takenName, name)) != nil
        if !isWhole { directory.discardEntry(takenName) }
    }
}

extension Descriptor {
    fileprivate func fill(from other: Descriptor, _ size: Int) -> Bool {
        guard let chunk = Heap.take(max(1, size)) else { return false }
        defer { Heap.release(chunk) }
        guard other.read(chunk, size, at: 0) == size else { return false }
        return (try? writeAll(UnsafeRawBufferPointer(start: chunk, count: size))) != nil
    }
}
