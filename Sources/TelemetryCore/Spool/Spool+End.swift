// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Withdrawal of consent, and the ways in which a collector lets go of its segments.
extension Spool {
    /// Consent was withdrawn, or the events were dropped, by any process: no event of an earlier epoch stays.
    func discardOwn() {
        if let active {
            active.seal()
            sealed.append(active)
            self.active = nil
        }
        let gone = sealed.filter { !$0.isInDelivery }
        sealed.removeAll { !$0.isInDelivery }
        for segment in gone {
            _ = segment.settle()
            discard(segment, .withdrawn)
        }
        for segment in spare { remove(segment) }
        spare.removeAll()
        epoch = shared?.control.epoch ?? epoch &+ 1
    }

    /// Voids all waiting events, and removes those that no living process holds. False: some are left. `deadline`: for the
    /// lock; nil: as long as the spool is waited for.
    @discardableResult
    func withdraw(_ deadline: Deadline? = nil) -> Bool {
        var isDone = true
        if let shared {
            // From here on the events are void, even if another process holds the lock.
            guard shared.control.raiseEpoch() else { return false }
            MetricMap.retire(in: shared.directory)
            isDone = shared.withLock(deadline ?? shared.waiting) { discardOrphans($0) }
        }
        discardOwn()
        mergeCounts(deadline)
        return isDone
    }

    /// A18: events recorded before a refusal are not sent after the next yes.
    @inline(never)
    static func withdraw(_ options: Options) {
        for options in options.ofEachSignal { withdrawOne(options) }
    }

    private static func withdrawOne(_ options: Options) {
        guard let shared = SpoolDirectory.openExisting(options) else { return }
        let spool = Spool(ofOthers: shared, SpoolLimits(options))
        defer { spool.close() }
        if !shared.isAnythingWaiting && !MetricMap.isThere(in: shared.directory) { return }
        spool.withdraw()
    }

    /// Discards also the segments that processes left that are gone.
    func discardOrphans(_ locked: LockedSpool) {
        let shared = locked.shared
        AbandonedSpans.discard(in: shared.directory)
        for name in shared.segmentNames(except: owns) {
            switch Segment.claim(name, in: shared.directory, reading: .header) {
            case .unavailable: continue
            case .damaged(let file, let count): removeDamaged(shared, name, file, count)
            case .taken(let orphan): discard(orphan, .withdrawn, locked)
            }
        }
    }

    /// Lets go of everything. Pending events stay in the spool for the next process; one empty segment stays too, to be
    /// used again.
    ///
    /// The oldest segments go first, so that a process that finds one free finds those before it free. Only the last is
    /// left open for the next process to continue: what that process records comes after all of these.
    func close(_ deadline: Deadline? = nil) {
        if let active {
            _ = active.settle()
            sealed.append(active)
            self.active = nil
        }
        var isLeftOpen = false
        for (index, segment) in sealed.enumerated() {
            isLeftOpen = index == sealed.count - 1 && !segment.isHeap && segment.hasRoom && !context.isUnique
            release(segment, leavingOpen: isLeftOpen)
        }
        for segment in spare {
            if isLeftOpen || segment.isHeap {
                segment.release(removingFrom: shared?.directory)
            } else {
                isLeftOpen = true
                segment.open()
                segment.release(removingFrom: nil)
            }
        }
        sealed.removeAll()
        spare.removeAll()
        for address in addresses { Mapping.remove(address, limits.segmentBytes) }
        addresses.removeAll()
        // The last chance: a file that contains only counts may be one more than the limits allow.
        shared?.stuckUntil = 0
        mergeCounts(deadline)
        leaveCounts()
        shared?.close()
    }

    /// Saves counts that could not be added, because another process was stopped while it held the lock, as a segment
    /// that contains only counts. The next process that delivers adds them.
    private func leaveCounts() {
        guard let shared, unmerged.recorded > 0, unmerged.recorded <= StateWord.fieldMask,
            let segment = Segment.createHeap(
                size: SegmentLayout.minimumSize, epoch: epoch, context: context, address: nil)
        else { return }
        segment.fill(unmerged, unmergedAhead)
        if segment.save(in: shared.directory) { forgetCounts() }
        segment.forget()
    }

    private func release(_ segment: Segment, leavingOpen isLeftOpen: Bool) {
        if isLeftOpen { segment.unseal() } else { segment.seal() }
        if segment.isHeap {
            if segment.pendingCount > 0, save(segment) {
                segment.forget()
                return
            }
            lost &+= UInt64(segment.pendingCount)
            segment.progress.drop(.noSpace, segment.pendingCount)
            countInMemory(segment)
        }
        if !isLeftOpen { segment.shrink() }
        segment.release(removingFrom: nil)
    }

