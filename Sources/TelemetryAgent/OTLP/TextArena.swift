// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Memory for the texts of one record: it does not grow, and is emptied for the next one.
final class TextArena {
    static let size = 1 << 20
    /// Nil: there was no memory.
    private var base: UnsafeMutablePointer<UInt8>?
    private(set) var used = 0

    init() { _ = prepare() }

    deinit { Allocation.release(base) }

    /// False: there is no memory, and so no room.
    func prepare() -> Bool {
        if base != nil { return true }
        base = Allocation.resize(nil, to: Self.size)?.assumingMemoryBound(to: UInt8.self)
        return base != nil
    }

    /// Forgets what was added since `used` had that value.
    func cut(to mark: Int = 0) { used = max(0, min(mark, used)) }

    /// Room for at most `count` bytes, to be counted with `take`. Nil: there is none.
    func room(_ count: Int) -> UnsafeMutablePointer<UInt8>? {
        count >= 0 && count <= Self.size &- used ? base.map { $0 + used } : nil
    }

    func take(_ count: Int) { used = min(Self.size, used &+ max(0, count)) }

    /// A copy for C, of at most `limit` bytes and a few: enough to see that more was there. Nil: there is no room. A NUL,
    /// which no text in C can hold, becomes U+FFFD.
    @_optimize(speed)
    func cString(_ text: OTLPText, _ limit: Int) -> UnsafePointer<CChar>? {
        let count = min(text.count, limit &+ 8)
        guard let target = room(count &+ 1) else { return nil }
        if !Self.copy(text.start, count, to: target) { return cStringWithoutNUL(text, count) }
        target[count] = 0
        take(count &+ 1)
        return UnsafeRawPointer(target).assumingMemoryBound(to: CChar.self)
    }

    /// False: there is a NUL in it. Most texts are short: eight bytes are copied and looked at together.
    @inline(__always)
    private static func copy(_ source: UnsafePointer<UInt8>, _ count: Int, to target: UnsafeMutablePointer<UInt8>)
        -> Bool
    {
        var at = 0
        while at &+ 8 <= count {
            let word = UnsafeRawPointer(source + at).loadUnaligned(as: UInt64.self)
            // A byte that is 0 borrows from its highest bit, which it does not have itself.
            if (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0 { return false }
            UnsafeMutableRawPointer(target + at).storeBytes(of: word, as: UInt64.self)
            at &+= 8
        }
        while at < count {
            if source[at] == 0 { return false }
            target[at] = source[at]
            at &+= 1
        }
        return true
    }

    private func cStringWithoutNUL(_ text: OTLPText, _ count: Int) -> UnsafePointer<CChar>? {
        guard let target = room(3 &* count &+ 1) else { return nil }
        var length = 0
        for index in 0..<count {
            if text.start[index] == 0 {
                (target[length], target[length &+ 1], target[length &+ 2]) = (0xEF, 0xBF, 0xBD)
                length &+= 3
            } else {
                target[length] = text.start[index]
                length &+= 1
            }
        }
        target[length] = 0
        take(length &+ 1)
        return UnsafeRawPointer(target).assumingMemoryBound(to: CChar.self)
    }
}

/// A text that is being written into an arena: as much of it as there is room for.
struct BoundedText {
    private let arena: TextArena
    private let target: UnsafeMutablePointer<UInt8>?
    private let limit: Int
    private(set) var count = 0

    init(_ arena: TextArena, limit: Int) {
        self.arena = arena
        target = arena.room(limit &+ 1)
        self.limit = target == nil ? 0 : limit
    }

    var isFull: Bool { count >= limit }

    mutating func append(_ byte: UInt8) {
        guard count < limit, let target else { return }
        target[count] = byte
        count &+= 1
    }

    mutating func append(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { append(text.utf8Start[index]) }
    }

    mutating func append(_ text: String) { for byte in text.utf8 { append(byte) } }

    mutating func append(_ text: OTLPText) {
        for index in 0..<text.count where !isFull { append(text.start[index]) }
    }

    /// Ends it, where its room has been taken before.
    func finished() -> OTLPText? {
        guard let target else { return nil }
        target[count] = 0
        return OTLPText(start: target, count: count)
    }

    /// Ends it. Nil: there was no room at all.
    func text() -> OTLPText? {
        guard let target else { return nil }
        target[count] = 0
        arena.take(count &+ 1)
        return OTLPText(start: target, count: count)
    }
}
