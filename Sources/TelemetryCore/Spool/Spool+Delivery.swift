// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What delivery takes from the spool, and what happens to it.
extension Spool {
    /// Empty segments that are kept when nothing is recorded or delivered.
    private static let idleSpares = 2

    /// Takes a segment of a process that is gone, to deliver from it. Nil: another process holds it, or it contained
    /// nothing readable.
    func claim(_ name: String, _ shared: SpoolDirectory) -> Segment? {
        switch Segment.claim(name, in: shared.directory, reading: .everything) {
        case .unavailable: return nil
        case .taken(let segment): return segment
        case .damaged(let file, let count):
            removeDamaged(shared, name, file, count)
            return nil
        }
    }

    /// A file whose header cannot be read: counts the events that it says it held, and removes it.
    func removeDamaged(_ shared: SpoolDirectory, _ name: String, _ file: Descriptor, _ count: Int) {
        // A file that cannot be removed now is counted once it can be.
        if (try? shared.directory.removeEntry(name)) != nil {
            unmerged.recorded &+= UInt64(count)
            unmerged.drop(.corrupt, UInt64(count))
        }
        ForkHandling.closeHeld(file)
    }

    /// Returns a number that tells this pass from earlier ones.
    func beginPass() -> UInt64 {
        passes &+= 1
        return passes
    }

    /// The oldest segment that was not offered in this pass yet.
    func takeForDelivery(_ pass: UInt64) -> Segment? {
        guard let segment = sealed.first(where: { !$0.isInDelivery && $0.pass != pass }) else { return nil }
        segment.isInDelivery = true
        segment.pass = pass
        return segment
    }

    func hasSealed(_ isMeant: (Segment) -> Bool) -> Bool { sealed.contains(where: isMeant) }

    /// Delivery of a sealed segment ended before everything in it was consumed.
    func putBack(_ segment: Segment) {
        segment.isInDelivery = false
        segment.isBacklog = true
    }

    /// Everything in the segment has been consumed: counts it, and uses it again or removes it.
    func finish(_ segment: Segment) {
        let isOwn = sealed.contains { $0 === segment }
        sealed.removeAll { $0 === segment }
        segment.isInDelivery = false
        segment.isBacklog = false
        guard isOwn, segment.isIntact, segment.size == limits.segmentBytes else {
            discard(segment, .corrupt)
            return
        }
        let begin = {
            segment.erase()
            segment.reset(epoch: self.epoch, context: self.context)
        }
        if account(segment, nil, begin) {
            spare.append(segment)
        } else if !leaveCounts(of: segment) {
            countInMemory(segment)
            begin()
            spare.append(segment)
        }
    }

    /// Removes the spare segments that only a burst needed.
    func trimSpares() {
        while spare.count > Self.idleSpares { remove(spare.removeLast()) }
    }

    var hasSurplus: Bool { spare.count > Self.idleSpares }

    /// Counts the remaining events of a segment as dropped and removes the file. `locked`: nil if the lock is not held.
    func discard(_ segment: Segment, _ reason: DropReason, _ locked: LockedSpool? = nil) {
        segment.progress.drop(reason, segment.pendingCount)
        if account(segment, locked, { self.remove(segment) }) || leaveCounts(of: segment) { return }
        countInMemory(segment)
        remove(segment)
    }

    /// The lock was not available. The file stays, but only with its counts: the next process that delivers adds them,
    /// even if this process ends suddenly.
    private func leaveCounts(of segment: Segment) -> Bool {
        guard shared != nil, !segment.isHeap, !segment.isLost, segment.isIntact, segment.keepCountsOnly() else {
            return false
        }
        _ = vacate(segment, removingFrom: nil, keepingCountsOnly: true)
        return true
    }

    func remove(_ segment: Segment) {
        if !vacate(segment, removingFrom: segment.isLost || shared?.isUsable == false ? nil : shared?.directory) {
            shared?.couldNotRemove()
        }
    }

    /// True: the segment has no file any more.
    func vacate(_ segment: Segment, removingFrom directory: Descriptor?, keepingCountsOnly isShort: Bool = false)
        -> Bool
    {
        let (vacated, isRemoved) = segment.vacate(removingFrom: directory, keepingCountsOnly: isShort)
        guard let address = vacated else { return isRemoved }
        if segment.size == limits.segmentBytes {
            addresses.append(address)
        } else {
            Mapping.remove(address, segment.size)
        }
        return isRemoved
    }

    /// Adds the segment's counts to the totals and ends its present use. False: the lock was not available, or the
    /// segment is in memory.
    private func account(_ segment: Segment, _ locked: LockedSpool?, _ end: () -> Void) -> Bool {
        guard let shared, !segment.isHeap else { return false }
        let tally = segment.tally
        var isCounted = false
        func count(_ locked: LockedSpool) {
            isCounted = locked.retire(segment, tally)
            if isCounted { end() }
        }
        if let locked {
            count(locked)
        } else {
            _ = shared.withLock(shared.waiting, count)
        }
        return isCounted
    }

    /// Keeps the counts in memory until the control file can be locked.
    func countInMemory(_ segment: Segment) {
        unmerged += segment.tally
        unmergedAhead.add(segment)
    }

    /// Forgets the counts: other processes can see them now, or they do not belong to this process.
    func forgetCounts() {
        unmerged = Tally()
        unmergedAhead = TakenAhead()
    }

    /// Writes counts that wait in memory to the control file.
    func mergeCounts(_ deadline: Deadline? = nil) {
        guard let shared, !unmerged.isZero else { return }
        _ = shared.withLock(deadline ?? shared.waiting) {
            if $0.add(unmerged, unmergedAhead) { forgetCounts() }
        }
    }

    /// The own segments that have a file.
    var ownMapped: [Segment] { (sealed + (active.map { [$0] } ?? [])).filter { !$0.isHeap } }

    /// Counts that no other process can see: those of segments in memory, and those not written yet.
    func ownTally() -> Tally {
        var result = unmerged
        for segment in sealed where segment.isHeap { result += segment.tally }
        if let active, active.isHeap { result += active.tally }
        return result
    }

    /// Counts an event for which there was no room.
    /// What the agent refuses is counted by the agent: it may come again.
    func countDropped(_ reason: DropReason) {
        guard limits.mayUseMemory else { return }
        unmerged.recorded &+= 1
        unmerged.drop(reason, 1)
    }
}
