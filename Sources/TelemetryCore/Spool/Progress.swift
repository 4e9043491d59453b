// SPDX-License-Identifier: Apache-2.0
import CSystem

/// How much of a segment has been consumed.
struct Progress: Equatable {
    /// Offset in the file of the next record to deliver.
    var offset = SegmentLayout.headerSize
    var delivered: UInt32 = 0
    var dropped = SIMD16<UInt32>(repeating: 0)

    var consumed: UInt64 { UInt64(delivered) &+ UInt64(dropped.wrappedSum()) }

    mutating func drop(_ reason: DropReason, _ count: Int) { dropped[reason.rawValue] &+= UInt32(clamping: count) }

    /// `destination`: one of several; nil: the slots of the segment itself.
    static func slots(_ segment: UnsafeMutableRawPointer, _ destination: DestinationSlot? = nil) -> SlotPair {
        var (first, second) = SegmentLayout.progressOffsets
        if let destination {
            let shift = SegmentLayout.progressSize * 2 * (1 + min(max(0, destination.index), Destination.limit - 1))
            (first, second) = (first + shift, second + shift)
        }
        return SlotPair(base: segment, offsets: (first, second), size: SegmentLayout.progressSize)
    }

    /// Returns an empty progress if there is no valid slot of this generation.
    static func read(_ segment: UnsafeMutableRawPointer, generation: UInt64, fileSize: Int) -> Progress {
        slots(segment).current(generation: generation).map { Progress($0, fileSize) } ?? Progress()
    }

    /// Nil: the destination has none yet.
    static func read(
        _ segment: UnsafeMutableRawPointer, of destination: DestinationSlot, generation: UInt64, fileSize: Int
    ) -> Progress? {
        guard let found = read(segment, at: destination.index, generation: generation, fileSize: fileSize),
            found.tag == destination.tag
        else { return nil }
        return found.progress
    }

    /// The progress and tag of the destination that has this place in the segment's header.
    static func read(
        _ segment: UnsafeMutableRawPointer, at index: Int, generation: UInt64, fileSize: Int
    ) -> (tag: UInt32, progress: Progress)? {
        guard let slot = slots(segment, DestinationSlot(index: index, tag: 0)).current(generation: generation) else {
            return nil
        }
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
