// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A tool's spool as all its processes see it: the directory, its control file, the totals. What needs the control
/// file's lock is in `LockedSpool`.
final class SpoolDirectory {
    let directory: Descriptor
    let control: ControlFile
    let path: String
    /// Nil: the tool has one destination.
    var destinations: DestinationFile?
    private let owner = csystem_user()
    /// Until this time (monotonic clock) the lock is not waited for; 0: it is waited for.
    var stuckUntil: Int64 = 0
    /// The last retirement that this process completed.
    var finishedRetirement: UInt64 = 0

    private struct KnownDelivery {
        /// As it was read last.
        var state = DeliveryState()
        /// This process delivers; no other process changes the state.
        var isOwn = false
    }
    private let known = Guarded(KnownDelivery())

    init(path: String, directory: Descriptor, control: ControlFile) {
        self.path = path
        self.directory = directory
        self.control = control
        destinations = DestinationFile.existing(in: directory)
    }

    /// Until when a thread waits for the lock: for what can be done later, while an event is recorded, and for an event
    /// that has no other place.
    var waiting: Deadline { Deadline(timeoutMilliseconds: control.patience.milliseconds) }
    var waitingToRecord: Deadline { Deadline(timeoutMilliseconds: control.patience.recordingMilliseconds) }
    var waitingForRoom: Deadline { Deadline(timeoutMilliseconds: control.patience.lossMilliseconds) }
    var waitsToRecord: Bool { control.patience.recordingMilliseconds > 0 }

    /// When a file was last made or removed there, nanoseconds since 1970; 0: that cannot be known.
    var lastChange: Int64 {
        guard let status = try? directory.status() else { return 0 }
        return FileStamp(status).modified
    }

    /// For a tool with several destinations: one slot for each name. Nil: they cannot be told apart here.
    func assignDestinations(_ names: [String]) -> [DestinationSlot]? {
        var slots: [DestinationSlot]?
        _ = withLock(waiting) {
            slots = DestinationFile.assign(names, $0)
        }
        destinations = DestinationFile.existing(in: directory)
        return slots
    }

    /// Makes the directory and the control file if needed.
    static func open(_ options: Options) throws(SystemError) -> SpoolDirectory {
        guard !options.isInMemory, let base = options.stateBase else { throw SystemError(code: ENOENT) }
        // Without the right to write counts, a process would take segments of others, and their counts would be lost.
        guard Descriptor.mayWrite(upTo: Int64(max(ControlFile.size, DestinationFile.size))) else {
            throw SystemError(code: EFBIG)
        }
        let path = base + "/" + options.stateName
        if !isSafe(path, below: base) { throw SystemError(code: EPERM) }
        let directory = try Directory.openPrivate(path)
        do throws(SystemError) {
            let control = try ControlFile.open(in: directory, options.role.patience)
            return SpoolDirectory(path: path, directory: directory, control: control)
        } catch {
            directory.close()
            throw error
        }
    }

    /// A user who can write to a directory that the spool is in could put another directory in the spool's place.
    private static func isSafe(_ path: String, below base: String) -> Bool {
        let bytes = Array(path.utf8)
        for index in bytes.indices.dropFirst(base.utf8.count) where bytes[index] == UInt8(ascii: "/") {
            if !Directory.isMissingOrPrivate(String(bytes: bytes[0..<index])) { return false }
        }
        return true
    }

    /// The same, or why there is none. A single failed call must not keep everything in memory.
    static func openOrSay(_ options: Options) -> (SpoolDirectory?, SystemError?) {
        var failure: SystemError?
        if options.isInMemory { return (nil, nil) }
        for _ in 0..<2 {
            do throws(SystemError) { return (try open(options), nil) } catch {
                failure = error
                if ![EIO, ESTALE, ENOMEM, EAGAIN].contains(error.code) { break }
            }
        }
        return (nil, failure)
    }

    /// The path of a tool's spool, whether it exists or not. Nil: the user has no state directory.
    static func path(_ options: Options) -> String? { options.statePath }

