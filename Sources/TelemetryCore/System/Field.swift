// SPDX-License-Identifier: Apache-2.0

/// A number at a fixed place of a file's layout, aligned or not.
struct Field<Value: BitwiseCopyable> {
    let offset: Int

    @inline(__always)
    init(_ offset: Int) { self.offset = offset }

    /// Where the field behind this one begins.
    var end: Int { offset &+ MemoryLayout<Value>.size }

    @inline(__always)
    func load(_ base: UnsafeRawPointer) -> Value { base.loadUnaligned(fromByteOffset: offset, as: Value.self) }

    @inline(__always)
    func store(_ value: Value, _ base: UnsafeMutableRawPointer) {
        base.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    }
}
