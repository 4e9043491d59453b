// SPDX-License-Identifier: Apache-2.0
import CSystem

extension SpoolDirectory {
    /// Runs `body` with the control file locked. False: the lock was not available in time. For a second after that, it
    /// is not waited for again: its holder may be stopped.
    func withLock(_ deadline: Deadline, _ body: (LockedSpool) -> Void) -> Bool {
        let isPatient = !deadline.isPast && Clock.monotonic() >= stuckUntil
        guard control.file.lock(until: isPatient ? deadline : Deadline(nanoseconds: 0)) else {
            if isPatient { stuckUntil = Clock.monotonic() &+ 1_000_000_000 }
            return false
        }
        body(LockedSpool(self))
        control.file.unlock()
        return true
    }
}

/// A spool while this process has the lock of its control file: only `withLock` makes one. It is the right to change
/// counters, and to make and remove segments of processes that are gone.
struct LockedSpool {
    let shared: SpoolDirectory

    fileprivate init(_ shared: SpoolDirectory) { self.shared = shared }

    /// Another process may have made the file since this one opened the spool.
    private var destinations: DestinationFile? {
        if shared.destinations == nil { shared.destinations = DestinationFile.existing(in: shared.directory) }
        return shared.destinations
    }

    /// Adds the counts of a segment to the totals, once, even if the process dies before it removes or resets the
    /// segment. False: they cannot be added now, and the segment must stay.
    @discardableResult
    func retire(_ segment: Segment, _ tally: Tally) -> Bool {
        guard var counters = shared.control.readCounters() else { return false }
        if counters.retiredFile != segment.fileID && !finishRetirement(counters) { return false }
        if counters.retiredGeneration != segment.description.generation {
            counters.retiredGeneration = segment.description.generation
            counters.retiredFile = segment.fileID
            counters.tally += tally
            if destinations?.retire(segment, tally) == false || !shared.control.write(counters) { return false }
        }
        shared.finishedRetirement = segment.description.generation
        return true
    }

    /// Adds counts that belong to no file. False: they cannot be added now.
    func add(_ tally: Tally, _ ahead: TakenAhead) -> Bool {
        guard var counters = shared.control.readCounters() else { return false }
        counters.tally += tally
        guard shared.control.write(counters) else { return false }
        destinations?.add(tally, ahead)
        return true
    }

    /// A process that died between counting a segment and removing it, or could not remove it, left the file. Removes
    /// that file before another retirement replaces it in the counters. False: the file still exists, and would be
    /// counted again.
    private func finishRetirement(_ counters: Counters) -> Bool {
        guard counters.retiredFile != 0, counters.retiredGeneration != shared.finishedRetirement else { return true }
        let name = Segment.name(counters.retiredFile)
        do throws(SystemError) { if try !shared.directory.hasEntry(name) { return true } } catch { return false }
        switch Segment.claim(name, in: shared.directory, reading: .header) {
        case .taken(let leftover):
            // If not, its file has been used afresh since.
            let isCounted = leftover.description.generation == counters.retiredGeneration
            return leftover.release(removingFrom: isCounted ? shared.directory : nil) || !isCounted
        case .damaged(let file, _):
            ForkHandling.closeHeld(file)
            return true
        case .unavailable:
            // Its file may have been used afresh since.
            guard let header = SegmentHeader(name, in: shared.directory) else { return false }
            return header.generation != counters.retiredGeneration
        }
    }
}