    /// Opens a spool read-only: nothing is written, so that a file system or an owner that forbids writing does not
    /// matter. Nil: there is no spool. Throws when that cannot be known, or the spool belongs to another user.
    static func openToLook(_ options: Options) throws(SystemError) -> SpoolDirectory? {
        guard !options.leavesFilesAlone, let path = path(options),
            let directory = try Directory.openExisting(path, refusedMode: 0)
        else {
            return nil
        }
        do throws(SystemError) {
            if let control = try ControlFile.openToLook(in: directory, options.role.patience) {
                return SpoolDirectory(path: path, directory: directory, control: control)
            }
        } catch {
            directory.close()
            throw error
        }
        directory.close()
        return nil
    }

    /// The same. Nil also where that cannot be known.
    static func look(_ options: Options) -> SpoolDirectory? { (try? openToLook(options)) ?? nil }

    /// Creates nothing. Nil: there is no usable spool.
    static func openExisting(_ options: Options) -> SpoolDirectory? {
        guard !options.leavesFilesAlone, let base = options.stateBase,
            isSafe(base + "/" + options.stateName, below: base),
            let directory = (try? Directory.openExisting(base + "/" + options.stateName)) ?? nil
        else { return nil }
        guard let control = ControlFile.openExisting(in: directory, options.role.patience) else {
            directory.close()
            return nil
        }
        return SpoolDirectory(path: base + "/" + options.stateName, directory: directory, control: control)
    }

    /// Opens a spool to withdraw, which does not need a trusted directory: what is erased belongs to this user. Nil:
    /// nothing waits. Throws when that cannot be known.
    static func openToErase(_ options: Options) throws(SystemError) -> SpoolDirectory? {
        guard let path = path(options) else { return nil }
        let directory: Descriptor
        do throws(SystemError) {
            guard let found = try Directory.openExisting(path, refusedMode: 0) else { return nil }
            directory = found
        } catch {
            if error.isNoDirectory { return nil }
            throw error
        }
        var isSpool = false
        do throws(SystemError) {
            let file = try Descriptor.open(at: directory, ControlFile.name, O_RDWR | O_NONBLOCK)
            defer { file.close() }
            isSpool = try file.status().st_size == ControlFile.size
            // A damaged control file is repaired; without it the waiting events are void.
            return SpoolDirectory(
                path: path, directory: directory,
                control: try ControlFile.open(in: directory, options.role.patience, isToErase: true))
        } catch {
            directory.close()
            // A spool was never made where there is no room for one, or where files cannot be locked.
            if !isSpool && (error.isMissing || [ENOSPC, ENOLCK, ENOSYS, EOPNOTSUPP].contains(error.code)) {
                return nil
            }
            throw error
        }
    }

    /// The program has closed the files of the spool in this process, or has become another user since.
    var isLost: Bool { !isUsable || !control.file.isOurs || !directory.isOurs }

    /// This process still runs as the user who owns the spool.
    var isUsable: Bool { owner == csystem_user() }

    func close() {
        control.close()
        directory.close()
    }

    /// For a forked child, in which the control file has been closed already.
    func forget() { directory.close() }

    /// `except`: files that the caller itself holds, by number.
    @inline(never)
    func segmentNames(except isOwn: (UInt64) -> Bool = { _ in false }) -> [String] {
        var result: [String] = []
        Directory.forEachName(in: directory) { name in
            guard Segment.isName(name) else { return }
            let text = String(cString: name)
            if !isOwn(Segment.fileID(text) ?? 0) { result.append(text) }
        }
        return result
    }

    /// Segments whose use began first come first. Unreadable ones come before them.
    @inline(never)
    func segmentsByAge(except isOwn: (UInt64) -> Bool) -> [AgedSegment] {
        var aged: [AgedSegment] = []
        for name in segmentNames(except: isOwn) {
            let segment = AgedSegment(name, SegmentHeader(name, in: directory))
            aged.insert(segment, at: segment.place(in: aged))
        }
        return aged
    }

