import CSystem
import Synchronization

/// The segments of one collector: the one being recorded into, those waiting for delivery, and spare
/// ones. All functions need the collector's mutex; none is on the path of an ordinary record.
final class Spool {
    private let limits: SpoolLimits
    private let context: ContextBlock
    /// Nil: no usable spool, segments are in memory.
    let shared: SpoolDirectory?
    /// Why there is no spool.
    let failure: SystemError?
    private(set) var active: Segment?
    /// Oldest first.
    private(set) var sealed: [Segment] = []
    /// Empty segments that are still mapped: using one again costs no system call and no page fault.
    private var spare: [Segment] = []
    /// Address ranges of former segments, each `segmentBytes` long. Never unmapped while the collector
    /// lives: a recording thread may have read the address a moment ago.
    private var addresses: [UnsafeMutableRawPointer] = []
    /// Counts that are not in the control file yet.
    var unmerged = Tally()
    /// errno of the last event that could not be stored.
    private(set) var lastErrno: Int32 = 0
    private(set) var epoch: UInt64

    /// Until then (monotonic clock) the spool is taken to be full without looking.
    private var fullUntil: Int64 = 0

    private static let fullNanoseconds: Int64 = 1_000_000_000
    /// Room had to be made lately: the spool is full of what nobody delivers.
    private var isPressed = false
    /// Empty segments kept when nothing is going on.
    private static let idleSpares = 2

    init(shared: SpoolDirectory?, failure: SystemError?, limits: SpoolLimits, context: ContextBlock) {
        self.shared = shared
        self.failure = failure
        self.limits = limits
        self.context = context
        epoch = shared?.control.epoch ?? 1
        sealed.reserveCapacity(limits.segments + 1)
        spare.reserveCapacity(limits.segments + 1)
    }

    var segmentBytes: Int { limits.segmentBytes }
    var ageLimitSeconds: Int64 { limits.ageSeconds }

    // MARK: recording

