// SPDX-License-Identifier: Apache-2.0

/// Values without references, in memory that grows and is kept for the next use. Running out of memory is an answer.
struct PlainList<Element>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>?
    private var capacity = 0
    private(set) var count = 0

    init() {}

    deinit { Allocation.release(base) }

    mutating func removeAll() { count = 0 }

    /// `index` is below `count`.
    @inline(__always)
    subscript(_ index: Int) -> Element {
        get { base.unsafelyUnwrapped[index] }
        set { base.unsafelyUnwrapped[index] = newValue }
    }

    /// False: out of memory.
    @inline(__always)
    mutating func append(_ element: Element) -> Bool {
        if count == capacity && !grow(to: count &* 2 &+ 16) { return false }
        (base.unsafelyUnwrapped + count).initialize(to: element)
        count &+= 1
        return true
    }

    /// Has exactly `size` elements, all of them `element`. False: out of memory.
    mutating func fill(_ size: Int, _ element: Element) -> Bool {
        if size > capacity && !grow(to: size) { return false }
        count = size
        base?.initialize(repeating: element, count: size)
        return true
    }

    @inline(never)
    private mutating func grow(to size: Int) -> Bool {
        let (bytes, overflow) = size.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow, bytes <= ByteBuffer.limit, let moved = Allocation.resize(base, to: bytes) else { return false }
        base = moved.assumingMemoryBound(to: Element.self)
        capacity = size
        return true
    }
}
