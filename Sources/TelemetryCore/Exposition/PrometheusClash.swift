// SPDX-License-Identifier: Apache-2.0

/// Metrics whose names differ, and are the same in Prometheus' text.
package enum PrometheusClash {
    /// Each metric with an earlier one that takes its name.
    package static func all(_ metrics: [MetricDeclaration]) -> [(name: String, other: String)] {
        var result: [(name: String, other: String)] = []
        for (index, metric) in metrics.enumerated() {
            for other in metrics[..<index] where isClash(metric, other) {
                result.append((metric.name, other.name))
                break
            }
        }
        return result
    }

    /// Metrics that Prometheus' text leaves out, because an earlier one has one of their names.
    static func count(_ snapshot: MetricSnapshot) -> Int {
        var taken = TakenNames()
        guard taken.begin(expecting: snapshot.families.count) else { return 0 }
        var count = 0
        for family in snapshot.families {
            let base = PrometheusName(family).base
            if base.isEmpty || !taken.take(base, family.type) { count &+= 1 }
        }
        return count
    }

    private static func isClash(_ metric: MetricDeclaration, _ other: MetricDeclaration) -> Bool {
        var taken = TakenNames()
        guard taken.begin(expecting: 2) else { return false }
        _ = taken.take(base(other), other.type)
        return !taken.take(base(metric), metric.type)
    }

    private static func base(_ metric: MetricDeclaration) -> [UInt8] {
        Array(metric.name.utf8).withUnsafeBytes { name in
            Array(metric.unit.utf8).withUnsafeBytes { PrometheusName(name, $0, metric.type).base }
        }
    }
}
