// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What an entry is found by.
struct EntryKey {
    /// The key as it is stored.
    let bytes: UnsafeRawBufferPointer
    let hash: UInt32
    let kind: UInt8
    let type: MetricType
    /// The entry of the series' metric; 0 for a metric.
    let metric: UInt32
    /// Where the key begins in the entry. It follows from the metric, so another place is damage.
    let offset: Int

    @inline(__always)
    var length: Int { bytes.count }

    @inline(__always)
    func fits(_ entry: UnsafeRawPointer) -> Bool {
        EntryLayout.hash.load(entry) == hash && EntryLayout.kind.load(entry) == kind
            && EntryLayout.metric.load(entry) == metric
            && EntryLayout.keyLength.load(entry) == UInt32(truncatingIfNeeded: length)
            && EntryLayout.keyOffset.load(entry) == UInt16(truncatingIfNeeded: offset)
            && EntryLayout.type.load(entry) == type.rawValue
    }

    /// The same bytes, or the same attributes in another order. `other` has as many bytes.
    @inline(__always)
    func equals(_ other: UnsafeRawPointer) -> Bool {
        guard let own = bytes.baseAddress else { return true }
        return csystem_are_equal(own, other, bytes.count)
            || kind == EntryLayout.isSeries && isPermuted(UnsafeRawBufferPointer(start: other, count: bytes.count))
    }

    /// Each attribute of the entry, where no key is there twice, is one of these.
    @inline(never)
    private func isPermuted(_ stored: UnsafeRawBufferPointer) -> Bool {
        var rest = stored
        while let at = rest.baseAddress, rest.count > 0 {
            let size = AttributeView.size(rest)
            if size == 0 || !contains(UnsafeRawBufferPointer(start: at, count: size)) { return false }
            rest = UnsafeRawBufferPointer(start: at + size, count: rest.count &- size)
        }
        return true
    }

    private func contains(_ attribute: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while let at = rest.baseAddress, rest.count > 0 {
            let size = AttributeView.size(rest)
            if size == 0 { return false }
            if size == attribute.count, memcmp(at, attribute.baseAddress.unsafelyUnwrapped, size) == 0 { return true }
            rest = UnsafeRawBufferPointer(start: at + size, count: rest.count &- size)
        }
        return false
    }

    /// Everything but the key itself, of an entry that is not visible yet.
    func write(_ entry: UnsafeMutableRawPointer, size: Int) {
        EntryLayout.size.store(UInt32(truncatingIfNeeded: size), entry)
        EntryLayout.hash.store(hash, entry)
        EntryLayout.kind.store(kind, entry)
        EntryLayout.type.store(type.rawValue, entry)
        EntryLayout.keyOffset.store(UInt16(truncatingIfNeeded: offset), entry)
        EntryLayout.created.store(Clock.realtime(), entry)
        EntryLayout.metric.store(metric, entry)
        EntryLayout.keyLength.store(UInt32(truncatingIfNeeded: length), entry)
    }
}
