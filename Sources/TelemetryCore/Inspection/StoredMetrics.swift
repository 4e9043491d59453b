// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What is in a tool's file of metrics, and what its processes make of it.
package struct StoredMetrics {
    /// Metrics and series that are shown.
    package private(set) var metrics = 0
    package private(set) var series = 0
    /// Metrics that are not shown, because another one of that name was declared later.
    package private(set) var superseded = 0
    /// Names that programs declare differently, in turn: each of them hides what the others have added.
    package private(set) var contested: [String] = []
    /// Metrics that Prometheus' text leaves out.
    package private(set) var notInPrometheus = 0
    /// Why no process can use the file. Nil: nothing.
    package private(set) var problem: String?

    fileprivate init(_ snapshot: MetricSnapshot) {
        metrics = snapshot.families.count
        superseded = snapshot.superseded
        notInPrometheus = PrometheusClash.count(snapshot)
        contested = snapshot.contested.map { String(bytes: $0) }
        for family in snapshot.families { snapshot.forEachSeries(of: family) { _ in series += 1 } }
    }

    fileprivate init(_ problem: String) { self.problem = problem }
}

extension SpoolInspector {
    /// Of what the author may get, or what is kept for the user. Nil: there is no file.
    package static func metrics(options: Options) -> StoredMetrics? {
        do throws(SystemError) {
            guard let shared = try SpoolDirectory.openToLook(options) else { return nil }
            defer { shared.close() }
            return try MetricSnapshot.of(shared.directory, epoch: shared.control.epochNow).map(StoredMetrics.init)
        } catch { return StoredMetrics(MetricMap.text(of: error)) }
    }
}
