// SPDX-License-Identifier: Apache-2.0

/// Bytes being written. Their memory grows as needed and is kept for the next use.
///
/// Running out of memory is remembered, not trapped: `isIncomplete` is then true and the content
/// must not be used.
struct ByteBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0
    private(set) var isIncomplete = false

    /// Largest size it grows to; a batch never comes near it.
    static let limit = 1 << 30

    init() {}

    deinit { Allocation.release(base) }

    /// Valid until the next change.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Empties it; keeps the memory, unless one huge batch has left more than `keeping` bytes.
    mutating func removeAll(keeping: Int = 4 << 20) {
        count = 0
        isIncomplete = false
        guard capacity > keeping else { return }
        Allocation.release(base)
        base = nil
        capacity = 0
    }

    /// Room for at least `extra` more bytes, to be written from the returned address on and then
    /// counted with `commit`. Nil: out of memory.
    @inline(__always)
    mutating func reserve(_ extra: Int) -> UnsafeMutablePointer<UInt8>? {
        if capacity &- count < extra && !grow(by: extra) { return nil }
        // `base` is nil when 0 bytes are asked for and there is no memory, after a failure for instance.
        guard let base else { return nil }
        return base.assumingMemoryBound(to: UInt8.self) + count
    }

    /// Counts what was written behind the address that `reserve` gave.
    @inline(__always)
    mutating func commit(upTo end: UnsafeMutablePointer<UInt8>) {
        count = UnsafeRawPointer(end) - UnsafeRawPointer(base.unsafelyUnwrapped)
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        guard let to = reserve(1) else { return }
        to.pointee = byte
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        guard let to = reserve(text.utf8CodeUnitCount) else { return }
        UnsafeMutableRawPointer(to).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        count &+= text.utf8CodeUnitCount
    }

    mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let from = source.baseAddress, let to = reserve(source.count) else { return }
        UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: source.count)
        count &+= source.count
    }

    /// Forgets the bytes from `length` on.
    mutating func truncate(to length: Int) { count = max(0, min(length, count)) }

    /// Writes over the bytes that are at `offset` already.
    mutating func overwrite(at offset: Int, _ text: String) {
        guard let base, offset >= 0, offset <= count, text.utf8.count <= count &- offset else { return }
        var text = text
        text.withUTF8 { if let from = $0.baseAddress { (base + offset).copyMemory(from: from, byteCount: $0.count) } }
    }

    /// Appends a copy of the bytes that are in `range` already.
    mutating func appendCopy(of range: Range<Int>) {
        guard range.lowerBound >= 0, range.upperBound <= count, let to = reserve(range.count), let base else { return }
        UnsafeMutableRawPointer(to).copyMemory(from: base + range.lowerBound, byteCount: range.count)
        count &+= range.count
    }

    @inline(never)
    private mutating func grow(by extra: Int) -> Bool {
        let (needed, overflow) = count.addingReportingOverflow(extra)
        guard !isIncomplete, !overflow, needed <= Self.limit else { return fail() }
        let size = max(needed, min(Self.limit, capacity &* 2), 4096)
        guard let moved = Allocation.resize(base, to: size) else { return fail() }
        base = moved
        capacity = size
        return true
    }

    private mutating func fail() -> Bool {
        isIncomplete = true
        return false
    }
}
