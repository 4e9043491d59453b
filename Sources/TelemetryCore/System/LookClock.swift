// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// When a mapped file was last looked at. Somebody else may cut it short, and a look costs more than what is written
/// into it: so there is one every two milliseconds.
struct LookClock: ~Copyable {
    private let looked = Atomic<Int64>(0)
    private static let nanoseconds: UInt64 = 2_000_000

    /// False for one thread every two milliseconds, which must look.
    @inline(__always)
    func isFresh(_ now: Int64) -> Bool {
        let last = looked.load(ordering: .relaxed)
        if UInt64(bitPattern: now &- last) < Self.nanoseconds { return true }
        return !looked.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
    }

    /// The same by a clock that is a few milliseconds behind, and cheap to read.
    @inline(__always)
    func isFresh(coarse now: Int64) -> Bool {
        now &- looked.load(ordering: .relaxed) < Int64(Self.nanoseconds) || isFresh(now)
    }
}
