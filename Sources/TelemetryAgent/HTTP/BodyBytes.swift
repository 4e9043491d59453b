// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A body that comes in parts. When there is no memory for more of it, that is an answer.
final class BodyBytes {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0

    /// A body that does not come at once gets so much before it grows. What nothing is written to takes no memory.
    private static let firstBytes = 128 << 10
    private static let shortBytes = 8 << 10

    deinit { Allocation.release(base) }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// False: there is no memory for it, or too little would be left for everything else.
    func append(_ part: UnsafeRawBufferPointer) -> Bool {
        guard let source = part.baseAddress, part.count > 0 else { return true }
        guard part.count <= capacity &- count || grow(count &+ part.count), let base else { return false }
        (base + count).copyMemory(from: source, byteCount: part.count)
        count &+= part.count
        return true
    }

    private func grow(_ needed: Int) -> Bool {
        let more = needed > Self.shortBytes ? max(Self.firstBytes, capacity &+ capacity / 2) : Self.shortBytes
        return resize(max(needed, more)) || resize(needed)
    }

    private func resize(_ size: Int) -> Bool {
        guard let made = Allocation.resize(base, to: size) else { return false }
        base = made
        capacity = size
        return Allocation.isAvailableForPass
    }
}
