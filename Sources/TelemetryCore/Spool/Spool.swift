// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The segments of one collector: the one being recorded into, those waiting for delivery, and spare
/// ones. All functions need the collector's mutex; none is on the path of an ordinary record.
final class Spool {
    let limits: SpoolLimits
    private(set) var context: ContextBlock
    /// Nil: no usable spool, segments are in memory.
    private(set) var shared: SpoolDirectory?
    /// errno: what waits there is another user's now, and cannot be counted any more. 0: it can.
    private(set) var unknown: Int32 = 0
    /// What this collector has left there then.
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
    /// Of a spool in memory: the user's answers as they were when it was begun.
    var answers: [FileStamp?] = []
    var passes: UInt64 = 0
    /// Events that were in memory only, and went with it.
    var lost: UInt64 = 0
    /// errno of the last event that could not be stored.
    private(set) var lastErrno: Int32 = 0
    var epoch: UInt64
    /// A segment of an earlier process may be gone on with only before anything was recorded elsewhere:
    /// later it would put new events before older ones.
    private var mayAdopt = true

    /// Until then (monotonic clock) the spool is taken to be full without looking.
    private var fullUntil: Int64 = 0
    /// Room had to be made lately: the spool is full of what nobody delivers.
    private(set) var isPressed = false

    private static let fullNanoseconds: Int64 = 1_000_000_000

    init(shared: SpoolDirectory?, failure: SystemError?, limits: SpoolLimits, context: ContextBlock) {
        self.shared = shared
        self.failure = failure
        self.limits = limits
        self.context = context
        epoch = shared?.control.epoch ?? 1
        sealed.reserveCapacity(limits.segments + 1)
        spare.reserveCapacity(limits.segments + 1)
    }

    /// The order of this collector's events stays what it was.
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

    /// The directory is another one now, or none; everything of this collector's is in memory.
    func replaceShared(_ next: SpoolDirectory?, _ problem: SystemError?) {
        closeShared()
        shared = next
        failure = problem
        epoch = next?.control.epoch ?? 1
        mayAdopt = false
    }

    var segmentBytes: Int { limits.segmentBytes }
    /// What this collector records comes after what else is of this lineage.
    var lineage: UInt32 { context.lineage }
    var ageLimitSeconds: Int64 { limits.ageSeconds }

    // MARK: recording

    /// Makes a segment with room for `size` bytes the active one, sealing the present one.
    /// Nil: there is no room anywhere, and the event is to be counted as dropped.
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