    /// Moves events that were kept in memory, because the spool had no room for them, to the spool if that is possible
    /// now.
    private func save(_ segment: Segment) -> Bool {
        // Events that were withdrawn meanwhile must not come back.
        guard let shared, segment.description.epoch == shared.control.epoch else { return false }
        var isSaved = false
        _ = shared.withLock(shared.waiting) {
            if makeRoom($0) { isSaved = segment.save(in: shared.directory) }
        }
        return isSaved
    }

    /// The spool exists, and this collector's segments in it are as it made them.
    var isInPlace: Bool { shared?.control.isRemoved != true && !sealed.contains { !$0.isInPlace } }

    /// A segment of this collector was cut short or removed: its events that are still in memory are written to a new
    /// file.
    func mendSegments() {
        change(context)
        for segment in sealed where !segment.isInDelivery && !segment.isInPlace { mend(segment) }
    }

    private func mend(_ segment: Segment) {
        _ = segment.settle()
        if segment.isLost { return leave(segment) }
        if segment.isIntact { segment.becomeHeap() }
        guard segment.isIntact && segment.pendingCount > 0 else {
            // Events that were cut off are counted as exactly as is known.
            sealed.removeAll { $0 === segment }
            discard(segment, .corrupt)
            return
        }
        if save(segment) { leave(segment) }
    }

    /// Segments whose files others have removed are written to new ones. What finds no room there is gone, and counted. False:
    /// something is gone.
    func settleInFiles() -> Bool {
        change(context)
        var isWhole = true
        for segment in sealed where segment.isHeap && !segment.isInDelivery {
            if segment.pendingCount > 0 && save(segment) {
                leave(segment)
                continue
            }
            if segment.pendingCount > 0 { isWhole = false }
            sealed.removeAll { $0 === segment }
            discard(segment, .noSpace)
        }
        return isWhole
    }

    private func leave(_ segment: Segment) {
        sealed.removeAll { $0 === segment }
        if shared?.isUsable == false { _ = vacate(segment, removingFrom: nil) } else { remove(segment) }
    }

    /// The program has closed the files. Their events are left to the next pass, as after a crash.
    func leaveLost() {
        change(context)
        let isAllLost = shared?.isUsable == false
        for segment in sealed where !segment.isInDelivery && !segment.isHeap && (isAllLost || segment.isLost) {
            _ = segment.settle()
            if isAllLost { left += segment.tally }
            leave(segment)
        }
    }

    /// The same directory, opened again; nil: there is none.
    func reopen(_ next: SpoolDirectory?, _ problem: SystemError?, _ context: ContextBlock) {
        let known = epoch
        replaceShared(next, problem)
        // The next look notices consent that was withdrawn meanwhile.
        epoch = known
        change(context)
        for segment in sealed where segment.isHeap && !segment.isInDelivery { mend(segment) }
    }

    /// The directory was removed, and `next` replaces it; nil: there can be none.
    func move(to next: SpoolDirectory?, _ problem: SystemError?, _ context: ContextBlock) {
        replaceShared(next, problem)
        for segment in sealed {
            segment.move(to: epoch)
            if segment.isHeap { mend(segment) }
        }
        change(context)
    }

    /// Gives the sealed segments to other processes, once no thread writes to them any more.
    func releaseSealed() {
        // A full spool is used as a ring: the oldest segment is soon needed again, at no cost if it is kept.
        if isPressed { return }
        let complete = sealed.filter { $0.state.writers == 0 && !$0.isInDelivery }
        sealed.removeAll { $0.state.writers == 0 && !$0.isInDelivery }
        for segment in complete {
            if let address = segment.vacate(removingFrom: nil).address { addresses.append(address) }
        }
    }

    /// Events recorded from now on have another context than the earlier ones. Empty segments were made for the old
    /// context.
    func change(_ context: ContextBlock) {
        if let active {
            active.seal()
            sealed.append(active)
            self.active = nil
        }
        for segment in spare { remove(segment) }
        spare.removeAll()
        replaceContext(context)
    }

    /// Waiting events in this collector's own segments.
    var pendingOwn: Int { sealed.reduce(active?.pendingCount ?? 0) { $0 + $1.pendingCount } }

    /// After a failed delivery: continues the last segment instead of beginning another.
    func reopenLast() {
        guard active == nil, let last = sealed.last, !last.isInDelivery, last.hasRoom, last.description.epoch == epoch,
            last.description.matches(last.base, context)
        else { return }
        sealed.removeLast()
        last.unseal()
        active = last
    }

    /// In a forked child: forgets the parent's segments without touching their content. Their files have been closed.
    func abandon() {
        for address in addresses { Mapping.remove(address, limits.segmentBytes) }
        addresses.removeAll()
        for segment in sealed { segment.forget() }
        for segment in spare { segment.forget() }
        active?.forget()
        active = nil
        sealed.removeAll()
        spare.removeAll()
        forgetCounts()
        shared?.forget()
    }
}
