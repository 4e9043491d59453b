// SPDX-License-Identifier: Apache-2.0

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