    /// Like `segmentsByAge`, for delivery: no segment is returned without those that came before it. One look may miss
    /// a segment made meanwhile and still see a later one. So a segment that only the second look shows is left for the
    /// next time, unless it is older than one that the first look showed.
    func segmentsToDeliver(except isOwn: (UInt64) -> Bool) -> [AgedSegment] {
        let first = segmentNames(except: isOwn)
        if first.isEmpty { return [] }
        var aged = segmentsByAge(except: isOwn)
        let seen = first.map { Segment.fileID($0) ?? 0 }
        while let last = aged.last, !seen.contains(Segment.fileID(last.name) ?? 0) { aged.removeLast() }
        return aged
    }

    /// Bytes and number of all segment files. Files that a run has cut short at its end count by size: together as many
    /// segments as their bytes fill.
    func usage(segmentBytes: Int = 0) -> (bytes: Int64, segments: Int) {
        var bytes: Int64 = 0
        var short: Int64 = 0
        var segments = 0
        Directory.forEachName(in: directory) { name in
            var status = stat()
            guard Segment.isName(name), directory.read(&status, ofListed: name), status.isRegularFile else { return }
            bytes &+= Int64(status.st_size)
            if status.st_size < segmentBytes { short &+= Int64(status.st_size) } else { segments += 1 }
        }
        if segmentBytes > 0 { segments += Int(clamping: (short &+ Int64(segmentBytes) &- 1) / Int64(segmentBytes)) }
        return (bytes, segments)
    }

    // MARK: metrics

    /// The tool's metrics in the present consent epoch.
    func openMetrics() throws(SystemError) -> MetricMap {
        try MetricMap.open(in: directory, at: path, epoch: { control.epochNow }) { body in
            _ = withLock(waiting) { _ in body() }
        }
    }

    // MARK: delivery state

    /// The delivery state. Only the holder of `deliver.lock` changes it; any thread may ask.
    var delivery: DeliveryState {
        known.withLock { known in
            if !known.isOwn, let state = control.readDelivery() { known.state = state }
            return known.state
        }
    }

    /// Called with the lease held. False: the state cannot be read now, and an unknown state must not be taken for an
    /// empty one.
    func beginDelivering() -> Bool {
        known.withLock { known in
            guard let state = control.readDelivery() else { return false }
            known = KnownDelivery(state: state, isOwn: true)
            return true
        }
    }

    func endDelivering() { known.withLock { $0.isOwn = false } }

    func updateDelivery(_ change: (inout DeliveryState) -> Void) {
        known.withLock { known in
            if let state = control.updateDelivery(change) { known.state = state }
        }
    }

    // MARK: totals

    /// The file of a counted segment still exists.
    func couldNotRemove() { finishedRetirement = 0 }

    /// Whether the segment, which the caller holds, has been counted already and only waits to be removed. Does not
    /// take the lock, which another process may keep for long: one of the two slots is always whole. Nil: that cannot
    /// be known now.
    func isRetired(_ segment: Segment) -> Bool? {
        control.readCounters().map { $0.retiredGeneration == segment.description.generation }
    }

    /// Exact with the lock. The totals over counters and all segments, including those of living processes. `failure`: errno, if the
    /// process had no descriptor left to look with, or gave up its right to look. Segments in `own` need not be opened.
    func totals(failure: UnsafeMutablePointer<Int32>? = nil, own: [Segment] = []) -> Tally {
        guard let counters = control.readCounters() else {
            failure?.pointee = csystem_errno()
            return own.reduce(into: Tally()) { $0 += $1.tally }
        }
        var result = counters.tally
        for name in segmentNames() {
            let header = SegmentHeader(name, in: directory)
            let error = csystem_errno()
            if header == nil, let mapped = own.first(where: { $0.name == name }) {
                result += mapped.tally
                continue
            }
            if header == nil && error != 0 && error != ENOENT { failure?.pointee = error }
            guard let header, header.generation != counters.retiredGeneration else { continue }
            result += header.tally(currentEpoch: control.epoch)
        }
        return result
    }
}
