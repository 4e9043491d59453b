// SPDX-License-Identifier: Apache-2.0

/// Finds numbers by their hashes: open addressing in one array. The caller compares what the numbers mean.
struct HashIndex: ~Copyable {
    /// The hash in the upper half, the number and one more in the lower half; 0: free.
    private var slots = PlainList<UInt64>()
    private var used = 0

    init() {}

    /// Empties it. False: out of memory.
    mutating func begin(expecting count: Int) -> Bool {
        var size = 32
        while size < count &* 2, size < 1 << 24 { size &*= 2 }
        used = 0
        return slots.fill(size, 0)
    }

    /// Where the search for a hash begins.
    @inline(__always)
    func start(_ hash: UInt32) -> Int { Int(hash &* 0x9E37_79B1 >> 7) & (slots.count &- 1) }

    /// The next number with that hash. Nil: there are no more, and `slot` is where one can be added.
    @inline(__always)
    func next(_ hash: UInt32, _ slot: inout Int) -> Int? {
        while slots.count > 0 {
            let word = slots[slot]
            if word == 0 { return nil }
            slot = (slot &+ 1) & (slots.count &- 1)
            if UInt32(truncatingIfNeeded: word >> 32) == hash {
                return Int(truncatingIfNeeded: word & 0xFFFF_FFFF) &- 1
            }
        }
        return nil
    }

    /// Adds a number at the slot where `next` ended. False: out of memory.
    @inline(__always)
    mutating func add(_ hash: UInt32, _ number: Int, at slot: Int) -> Bool {
        guard slot < slots.count else { return false }
        slots[slot] = Self.word(hash, number)
        used &+= 1
        return used &* 2 <= slots.count || grow()
    }

    private static func word(_ hash: UInt32, _ number: Int) -> UInt64 {
        UInt64(hash) << 32 | UInt64(UInt32(truncatingIfNeeded: number &+ 1))
    }

    @inline(never)
    private mutating func grow() -> Bool {
        var larger = HashIndex()
        guard larger.begin(expecting: slots.count) else { return false }
        for index in 0..<slots.count {
            let word = slots[index]
            if word == 0 { continue }
            let hash = UInt32(truncatingIfNeeded: word >> 32)
            var slot = larger.start(hash)
            while larger.next(hash, &slot) != nil {}
            larger.slots[slot] = word
        }
        larger.used = used
        self = larger
        return true
    }
}
