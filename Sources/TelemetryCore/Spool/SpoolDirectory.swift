// SPDX-License-Identifier: Apache-2.0
import CSystem

/// How long a caller's thread waits for other processes at the control file.
package enum SpoolPatience {
    /// Short, for a thread that has better things to do, or the mutex that recording needs; the helper, of which many
    /// may run at once and which has nothing else to do, sets more.
    nonisolated(unsafe) package static var milliseconds: UInt32 = 5
    /// On the way of an event: no wait at all.
    nonisolated(unsafe) package static var recordingMilliseconds: UInt32 = 0
    /// Where an event has no other place: the spool is more than half full, or is only just being made.
    nonisolated(unsafe) package static var lossMilliseconds: UInt32 = 5

    /// Of the helper: `recording` is for a script or a wrapped program, which wait for nobody. Many may record at once.
    package static func setForHelper(recording: Bool) {
        milliseconds = recording ? 50 : 5_000
        recordingMilliseconds = milliseconds
        lossMilliseconds = 5_000
    }
}

/// A tool's spool as all its processes see it: the directory, its control file, the totals.
/// Functions that say "locked" need the control file's lock.
final class SpoolDirectory {
    let directory: Descriptor
    let control: ControlFile
    let path: String
    /// Nil: the tool has one destination.
    var destinations: DestinationFile?
    private let owner = csystem_user()
    private let deliveryMutex = Mutex()
    /// Monotonic clock; 0: it is waited for.
    var stuckUntil: Int64 = 0
    /// The retirement that this process saw through to the end last.
    private var finishedRetirement: UInt64 = 0
    /// As it was read last.
    private var knownDelivery = DeliveryState()
    /// This process delivers, and nobody else changes it.
    private var isDelivering = false

    init(path: String, directory: Descriptor, control: ControlFile) {
        self.path = path
        self.directory = directory
        self.control = control
        destinations = DestinationFile.existing(in: directory)
    }

    /// For a tool with several destinations, one for each name. Nil: they cannot be told apart here.
    func assignDestinations(_ names: [String]) -> [DestinationSlot]? {
        var slots: [DestinationSlot]?
        _ = withLock(Deadline(timeoutMilliseconds: SpoolPatience.milliseconds)) {
            slots = DestinationFile.assign(names, in: directory)
        }
        destinations = DestinationFile.existing(in: directory)
        return slots
    }

    /// Makes the directory and the control file if needed.
    static func open(tool: String) throws(SystemError) -> SpoolDirectory {
        guard let base = Environment.stateDirectory else { throw SystemError(code: ENOENT) }
        let path = base + "/" + tool
        // Whoever can write to what the spool is in could put another in its place.
        if !Directory.isMissingOrPrivate(base) { throw SystemError(code: EPERM) }
        let directory = try Directory.openPrivate(path)
        do throws(SystemError) {
            return SpoolDirectory(path: path, directory: directory, control: try ControlFile.open(in: directory))
        } catch {
            directory.close()
            throw error
        }
    }

    /// A tool's, whether it exists or not. Nil: the user has no place for one.
    static func path(tool: String) -> String? { Environment.stateDirectory.map { $0 + "/" + tool } }

    /// To look at: nothing is written, so that neither a file system nor an owner that forbids that is in the
    /// way. Nil when there is no spool; throws when that cannot be known, or it is another's.
    static func openToLook(tool: String) throws(SystemError) -> SpoolDirectory? {
        guard let base = Environment.stateDirectory,
            let directory = try Directory.openExisting(base + "/" + tool, refusedMode: 0)
        else { return nil }
        do throws(SystemError) {
            if let control = try ControlFile.openToLook(in: directory) {
                return SpoolDirectory(path: base + "/" + tool, directory: directory, control: control)
            }
        } catch {
            directory.close()
            throw error
        }
        directory.close()
        return nil
    }