    /// Seals the active segment, if anything is in it, so that it can be delivered.
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
        guard let shared else { return makeHeapSegment() ?? recycleOldest(.spoolFull) }
        if mayAdopt {
            mayAdopt = false
            if let segment = adopt(shared) { return segment }
        }
        // The way of a full spool with a dead sink: no look at the directory for every segment.
        if Clock.monotonic() < fullUntil, let segment = recycleOldest(.spoolFull) { return segment }
        switch create(shared) {
        case .made(let segment): return segment
        case .spoolFull:
            fullUntil = Clock.monotonic() &+ Self.fullNanoseconds
            return recycleOldest(.spoolFull)
        case .noSpace: return makeHeapSegment() ?? recycleOldest(.noSpace)
        }
    }

    private var heapSegmentCount: Int {
        var count = active?.isHeap == true ? 1 : 0
        for segment in sealed where segment.isHeap { count += 1 }
        for segment in spare where segment.isHeap { count += 1 }
        return count
    }

    /// Some of what waits is in memory only.
    var usesHeap: Bool { shared == nil || heapSegmentCount > 0 }

    private func makeHeapSegment() -> Segment? {
        if heapSegmentCount >= min(SpoolLimits.heapSegments, limits.segments) { return nil }
        return Segment.createHeap(
            size: limits.segmentBytes, epoch: epoch, context: context, address: addresses.popLast())
    }

    /// Goes on with a segment that an earlier process of this tool left with room in it, so that a
    /// thousand short runs do not leave a thousand files. It is the last of its collector, for all others
    /// stay sealed; what this one records elsewhere later is of the same lineage, and is delivered after it.
    private func adopt(_ shared: SpoolDirectory) -> Segment? {
        // The deliverer must find it where the crash left it, to take its append back.
        let delivery = shared.delivery
        for name in shared.segmentNames().prefix(8) {
            // A look first: a lock taken for nothing would keep the deliverer from it.
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
                // Of another version, or another id: an empty one can be described anew.
                if state.count == 0 {
                    segment.reset(epoch: epoch, context: context)
                    segment.open()
                    return segment
                }
            }
            segment.release(removingFrom: nil)
        }
        return nil
    }

    private enum Creation {
        case made(Segment)
        /// The limits allow no more, and what is there belongs to living processes.
        case spoolFull
        /// The disk is full, or the spool could not be locked in time.
        case noSpace
    }

    /// A new file, if the limits allow it once the oldest have been removed.
    private func create(_ shared: SpoolDirectory) -> Creation {
        var result = Creation.spoolFull
        let address = addresses.popLast()
        let make = { if self.makeRoom(shared) { result = self.createFile(shared, address) } }
        if !shared.withLock(Deadline(timeoutMilliseconds: SpoolPatience.recordingMilliseconds), make) {
            // An event does not wait for another process, which may be stopped with the lock in its hands:
            // with less than half of the room taken, a few that make files at once stay within the limits all
            // the same.
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

    /// The helper, which has waited a little before, waits longer than it did.
    private func waitForRoom(_ shared: SpoolDirectory, _ make: () -> Void) -> Bool {
        if SpoolPatience.recordingMilliseconds > 0 { shared.stuckUntil = 0 }
        return shared.withLock(Deadline(timeoutMilliseconds: SpoolPatience.lossMilliseconds), make)
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

    /// Who was held up between its look at the room and here gives back what others have taken meanwhile.
    private func createUnlocked(_ shared: SpoolDirectory, _ address: UnsafeMutableRawPointer?) -> Creation {
        let result = createFile(shared, address)
        guard case .made(let segment) = result else { return result }
        let usage = shared.usage(segmentBytes: limits.segmentBytes)
        if usage.bytes <= limits.bytes && usage.segments <= limits.segments { return result }
        if address == nil {
            segment.release(removingFrom: shared.directory)
        } else if segment.vacate(removingFrom: shared.directory).address == nil {
            return result
        }
        lastErrno = EWOULDBLOCK
        return .noSpace
    }

    private func isHalfEmpty(_ shared: SpoolDirectory) -> Bool {
        let usage = shared.usage(segmentBytes: limits.segmentBytes)
        return usage.bytes < limits.bytes / 2 && usage.segments < limits.segments / 2
    }

    /// Locked. Removes the oldest segments that no living process holds until a new one fits.
    /// False: what is left belongs to living processes.
    func makeRoom(_ shared: SpoolDirectory) -> Bool {
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
            case .taken(let oldest): discard(oldest, .spoolFull, isLocked: true)
            }
            usage = shared.usage(segmentBytes: limits.segmentBytes)
            if fits() { return true }
        }
        return false
    }

    func owns(_ fileID: UInt64) -> Bool {
        active?.fileID == fileID || sealed.contains { $0.fileID == fileID } || spare.contains { $0.fileID == fileID }
    }

    /// Takes the oldest sealed segment of this process for new events; its own are counted as dropped.
    private func recycleOldest(_ reason: DropReason) -> Segment? {
        guard let index = sealed.firstIndex(where: { !$0.isInDelivery && $0.state.writers == 0 }) else { return nil }
        let segment = sealed.remove(at: index)
        segment.progress.drop(reason, segment.pendingCount)
        let tally = segment.tally
        // Without a wait: this is on a caller's thread. The lock can be missing only for an instant, and
        // the counts then wait in memory.
        var isCounted = false
        if !segment.isHeap {
            _ = shared?.withLock(Deadline(nanoseconds: 0)) { isCounted = self.shared?.retire(segment, tally) ?? false }
        }
        if !isCounted { countInMemory(segment) }
        segment.reset(epoch: epoch, context: context)
        segment.open()
        return segment
    }
}
