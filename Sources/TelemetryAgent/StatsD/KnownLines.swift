// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The shapes of lines that came lately, and what is known of each: a program sends the same few again and again, each time with
/// another value. What is here is of one generation of the open tools. For one thread.
final class KnownLines<Line> {
    private struct Slot {
        /// 0: it is empty.
        var hash: UInt32 = 0
        var (nameLength, restLength): (UInt16, UInt16) = (0, 0)
        /// Of the name, with the rest behind it.
        var start: UInt32 = 0
        var line: Line?
    }

    private var slots: UnsafeMutablePointer<Slot>?
    private var texts: UnsafeMutableRawPointer?
    private var used = 0
    /// Of the next one that is replaced, in any set.
    private var turn = 0
    /// Part of the hash of each shape that came once: most of what never comes again takes no slot.
    private var seen: UnsafeMutablePointer<UInt16>?
    private var generation: UInt64 = 0

    private static var slotsInSet: Int { 4 }
    private static var slotCount: Int { slotsInSet * 512 }
    private static var seenCount: Int { 4096 }
    private static var textBytes: Int { 192 << 10 }
    static var longest: Int { 1024 }

    deinit { release() }

    private func release() {
        Allocation.release(slots)
        Allocation.release(texts)
        Allocation.release(seen)
        (slots, texts, seen) = (nil, nil, nil)
    }

    private func prepare() -> Bool {
        if slots != nil { return true }
        let sizes = [Self.slotCount * MemoryLayout<Slot>.stride, Self.textBytes, Self.seenCount * 2]
        let areas = sizes.map { Allocation.resize(nil, to: $0) }
        slots = areas[0]?.bindMemory(to: Slot.self, capacity: Self.slotCount)
        texts = areas[1]
        seen = areas[2]?.bindMemory(to: UInt16.self, capacity: Self.seenCount)
        guard let slots, texts != nil, let seen else {
            release()
            return false
        }
        slots.initialize(repeating: Slot(), count: Self.slotCount)
        seen.initialize(repeating: 0, count: Self.seenCount)
        used = 0
        return true
    }

    /// Forgets what is of another generation of tools. True: it was of another.
    @inline(__always)
    func begin(_ generation: UInt64) -> Bool {
        if generation == self.generation { return false }
        self.generation = generation
        forget()
        return true
    }

    private func forget() {
        slots?.update(repeating: Slot(), count: Self.slotCount)
        used = 0
    }

    /// Where a shape with that hash may be.
    @inline(__always)
    private static func set(_ slots: UnsafeMutablePointer<Slot>, _ hash: UInt32) -> UnsafeMutablePointer<Slot> {
        slots + slotsInSet &* Int(hash >> 1) & (slotCount &- slotsInSet)
    }

    @inline(__always)
    func find(_ shape: StatsDShape, _ hash: UInt32) -> Line? {
        guard let slots, let texts else { return nil }
        let set = Self.set(slots, hash)
        for at in 0..<Self.slotsInSet where set[at].hash == hash {
            let text = texts + Int(set[at].start)
            if Int(set[at].nameLength) == shape.name.count, Int(set[at].restLength) == shape.rest.count,
                Self.isSame(text, shape.name), Self.isSame(text + shape.name.count, shape.rest)
            {
                return set[at].line
            }
        }
        return nil
    }

    @inline(__always)
    private static func isSame(_ text: UnsafeRawPointer, _ part: UnsafeRawBufferPointer) -> Bool {
        part.baseAddress.map { memcmp(text, $0, part.count) == 0 } ?? true
    }

    /// It has come before, and may come again.
    func isWanted(_ shape: StatsDShape, _ hash: UInt32) -> Bool {
        guard shape.name.count &+ shape.rest.count <= Self.longest, prepare(), let seen else { return false }
        let (place, mark) = (Int(hash >> 1) & (Self.seenCount &- 1), UInt16(truncatingIfNeeded: hash >> 16) | 1)
        if seen[place] == mark { return true }
        seen[place] = mark
        return false
    }

    func keep(_ line: Line, of shape: StatsDShape, _ hash: UInt32) {
        guard prepare(), let slots, let texts else { return }
        let length = shape.name.count &+ shape.rest.count
        if used &+ length > Self.textBytes { forget() }
        let set = Self.set(slots, hash)
        let free = (0..<Self.slotsInSet).first { set[$0].hash == 0 }
        turn = (turn &+ 1) % Self.slotsInSet
        let start = used
        for part in [shape.name, shape.rest] {
            guard let bytes = part.baseAddress else { continue }
            memcpy(texts + used, bytes, part.count)
            used &+= part.count
        }
        set[free ?? turn] = Slot(
            hash: hash, nameLength: UInt16(shape.name.count), restLength: UInt16(shape.rest.count),
            start: UInt32(start),
            line: line)
    }
}