    /// Creates nothing. Nil when there is no spool that could be used.
    static func openExisting(tool: String) -> SpoolDirectory? {
        guard let base = Environment.stateDirectory, Directory.isMissingOrPrivate(base),
            let directory = (try? Directory.openExisting(base + "/" + tool)) ?? nil
        else { return nil }
        guard let control = ControlFile.openExisting(in: directory) else {
            directory.close()
            return nil
        }
        return SpoolDirectory(path: base + "/" + tool, directory: directory, control: control)
    }

    /// To withdraw, which needs no trust in the directory: what is erased is this user's. Nil when nothing
    /// waits; throws when that cannot be told.
    static func openToErase(tool: String) throws(SystemError) -> SpoolDirectory? {
        guard let base = Environment.stateDirectory else { return nil }
        let path = base + "/" + tool
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
            // A damaged one is mended; what waits is void without it.
            return SpoolDirectory(
                path: path, directory: directory, control: try ControlFile.open(in: directory, isToErase: true))
        } catch {
            directory.close()
            // No spool was ever made where there is no room for one, or where files cannot be locked.
            if !isSpool && (error.isMissing || [ENOSPC, ENOLCK, ENOSYS, EOPNOTSUPP].contains(error.code)) {
                return nil
            }
            throw error
        }
    }

    /// The program has closed the files that this process has of it, or has become another user since.
    var isLost: Bool { !isUsable || !control.file.isOurs || !directory.isOurs }

    /// This process is still of the user whose spool it is.
    var isUsable: Bool { owner == csystem_user() }

    func close() {
        control.close()
        directory.close()
    }

    /// In a forked child, where the control file has been closed already.
    func forget() { directory.close() }

    /// Runs `body` with the control file locked. False when the lock could not be had in time; for a second
    /// after that it is not waited for again: who holds it may be stopped.
    func withLock(_ deadline: Deadline, _ body: () -> Void) -> Bool {
        let isPatient = !deadline.isPast && Clock.monotonic() >= stuckUntil
        guard control.file.lock(until: isPatient ? deadline : Deadline(nanoseconds: 0)) else {
            if isPatient { stuckUntil = Clock.monotonic() &+ 1_000_000_000 }
            return false
        }
        body()
        control.file.unlock()
        return true
    }

    /// `except`: files that the caller holds itself, by number.
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

    /// Those whose use began first come first; those that cannot be read, before them.
    @inline(never)
    func segmentsByAge(except isOwn: (UInt64) -> Bool) -> [AgedSegment] {
        var aged: [AgedSegment] = []
        for name in segmentNames(except: isOwn) {
            let segment = AgedSegment(name, SegmentHeader(name, in: directory))
            aged.insert(segment, at: segment.place(in: aged))
        }
        return aged
    }

    /// As `segmentsByAge`, for delivery: none without those that came before it. One look may miss a
    /// segment made meanwhile and still see a later one, so what only a second look shows is left for the
    /// next time, unless it is older than something that the first one showed.
    func segmentsToDeliver(except isOwn: (UInt64) -> Bool) -> [AgedSegment] {
        let first = segmentNames(except: isOwn)
        if first.isEmpty { return [] }
        var aged = segmentsByAge(except: isOwn)
        let seen = first.map { Segment.fileID($0) ?? 0 }
        while let last = aged.last, !seen.contains(Segment.fileID(last.name) ?? 0) { aged.removeLast() }
        return aged
    }

    /// Bytes and number of all segment files; of those that a run has cut short at its end, as many count as
    /// one as have its size.
    func usage(segmentBytes: Int = 0) -> (bytes: Int64, segments: Int) {
        var bytes: Int64 = 0
        var short: Int64 = 0
        var segments = 0
        Directory.forEachName(in: directory) { name in
            var status = stat()
            guard Segment.isName(name), fstatat(directory.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
                status.isRegularFile
            else { return }
            bytes &+= Int64(status.st_size)
            if status.st_size < segmentBytes { short &+= Int64(status.st_size) } else { segments += 1 }
        }
        if segmentBytes > 0 { segments += Int(clamping: (short &+ Int64(segmentBytes) &- 1) / Int64(segmentBytes)) }
        return (bytes, segments)
    }

    // MARK: delivery state

    /// What delivery knows. Whoever holds `deliver.lock` changes it; any thread may ask.
    var delivery: DeliveryState {
        deliveryMutex.withLock {
            if !isDelivering, let state = control.readDelivery() { knownDelivery = state }
            return knownDelivery
        }
    }

    /// With the lease. False: it cannot be read now, and what is not known must not be taken for nothing.
    func beginDelivering() -> Bool {
        deliveryMutex.withLock {
            guard let state = control.readDelivery() else { return false }
            knownDelivery = state
            isDelivering = true
            return true
        }
    }

    func endDelivering() { deliveryMutex.withLock { isDelivering = false } }

    func updateDelivery(_ change: (inout DeliveryState) -> Void) {
        deliveryMutex.withLock {
            if let state = control.updateDelivery(change) { knownDelivery = state }
        }
    }

    // MARK: totals

    /// Locked. Adds what a segment has contributed to the totals, once, even if the process dies
    /// before it removes or resets the segment. False: they cannot be added now, and the segment is to stay.
    @discardableResult
    func retire(_ segment: Segment, _ tally: Tally) -> Bool {
        guard var counters = control.readCounters() else { return false }
        if counters.retiredFile != segment.fileID && !finishRetirement(counters) { return false }
        if counters.retiredGeneration != segment.description.generation {
            counters.retiredGeneration = segment.description.generation
            counters.retiredFile = segment.fileID
            counters.tally += tally
            if destinations?.retire(segment, tally) == false || !control.write(counters) { return false }
        }
        finishedRetirement = segment.description.generation
        return true
    }

    /// The file of a segment that was counted is still there.
    func couldNotRemove() { finishedRetirement = 0 }

    /// Locked. Adds counts that belong to no file. False: they cannot be added now.
    func add(_ tally: Tally, _ ahead: TakenAhead) -> Bool {
        guard var counters = control.readCounters() else { return false }
        counters.tally += tally
        guard control.write(counters) else { return false }
        destinations?.add(tally, ahead)
        return true
    }

    /// True when the segment, which the caller holds, has been counted already and only waits to be removed. Without
    /// the lock, which another may keep for long: one of the two slots is always whole. Nil: that cannot be known now.
    func isRetired(_ segment: Segment) -> Bool? {
        control.readCounters().map { $0.retiredGeneration == segment.description.generation }
    }

    /// A process that died between counting a segment and removing it, or could not remove it, left the file: remove it
    /// before another retirement takes its place in the counters. False: it is still there, and would be counted again.
    private func finishRetirement(_ counters: Counters) -> Bool {
        guard counters.retiredFile != 0, counters.retiredGeneration != finishedRetirement else { return true }
        let name = Segment.name(counters.retiredFile)
        if faccessat(directory.raw, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 { return SystemError.current.isMissing }
        switch Segment.claim(name, in: directory, reading: .header) {
        case .taken(let leftover):
            // Otherwise its file has been used afresh since.
            let isCounted = leftover.description.generation == counters.retiredGeneration
            return leftover.release(removingFrom: isCounted ? directory : nil) || !isCounted
        case .damaged(let file, _):
            ForkHandling.closeHeld(file)
            return true
        case .unavailable:
            // Its file may have been used afresh since.
            return SegmentHeader(name, in: directory).map { $0.generation != counters.retiredGeneration } ?? false
        }
    }

    /// Locked. The totals over counters and all segments, those of living processes included. `failure`: errno, where
    /// the process had no descriptor left to look with, or gave up its right to. Those in `own` it need not open.
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
