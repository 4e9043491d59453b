// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The segments of one collector: the active one, into which it records, those that wait for delivery, and spare ones.
/// All functions need the collector's mutex; none is called for an ordinary record.
final class Spool {
    let limits: SpoolLimits
    private(set) var context: ContextBlock
    /// Nil: no usable spool, segments are in memory.
    private(set) var shared: SpoolDirectory?
    /// errno if the waiting events belong to another user now and cannot be counted any more; else 0.
    private(set) var unknown: Int32 = 0
    /// The counts that this collector left there in that case.
    var left = Tally()
    /// Why there is no spool.
    private(set) var failure: SystemError?
    var active: Segment?
    /// Oldest first.
    var sealed: [Segment] = []
    /// Empty segments that are still mapped: using one again costs no system call and no page fault.
    var spare: [Segment] = []
    /// Address ranges of former segments, each `segmentBytes` long. Never unmapped while the collector
    /// lives: a recording thread may have read the address a moment ago.
    var addresses: [UnsafeMutableRawPointer] = []
    /// Counts that are not in the control file yet.
    var unmerged = Tally()
    var unmergedAhead = TakenAhead()
    /// For a spool in memory: the user's answers when it was begun.
    var answers: [FileStamp?] = []
    var passes: UInt64 = 0
    /// Events that were in memory only and were lost with it.
    var lost: UInt64 = 0
    /// errno of the last event that could not be stored.
    private(set) var lastErrno: Int32 = 0
    var epoch: UInt64
    /// A segment of an earlier process may be continued only before anything was recorded elsewhere: later that would
    /// put new events before older ones.
    private var mayAdopt = true

    /// Until this time (monotonic clock) the spool is assumed to be full without a look.
    private var fullUntil: Int64 = 0
    /// Room had to be made lately: the spool is full of events that nobody delivers.
    private(set) var isPressed = false

    private static let fullNanoseconds: Int64 = 1_000_000_000
    private static let roomMilliseconds: UInt32 = 250
    private static let idleWaits = 3

    init(shared: SpoolDirectory?, failure: SystemError?, limits: SpoolLimits, context: ContextBlock) {
        self.shared = shared
        self.failure = failure
        self.limits = limits
        self.context = context
        epoch = shared?.control.epoch ?? 1
        sealed.reserveCapacity(limits.segments + 1)
        spare.reserveCapacity(limits.segments + 1)
    }

    /// For a process that records nothing: it delivers or erases what others have left.
    convenience init(ofOthers shared: SpoolDirectory, _ limits: SpoolLimits) {
        self.init(shared: shared, failure: nil, limits: limits, context: ContextBlock())
    }

    /// Replaces the context but keeps the lineage, so that the order of this collector's events is preserved.
    func replaceContext(_ next: ContextBlock) {
        let lineage = context.lineage
        context = next
        context.lineage = lineage
    }

    func closeShared() {
        if let shared, !shared.isUsable { unknown = EACCES }
        shared?.close()
        shared = nil
    }

    /// The directory is another one now, or there is none; all events of this collector are in memory.
    func replaceShared(_ next: SpoolDirectory?, _ problem: SystemError?) {
        closeShared()
        shared = next
        failure = problem
        epoch = next?.control.epoch ?? 1
        mayAdopt = false
    }

    var segmentBytes: Int { limits.segmentBytes }
    /// What this collector records comes after everything else of this lineage.
    var lineage: UInt32 { context.lineage }
    var ageLimitSeconds: Int64 { limits.ageSeconds }

    // MARK: recording

    /// Makes a segment with room for `size` bytes the active one, and seals the present one. Nil: there is no room
    /// anywhere, and the event must be counted as dropped.
    func advance(size: Int) -> Segment? {
        if let active {
            active.seal()
            sealed.append(active)
            self.active = nil
        }
        guard size <= limits.segmentBytes - SegmentLayout.headerSize, let segment = makeSegment() else { return nil }
        active = segment
        return segment
    }

    /// Seals the active segment, unless it is empty, so that it can be delivered.
    func sealActive() {
        guard let active, active.pendingCount > 0 else { return }
        active.seal()
        sealed.append(active)
        self.active = nil
    }

