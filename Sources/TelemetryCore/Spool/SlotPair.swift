// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Two slots. A writer always fills the older one, so that a crash in mid-write leaves the other. Parts of a slot that
/// only a later version knows are preserved. Layout of a slot: CRC (4) over the rest, sequence number (4), payload.
struct SlotPair {
    let base: UnsafeMutableRawPointer
    let offsets: (Int, Int)
    let size: Int

    /// The valid slot with the higher sequence number; nil when neither is valid. `generation`: a slot is valid only if
    /// the first eight bytes of its payload are this value.
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

    /// Fills the older slot through `body`, which gets a copy of the newer one; returns the slot's offset in `base`.
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
