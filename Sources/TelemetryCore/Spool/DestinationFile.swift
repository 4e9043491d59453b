// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What the spool keeps for each of several destinations: the delivery state, and the counts of segments that are gone.
/// docs/spool-format.md, "destinations". A tool with one destination has no such file.
struct DestinationFile {
    static let name = "destinations"
    static let staticName: StaticString = "destinations"
    static let size = Destination.limit * DestinationLayout.entrySize

    /// Counts of one destination; recorded = delivered + pending + dropped.
    struct Totals: Equatable {
        var recorded: UInt64 = 0
        var delivered: UInt64 = 0
        var dropped: UInt64 = 0
        /// The segment that was added last, so that a crash cannot add it twice.
        var generation: UInt64 = 0
        var name: [UInt8] = []

        /// The part of `events` that the destination did not get counts as dropped for it.
        mutating func add(_ events: UInt64, delivered most: UInt64) {
            let taken = min(most, events)
            recorded &+= events
            delivered &+= taken
            dropped &+= events - taken
        }
    }

    private let directory: Descriptor

    /// Nil: the spool has none.
    static func existing(in directory: Descriptor) -> DestinationFile? {
        directory.mayHave(staticName) ? DestinationFile(directory: directory) : nil
    }

    /// Gives each name a place: the one it has, or else one that no longer belongs to any of `names`. Nil: the
    /// file cannot be made.
    static func assign(_ names: [String], _ locked: LockedSpool) -> [DestinationSlot]? {
        let file = DestinationFile(directory: locked.shared.directory)
        guard file.prepare() else { return nil }
        var slots: [DestinationSlot] = []
        for name in names {
            let bytes = Array(name.utf8)
            var place: Int?
            for index in 0..<Destination.limit {
                // An entry that cannot be read now may belong to any destination.
                guard let known = file.readTotals(index) else { return nil }
                if known.name == bytes { place = index }
            }
            if place == nil {
                for index in 0..<Destination.limit
                where place == nil && !names.contains(String(bytes: file.totals(index).name)) {
                    place = index
                    file.begin(index, bytes)
                }
            }
            guard let place else { return nil }
            slots.append(DestinationSlot(index: place, tag: tag(bytes)))
        }
        return slots
    }

    /// Nil: there is no such destination yet.
    func slot(of name: String) -> DestinationSlot? {
        let bytes = Array(name.utf8)
        for index in 0..<Destination.limit where totals(index).name == bytes {
            return DestinationSlot(index: index, tag: Self.tag(bytes))
        }
        return nil
    }

    static func tag(_ name: [UInt8]) -> UInt32 {
        name.withUnsafeBytes { bytes in bytes.baseAddress.map { csystem_crc32c(0, $0, bytes.count) } ?? 0 } | 1
    }

    private func begin(_ index: Int, _ name: [UInt8]) {
        write(Totals(name: name), index)
        updateState(index) { $0 = DeliveryState() }
    }

    private func prepare() -> Bool {
        guard let file = try? Descriptor.open(at: directory, Self.name, O_RDWR | O_CREAT | O_NONBLOCK) else {
            return false
        }
        defer { file.close() }
        let size = Int64(Self.size)
        guard let status = try? file.status(), status.isOwnRegularFile, status.st_nlink == 1 else { return false }
        return status.st_size == size || (try? file.allocate(size)) != nil
    }

    // MARK: entries

    /// Only the holder of `deliver.lock` changes it.
    func state(_ index: Int) -> DeliveryState {
        var result = DeliveryState()
        withEntry(index) { entry in
            result = DeliveryState.read(Self.states(entry))
            return nil
        }
        return result
    }

    func updateState(_ index: Int, _ change: (inout DeliveryState) -> Void) {
        withEntry(index) { entry in
            var state = DeliveryState.read(Self.states(entry))
            change(&state)
            return state.write(Self.states(entry))
        }
    }

    func totals(_ index: Int) -> Totals { readTotals(index) ?? Totals() }

    /// Nil: they cannot be read now.
    private func readTotals(_ index: Int) -> Totals? {
        var result: Totals?
        withEntry(index) { entry in
            result = Self.readTotals(entry)
            return nil
        }
        return result
    }

