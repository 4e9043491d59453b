import CSystem

/// Two slots of which a writer always fills the older one: a crash in mid-write leaves the other. What a later version keeps in
/// a slot beside what this one knows stays there.
/// Layout of a slot: CRC (4) over the rest, sequence number (4), payload.
struct SlotPair {
    let base: UnsafeMutableRawPointer
    let offsets: (Int, Int)
    let size: Int

    /// The valid slot with the higher sequence number; nil when neither is valid. `generation`: what
    /// must stand in the first eight bytes of the payload for a slot to be valid.
    func current(generation: UInt64? = nil) -> UnsafeRawPointer? {
        let first = base + offsets.0
        let second = base + offsets.1
        switch (Self.isValid(first, size, generation), Self.isValid(second, size, generation)) {
        case (false, false): return nil
        case (true, false): return UnsafeRawPointer(first)
        case (false, true): return UnsafeRawPointer(second)
        case (true, true):
            let newer = Int32(bitPattern: Self.sequence(first) &- Self.sequence(second)) > 0
            return UnsafeRawPointer(newer ? first : second)
        }
    }

    /// Fills the older slot through `body`, which gets what is in the newer one; returns its offset in `base`.
    @discardableResult
    func write(_ body: (UnsafeMutableRawPointer) -> Void) -> Int {
        let latest = current()
        let isFirst = latest == UnsafeRawPointer(base + offsets.0)
        let offset = latest != nil && isFirst ? offsets.1 : offsets.0
        var sequence: UInt32 = (latest.map { Self.sequence($0) } ?? 0) &+ 1
        if sequence == 0 { sequence = 1 }
        let slot = base + offset
        if let latest { memcpy(slot, latest, size) } else { memset(slot, 0, size) }
        body(slot)
        SlotLayout.sequence.store(sequence, slot)
        SlotLayout.checksum.store(Self.checksum(slot, size), slot)
        return offset
    }

    private static func sequence(_ slot: UnsafeRawPointer) -> UInt32 { SlotLayout.sequence.load(slot) }

    private static func checksum(_ slot: UnsafeRawPointer, _ size: Int) -> UInt32 {
        csystem_crc32c(0, slot + SlotLayout.sequence.offset, size - SlotLayout.sequence.offset)
    }

    private static func isValid(_ slot: UnsafeRawPointer, _ size: Int, _ generation: UInt64?) -> Bool {
        if let generation, SlotLayout.generation.load(slot) != generation { return false }
        return sequence(slot) != 0 && SlotLayout.checksum.load(slot) == checksum(slot, size)
    }
}

/// How much of a segment has been consumed.
struct Progress: Equatable {
    /// Offset in the file of the next record to deliver.
    var offset = SegmentLayout.headerSize
    var delivered: UInt32 = 0
    var dropped = SIMD16<UInt32>(repeating: 0)

    var consumed: UInt64 { UInt64(delivered) &+ UInt64(dropped.wrappedSum()) }

    mutating func drop(_ reason: DropReason, _ count: Int) { dropped[reason.rawValue] &+= UInt32(clamping: count) }

    /// `destination`: one of several; nil: the segment's own.
    static func slots(_ segment: UnsafeMutableRawPointer, _ destination: DestinationSlot? = nil) -> SlotPair {
        var (first, second) = SegmentLayout.progressOffsets
        if let destination {
            let shift = SegmentLayout.progressSize * 2 * (1 + min(max(0, destination.index), Destination.limit - 1))
            (first, second) = (first + shift, second + shift)
        }
        return SlotPair(base: segment, offsets: (first, second), size: SegmentLayout.progressSize)
    }

    /// Nothing consumed, when no valid slot of this generation is there.
    static func read(_ segment: UnsafeMutableRawPointer, generation: UInt64, fileSize: Int) -> Progress {
        slots(segment).current(generation: generation).map { Progress($0, fileSize) } ?? Progress()
    }

    /// Nil: the destination has none yet.
    static func read(_ segment: UnsafeMutableRawPointer, of destination: DestinationSlot, generation: UInt64, fileSize: Int) -> Progress? {
        guard let found = read(segment, at: destination.index, generation: generation, fileSize: fileSize), found.tag == destination.tag
        else { return nil }
        return found.progress
    }

    /// Of the destination that has this place in the segment's header, and its tag.
    static func read(
        _ segment: UnsafeMutableRawPointer, at index: Int, generation: UInt64, fileSize: Int
    ) -> (tag: UInt32, progress: Progress)? {
        guard let slot = slots(segment, DestinationSlot(index: index, tag: 0)).current(generation: generation) else { return nil }
        return (ProgressLayout.tag.load(slot), Progress(slot, fileSize))
    }

    init() {}

    @inline(never)
    private init(_ slot: UnsafeRawPointer, _ fileSize: Int) {
        let offset = Int(ProgressLayout.offset.load(slot))
        if offset >= SegmentLayout.headerSize && offset <= fileSize && offset % 8 == 0 { self.offset = offset }
        delivered = ProgressLayout.delivered.load(slot)
        for index in 0..<ProgressLayout.reasons { dropped[index] = ProgressLayout.dropped(index).load(slot) }
    }

    /// Returns the offset of the slot written.
    func write(_ segment: UnsafeMutableRawPointer, of destination: DestinationSlot? = nil, generation: UInt64) -> Int {
        Self.slots(segment, destination).write { slot in
            SlotLayout.generation.store(generation, slot)
            ProgressLayout.offset.store(UInt32(clamping: offset), slot)
            ProgressLayout.delivered.store(delivered, slot)
            for index in 0..<ProgressLayout.reasons { ProgressLayout.dropped(index).store(dropped[index], slot) }
            ProgressLayout.tag.store(destination?.tag ?? 0, slot)
        }
    }
}