    private func makeSegment() -> Segment? {
        isPressed = Clock.monotonic() < fullUntil
        while let segment = spare.popLast() {
            if segment.isInPlace {
                segment.open()
                return segment
            }
            remove(segment)
        }
        guard let shared else {
            return limits.mayUseMemory ? makeHeapSegment() ?? recycleOldest(.spoolFull) : nil
        }
        if mayAdopt {
            mayAdopt = false
            if let segment = adopt(shared) { return segment }
        }
        // For a full spool with a dead sink: do not look at the directory for every segment.
        if Clock.monotonic() < fullUntil, let segment = recycleOldest(.spoolFull) { return segment }
        switch create(shared) {
        case .made(let segment): return segment
        case .spoolFull:
            fullUntil = Clock.monotonic() &+ Self.fullNanoseconds
            return recycleOldest(.spoolFull)
        case .noSpace: return limits.mayUseMemory ? makeHeapSegment() ?? recycleOldest(.noSpace) : nil
        }
    }

    private var heapSegmentCount: Int {
        var count = active?.isHeap == true ? 1 : 0
        for segment in sealed where segment.isHeap { count += 1 }
        for segment in spare where segment.isHeap { count += 1 }
        return count
    }

    /// Some of the waiting events are in memory only.
    var usesHeap: Bool { shared == nil || heapSegmentCount > 0 }
    var hasMemorySegments: Bool { heapSegmentCount > 0 }

    private func makeHeapSegment() -> Segment? {
        if heapSegmentCount >= min(SpoolLimits.heapSegments, limits.segments) { return nil }
        return Segment.createHeap(
            size: limits.segmentBytes, epoch: epoch, context: context, address: addresses.popLast())
    }

    /// Continues a segment that an earlier process of this tool left with room in it, so that a thousand short runs do
    /// not leave a thousand files. It is the last segment of its collector, for all others stay sealed. What this
    /// process records elsewhere later has the same lineage, and is delivered after it.
    private func adopt(_ shared: SpoolDirectory) -> Segment? {
        // After a crash, the deliverer must find this segment unchanged, to take its append back.
        let delivery = shared.delivery
        for name in shared.segmentNames().prefix(8) {
            // Look first: an unneeded lock would keep the deliverer from the segment.
            guard let header = SegmentHeader(name, in: shared.directory), header.isOpen, header.epoch == epoch,
                case .taken(let segment) = Segment.claim(name, in: shared.directory, reading: .mapped)
            else { continue }
            let state = segment.state
            let description = segment.description
            if !state.isSealed, state.writers == 0, segment.size == limits.segmentBytes, segment.hasRoom,
                description.epoch == epoch,
                // Recording threads read the first copy.
                description.offset == SegmentLayout.descriptionOffsets.0,
                shared.isRetired(segment) == false,
                delivery.appendInode == 0 || delivery.appendGeneration != description.generation
            {
                if description.matches(segment.base, context) {
                    if description.lineage != 0 { context.lineage = description.lineage }
                    return segment
                }
                // It has another version, or another id: an empty segment can be described anew. One with events, of a
                // program that just ended, gives back the room that it has not used.
                if state.count == 0 {
                    segment.reset(epoch: epoch, context: context)
                    segment.open()
                    return segment
                }
                segment.seal()
                segment.shrink()
            }
            segment.release(removingFrom: nil)
        }
        return nil
    }

    private enum Creation {
        case made(Segment)
        /// The limits allow no more, and the existing segments belong to living processes.
        case spoolFull
        /// The disk is full, or the spool could not be locked in time.
        case noSpace
    }

    /// Creates a file, if the limits allow it once the oldest files have been removed.
    private func create(_ shared: SpoolDirectory) -> Creation {
        var result = Creation.spoolFull
        let address = addresses.popLast()
        let make = { (locked: LockedSpool) in
            if self.makeRoom(locked) { result = self.createFile(shared, address) }
        }
        if !shared.withLock(shared.waitingToRecord, make) {
            // An event does not wait for another process, which may be stopped while it holds the lock. If less than
            // half of the room is taken, a few processes that make files at once still stay within the limits.
            if isHalfEmpty(shared) {
                result = createUnlocked(shared, address)
            } else if !waitForRoom(shared, make) {
                lastErrno = EWOULDBLOCK
                result = .noSpace
            }
        }
        if case .made = result { return result }
        if let address { addresses.append(address) }
        return result
    }