    /// Called with the control file locked. Adds events that were never in a file.
    func add(_ tally: Tally, _ ahead: TakenAhead) {
        for index in 0..<Destination.limit where tally.recorded > 0 {
            // Nobody else adds these counts later, so a failed call is repeated once.
            guard var sum = readTotals(index) ?? readTotals(index), !sum.name.isEmpty else { continue }
            sum.add(
                tally.recorded,
                delivered: tally.delivered &+ ahead[DestinationSlot(index: index, tag: Self.tag(sum.name))])
            _ = write(sum, index) || write(sum, index)
        }
    }

    /// Called with the control file locked, when the segment is about to be counted as gone. Events of it that a
    /// destination did not get count as dropped for that destination, too. False: some destinations could not be
    /// updated now; those that were are not counted twice.
    func retire(_ segment: Segment, _ tally: Tally) -> Bool {
        for index in 0..<Destination.limit {
            guard var sum = readTotals(index) else { return false }
            if sum.name.isEmpty || sum.generation == segment.description.generation { continue }
            // The segment was recorded for other destinations.
            if segment.destinations?.has(tag: Self.tag(sum.name)) == false { continue }
            let own =
                segment.readProgress(of: DestinationSlot(index: index, tag: Self.tag(sum.name))) ?? segment.progress
            sum.add(tally.recorded, delivered: UInt64(own.delivered))
            sum.generation = segment.description.generation
            if !write(sum, index) { return false }
        }
        return true
    }

    @discardableResult
    private func write(_ totals: Totals, _ index: Int) -> Bool {
        withEntry(index) { entry in
            Self.totalSlots(entry).write { slot in
                DestinationLayout.recorded.store(totals.recorded, slot)
                DestinationLayout.delivered.store(totals.delivered, slot)
                DestinationLayout.dropped.store(totals.dropped, slot)
                DestinationLayout.generation.store(totals.generation, slot)
                DestinationLayout.name.store(totals.name, slot)
            }
        }
    }

    private static func readTotals(_ entry: UnsafeMutableRawPointer) -> Totals {
        var result = Totals()
        guard let slot = totalSlots(entry).current() else { return result }
        result.recorded = DestinationLayout.recorded.load(slot)
        result.delivered = DestinationLayout.delivered.load(slot)
        result.dropped = DestinationLayout.dropped.load(slot)
        result.generation = DestinationLayout.generation.load(slot)
        result.name = DestinationLayout.name.load(slot)
        return result
    }

    private static func states(_ entry: UnsafeMutableRawPointer) -> SlotPair {
        SlotPair(base: entry, offsets: DestinationLayout.states, size: DestinationLayout.slotSize)
    }

    private static func totalSlots(_ entry: UnsafeMutableRawPointer) -> SlotPair {
        SlotPair(base: entry, offsets: DestinationLayout.totals, size: DestinationLayout.slotSize)
    }

    /// `body` gets a copy of the entry, zeroes if there is none, and returns the offset of the slot that it wrote. The
    /// file is opened for each use, so that a fork needs no care. False: the entry could not be read now and `body` did
    /// not run, or the slot could not be written.
    @discardableResult
    @inline(never)
    private func withEntry(_ index: Int, _ body: (UnsafeMutableRawPointer) -> Int?) -> Bool {
        guard let memory = Heap.takeZeroes(DestinationLayout.entrySize) else { return false }
        defer { Heap.release(memory) }
        do throws(SystemError) {
            var file: Descriptor
            do throws(SystemError) { file = try .open(at: directory, Self.name, O_RDWR | O_NONBLOCK) } catch {
                // Reading does not need a writable file.
                if error.code != EROFS && error.code != EACCES && error.code != EPERM { throw error }
                file = try .open(at: directory, Self.name, O_RDONLY | O_NONBLOCK)
            }
            defer { file.close() }
            guard file.read(memory, DestinationLayout.entrySize, at: index * DestinationLayout.entrySize) != nil else {
                return false
            }
            guard let offset = body(memory) else { return true }
            return file.write(
                memory + offset, DestinationLayout.slotSize, at: index * DestinationLayout.entrySize + offset)
        } catch {
            return error.isMissing && body(memory) == nil
        }
    }
}