    /// Makes a segment with room for `size` bytes the active one, sealing the present one.
    /// Nil: there is no room anywhere, and the event is to be counted as dropped.
    func advance(size: Int) -> Segment? {
        if let active {
            StateWord.seal(active.base)
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
        StateWord.seal(active.base)
        sealed.append(active)
        self.active = nil
    }

    private func makeSegment() -> Segment? {
        isPressed = Clock.monotonic() < fullUntil
        if let segment = spare.popLast() {
            segment.open()
            return segment
        }
        guard let shared else { return makeHeapSegment() ?? recycleOldest(.spoolFull) }
        if ownSegmentCount == 0, let segment = adopt(shared) { return segment }
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

    private var ownSegmentCount: Int { sealed.count + spare.count + (active == nil ? 0 : 1) }

    private func makeHeapSegment() -> Segment? {
        if heapSegmentCount >= min(SpoolLimits.heapSegments, limits.segments) { return nil }
        return Segment.createHeap(size: limits.segmentBytes, epoch: epoch, context: context, address: addresses.popLast())
    }

    /// Goes on with a segment that an earlier process of this tool left with room in it, so that a
    /// thousand short runs do not leave a thousand files.
    private func adopt(_ shared: SpoolDirectory) -> Segment? {
        // The deliverer must find it where the crash left it, to take its append back.
        let delivery = shared.delivery
        for name in shared.segmentNames().prefix(8) {
            guard case .taken(let segment) = Segment.claim(name, in: shared.directory, reading: .mapped) else { continue }
            let state = segment.state
            if !state.isSealed, state.writers == 0, segment.size == limits.segmentBytes, segment.hasRoom,
                segment.description.epoch == epoch, segment.description.offset == SegmentLayout.descriptionOffsets.0, segment.description.matches(segment.base, context),
                shared.control.readCounters().retiredGeneration != segment.description.generation,
                delivery.appendInode == 0 || delivery.appendGeneration != segment.description.generation
            {
                return segment
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
        let isLocked = shared.withLock(Deadline(timeoutMilliseconds: SpoolPatience.milliseconds)) {
            guard makeRoom(shared) else { return }
            do throws(SystemError) {
                result = .made(try Segment.createFile(
                    in: shared.directory, size: limits.segmentBytes, epoch: epoch, context: context, address: address))
            } catch {
                lastErrno = error.code
                result = .noSpace
            }
        }
        if !isLocked {
            lastErrno = EWOULDBLOCK
            result = .noSpace
        }
        if case .made = result { return result }
        if let address { addresses.append(address) }
        return result
    }

    /// Locked. Removes the oldest segments that no living process holds until a new one fits.
    /// False: what is left belongs to living processes.
    private func makeRoom(_ shared: SpoolDirectory) -> Bool {
        var usage = shared.usage()
        let fits = { usage.bytes &+ Int64(self.limits.segmentBytes) <= self.limits.bytes && usage.segments < self.limits.segments }
        if fits() { return true }
        isPressed = true
        for name in shared.segmentNamesByAge(except: owns) {
            switch Segment.claim(name, in: shared.directory, reading: .header) {
            case .unavailable: continue
            case .damaged(let file, let count): removeDamaged(shared, name, file, count)
            case .taken(let oldest): discard(oldest, .spoolFull, isLocked: true)
            }
            usage = shared.usage()
            if fits() { return true }
        }
        return false
    }

    private func owns(_ fileID: UInt64) -> Bool {
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
        let isCounted = !segment.isHeap && (shared?.withLock(Deadline(nanoseconds: 0)) { shared?.retire(segment, tally) } ?? false)
        if !isCounted { unmerged += tally }
        segment.reset(epoch: epoch, context: context)
        segment.open()
        return segment
    }

    // MARK: delivery

    /// Segments of processes that are gone, with something to deliver or to clean up, oldest first.
    func claimAll(_ shared: SpoolDirectory) -> [Segment] {
        var result: [Segment] = []
        for name in shared.segmentNames(except: owns) {
            switch Segment.claim(name, in: shared.directory, reading: .everything) {
            case .unavailable: continue
            case .damaged(let file, let count): removeDamaged(shared, name, file, count)
            case .taken(let segment): result.append(segment)
            }
        }
        result.sort { $0.description.created < $1.description.created }
        return result
    }

    /// A file of which not even the header can be read: count what it says it held, and remove it.
    private func removeDamaged(_ shared: SpoolDirectory, _ name: String, _ file: Descriptor, _ count: Int) {
        unmerged.recorded &+= UInt64(count)
        unmerged.drop(.corrupt, UInt64(count))
        unlinkat(shared.directory.raw, name, 0)
        ForkHandling.closeHeld(file)
    }

    func takeForDelivery() -> Segment? {
        guard let segment = sealed.first(where: { !$0.isInDelivery }) else { return nil }
        segment.isInDelivery = true
        return segment
    }

    /// Delivery of a sealed segment ended with something left in it.
    func putBack(_ segment: Segment) { segment.isInDelivery = false }

    /// Everything in the segment has been consumed: count it and use it again, or remove it.
    func finish(_ segment: Segment) {
        let isOwn = sealed.contains { $0 === segment }
        sealed.removeAll { $0 === segment }
        segment.isInDelivery = false
        guard isOwn, segment.size == limits.segmentBytes else {
            discard(segment, .corrupt, isLocked: false)
            return
        }
        account(segment, isLocked: false) {
            segment.erase()
            segment.reset(epoch: self.epoch, context: self.context)
        }
        spare.append(segment)
    }

    /// Gives back what a burst needed.
    func trimSpares() {
        while spare.count > Self.idleSpares { remove(spare.removeLast()) }
    }

    var hasSurplus: Bool { spare.count > Self.idleSpares }

    /// Counts what is left in a segment as dropped and removes the file.
    func discard(_ segment: Segment, _ reason: DropReason, isLocked: Bool) {
        segment.progress.drop(reason, segment.pendingCount)
        account(segment, isLocked: isLocked) { self.remove(segment) }
    }

    private func remove(_ segment: Segment) {
        if let address = segment.vacate(removingFrom: shared?.directory) {
            if segment.size == limits.segmentBytes { addresses.append(address) } else { munmap(address, segment.size) }
        }
    }

    /// Adds the segment's counts to the totals and ends its present use.
    private func account(_ segment: Segment, isLocked: Bool, _ end: () -> Void) {
        let tally = segment.tally
        guard let shared, !segment.isHeap else {
            unmerged += tally
            end()
            return
        }
        if isLocked {
            shared.retire(segment, tally)
            end()
            return
        }
        let isCounted = shared.withLock(Deadline(timeoutMilliseconds: SpoolPatience.milliseconds)) {
            shared.retire(segment, tally)
            end()
        }
        if !isCounted {
            unmerged += tally
            end()
        }
    }

    /// Writes counts that wait in memory to the control file.
    func mergeCounts(_ deadline: Deadline) {
        guard let shared, !unmerged.isZero else { return }
        _ = shared.withLock(deadline) {
            shared.add(unmerged)
            unmerged = Tally()
        }
    }

    // MARK: withdrawal and end

    /// Consent was withdrawn, or the events were dropped, by any process: nothing of an earlier epoch stays.
    func discardOwn() {
        if let active {
            StateWord.seal(active.base)
            sealed.append(active)
            self.active = nil
        }
        let gone = sealed.filter { !$0.isInDelivery }
        sealed.removeAll { !$0.isInDelivery }
        for segment in gone {
            _ = segment.settle()
            discard(segment, .withdrawn, isLocked: false)
        }
        for segment in spare { remove(segment) }
        spare.removeAll()
        epoch = shared?.control.epoch ?? epoch &+ 1
    }

    /// Locked. Also what processes that are gone have left.
    func discardOrphans(_ shared: SpoolDirectory) {
        for orphan in claimAll(shared) { discard(orphan, .withdrawn, isLocked: true) }
    }

    /// Lets go of everything. What is pending stays in the spool for the next process; one empty
    /// segment stays too, to be used again.
    func close() {
        var isParked = false
        if let active {
            _ = active.settle()
            isParked = true
            release(active)
            self.active = nil
        }
        for segment in sealed { release(segment) }
        for segment in spare {
            if isParked || segment.isHeap {
                segment.release(removingFrom: shared?.directory)
            } else {
                isParked = true
                segment.open()
                segment.release(removingFrom: nil)
            }
        }
        sealed.removeAll()
        spare.removeAll()
        for address in addresses { munmap(address, limits.segmentBytes) }
        addresses.removeAll()
        mergeCounts(Deadline(timeoutMilliseconds: SpoolPatience.milliseconds))
        shared?.close()
    }

    private func release(_ segment: Segment) {
        if segment.isHeap {
            if segment.pendingCount > 0, save(segment) { return }
            segment.progress.drop(.noSpace, segment.pendingCount)
            unmerged += segment.tally
        } else if segment.hasRoom, segment.state.isSealed {
            segment.unseal()
        }
        segment.release(removingFrom: nil)
    }

    /// Events that were kept in memory because the spool had no room for them get there now, if they can.
    private func save(_ segment: Segment) -> Bool {
        guard let shared else { return false }
        var isSaved = false
        _ = shared.withLock(Deadline(timeoutMilliseconds: SpoolPatience.milliseconds)) {
            if makeRoom(shared) { isSaved = segment.save(in: shared.directory) }
        }
        if isSaved { segment.forget() }
        return isSaved
    }

    /// Lets other processes have the sealed segments, once no thread writes to them any more.
    func releaseSealed() {
        // A full spool is used as a ring: the oldest segment is soon needed again, at no cost if it is kept.
        if isPressed { return }
        let complete = sealed.filter { $0.state.writers == 0 && !$0.isInDelivery }
        sealed.removeAll { $0.state.writers == 0 && !$0.isInDelivery }
        for segment in complete {
            if let address = segment.vacate(removingFrom: nil) { addresses.append(address) }
        }
    }

    /// Events of this collector's own segments that wait.
    var pendingOwn: Int { sealed.reduce(active?.pendingCount ?? 0) { $0 + $1.pendingCount } }

    /// After a failed delivery: goes on with the last segment instead of beginning another.
    func reopenLast() {
        guard active == nil, let last = sealed.last, !last.isInDelivery, last.hasRoom, last.description.epoch == epoch else { return }
        sealed.removeLast()
        last.unseal()
        active = last
    }

    /// In a forked child: lets go of the parent's segments without touching what they hold. Their
    /// files have been closed.
    func abandon() {
        for address in addresses { munmap(address, limits.segmentBytes) }
        addresses.removeAll()
        for segment in sealed { segment.forget() }
        for segment in spare { segment.forget() }
        active?.forget()
        active = nil
        sealed.removeAll()
        spare.removeAll()
        unmerged = Tally()
        shared?.forget()
    }

    /// Counts that no other process can see: those of segments in memory, and those not written yet.
    func ownTally() -> Tally {
        var result = unmerged
        for segment in sealed where segment.isHeap { result += segment.tally }
        if let active, active.isHeap { result += active.tally }
        return result
    }

    /// An event that found no place.
    func countDropped(_ reason: DropReason) {
        unmerged.recorded &+= 1
        unmerged.drop(reason, 1)
    }
}