    /// The helper has already waited a little, and waits longer here. Without room the event would be in memory only, and
    /// lost with a program that just ends. So others that make room at the same moment are waited for as long as files
    /// come and go. A process that was stopped with the lock is not.
    private func waitForRoom(_ shared: SpoolDirectory, _ make: (LockedSpool) -> Void) -> Bool {
        if shared.waitsToRecord { shared.stuckUntil = 0 }
        let end = Deadline(timeoutMilliseconds: Self.roomMilliseconds)
        var changed = shared.lastChange
        var idle = 0
        while !shared.withLock(shared.waitingForRoom, make) {
            let now = shared.lastChange
            idle = now == changed ? idle + 1 : 0
            if idle == Self.idleWaits || end.isPast { return false }
            changed = now
            shared.stuckUntil = 0
        }
        return true
    }

    private func createFile(_ shared: SpoolDirectory, _ address: UnsafeMutableRawPointer?) -> Creation {
        do throws(SystemError) {
            return .made(
                try Segment.createFile(
                    in: shared.directory, size: limits.segmentBytes, epoch: epoch, context: context, address: address))
        } catch {
            lastErrno = error.code
            return .noSpace
        }
    }

    /// If other processes took the room between the look at it and this call, the new file is given back.
    private func createUnlocked(_ shared: SpoolDirectory, _ address: UnsafeMutableRawPointer?) -> Creation {
        let result = createFile(shared, address)
        guard case .made(let segment) = result else { return result }
        let usage = shared.usage(segmentBytes: limits.segmentBytes)
        if usage.bytes <= limits.bytes && usage.segments <= limits.segments { return result }
        if address == nil {
            segment.release(removingFrom: shared.directory)
        } else {
            _ = segment.vacate(removingFrom: shared.directory)
        }
        lastErrno = EWOULDBLOCK
        return .noSpace
    }

    private func isHalfEmpty(_ shared: SpoolDirectory) -> Bool {
        let usage = shared.usage(segmentBytes: limits.segmentBytes)
        return usage.bytes < limits.bytes / 2 && usage.segments < limits.segments / 2
    }

    /// Removes the oldest segments that no living process holds until a new one fits. False: the remaining
    /// segments belong to living processes.
    func makeRoom(_ locked: LockedSpool) -> Bool {
        let shared = locked.shared
        var usage = shared.usage(segmentBytes: limits.segmentBytes)
        let fits = {
            usage.bytes &+ Int64(self.limits.segmentBytes) <= self.limits.bytes && usage.segments < self.limits.segments
        }
        if fits() { return true }
        isPressed = true
        for name in shared.segmentsByAge(except: owns).map({ $0.name }) {
            switch Segment.claim(name, in: shared.directory, reading: .header) {
            case .unavailable: continue
            case .damaged(let file, let count): removeDamaged(shared, name, file, count)
            case .taken(let oldest): discard(oldest, .spoolFull, locked)
            }
            usage = shared.usage(segmentBytes: limits.segmentBytes)
            if fits() { return true }
        }
        return false
    }

    func owns(_ fileID: UInt64) -> Bool {
        active?.fileID == fileID || sealed.contains { $0.fileID == fileID } || spare.contains { $0.fileID == fileID }
    }

    /// Uses the oldest sealed segment of this process for new events. The events in it are counted as dropped.
    private func recycleOldest(_ reason: DropReason) -> Segment? {
        guard let index = sealed.firstIndex(where: { !$0.isInDelivery && $0.state.writers == 0 }) else { return nil }
        let segment = sealed.remove(at: index)
        segment.progress.drop(reason, segment.pendingCount)
        let tally = segment.tally
        // No wait: this runs on a caller's thread. The lock is unavailable only for an instant, and the counts then
        // wait in memory.
        var isCounted = false
        if !segment.isHeap {
            _ = shared?.withLock(Deadline(nanoseconds: 0)) { isCounted = $0.retire(segment, tally) }
        }
        if !isCounted { countInMemory(segment) }
        segment.reset(epoch: epoch, context: context)
        segment.open()
        return segment
    }
}
