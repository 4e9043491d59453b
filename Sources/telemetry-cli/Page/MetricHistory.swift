// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// How metrics have changed while somebody has looked: the file that they are in has their present values alone.
struct MetricHistory {
    private var series: [(name: String, points: [(time: Int64, label: String, value: Double)])] = []

    private static let limit = 12
    /// Then every second point is left out.
    private static let pointLimit = 240

    mutating func add(_ values: [(name: String, value: Double)], now: Int64) {
        let label = PageFrame.time(Timestamp.text(now)) ?? ""
        for (name, value) in values {
            var index = series.firstIndex { ArgumentParser.same($0.name, name) } ?? series.count
            if index == series.count {
                if series.count >= Self.limit { continue }
                series.append((name, []))
            }
            index = min(index, series.count - 1)
            series[index].points.append((now, label, value))
            guard series[index].points.count > Self.pointLimit else { continue }
            let points = series[index].points
            series[index].points = points.indices.filter { $0 % 2 == 0 || $0 == points.count - 1 }.map { points[$0] }
        }
    }

    func write(to html: inout HTML) {
        let changed = series.filter { each in each.points.contains { $0.value != each.points[0].value } }
        if changed.isEmpty { return }
        html.heading("Metrics since you opened this view")
        for each in changed { Chart.line(&html, each.name, each.points) }
    }
}
