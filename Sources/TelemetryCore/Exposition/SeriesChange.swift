// SPDX-License-Identifier: Apache-2.0
import CSystem

extension SeriesView {
    /// The sum of a histogram may become smaller: OpenMetrics and OTLP have none then.
    @inline(__always)
    func mayFall(_ family: MetricFamily) -> Bool {
        family.boundCount > 0 && family.bound(0) < 0 || low < 0 || number < 0
    }
}

/// What was recorded since an earlier snapshot of the same store.
package struct SnapshotInterval {
    let earlier: MetricSnapshot?
    /// When the earlier one was made, nanoseconds since 1970.
    let start: Int64

    /// Nil, or a snapshot of another store: all that is there was recorded since `start`.
    package init(since earlier: MetricSnapshot?, start: Int64) {
        self.earlier = earlier
        self.start = start
    }
}

/// The series of a metric in an earlier snapshot, found by their attributes.
struct EarlierSeries: ~Copyable {
    private var series = PlainList<SeriesView>()
    private var index = HashIndex()

    init() {}

    /// False: out of memory.
    mutating func begin(_ family: MetricFamily, _ snapshot: MetricSnapshot, _ earlier: MetricSnapshot?) -> Bool {
        series.removeAll()
        guard index.begin(expecting: 0) else { return false }
        guard let earlier, earlier.created == snapshot.created,
            let same = earlier.families.first(where: { Self.isSame($0, family) })
        else { return true }
        guard index.begin(expecting: same.count) else { return false }
        var hasRoom = true
        earlier.forEachSeries(of: same) { if !add($0) { hasRoom = false } }
        return hasRoom
    }

    private mutating func add(_ view: SeriesView) -> Bool {
        let hash = Self.hash(view)
        var slot = index.start(hash)
        while index.next(hash, &slot) != nil {}
        return series.append(view) && index.add(hash, series.count &- 1, at: slot)
    }

    /// Nil: it was not there, or held nothing.
    func find(_ view: SeriesView) -> SeriesView? {
        let hash = Self.hash(view)
        var slot = index.start(hash)
        while let number = index.next(hash, &slot) {
            if Self.isSame(series[number].attributes, view.attributes), series[number].created == view.created {
                return series[number]
            }
        }
        return nil
    }

    private static func hash(_ view: SeriesView) -> UInt32 {
        let attributes = view.attributes
        return attributes.baseAddress.map { csystem_crc32c(0, $0, attributes.count) } ?? 0
    }

    private static func isSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard one.count == other.count else { return false }
        guard let left = one.baseAddress, let right = other.baseAddress else { return true }
        return memcmp(left, right, one.count) == 0
    }

    private static func isSame(_ one: MetricFamily, _ other: MetricFamily) -> Bool {
        one.type == other.type && one.boundCount == other.boundCount && isSame(one.name, other.name)
            && (0..<one.boundCount).allSatisfy { one.bound($0) == other.bound($0) }
    }
}
