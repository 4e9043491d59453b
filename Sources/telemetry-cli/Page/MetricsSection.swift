// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A tool's metrics: what they are now, and what they were in the requests that were sent.
struct MetricsSection {
    private let tool: PageTool
    /// Each with what `telemetry metrics` says.
    private let parts: [(part: PageTool.Part, families: [JSONValue])]

    init(_ tool: PageTool, _ parts: [PageTool.Part]) {
        self.tool = tool
        self.parts = parts.filter { !$0.isOfSpans }.map { part in
            let run = HelperRun(tool, ["metrics", "--format", "json", "--audience", part.isOwn ? "own" : "author"])
            return (part, run.json?["metrics"].items ?? [])
        }
    }

    // MARK: now

    /// The number of each series: its value, or how many values it has.
    var values: [(name: String, value: Double)] {
        var result: [(name: String, value: Double)] = []
        for (part, families) in parts {
            for family in families {
                for series in family["series"].items {
                    guard let value = series["value"].number ?? series["count"].number else { continue }
                    let what = series["value"].isNull ? ", values" : ""
                    result.append(
                        (Self.name(family, series["attributes"]) + Self.owner(part) + what, value))
                }
            }
        }
        return result
    }

    func writePresent(to html: inout HTML) {
        for (part, families) in parts where !families.isEmpty {
            html.heading(part.isOwn ? "Metrics kept for you, now" : "Metrics now")
            var rows: [[String]] = []
            for family in families {
                for series in family["series"].items { rows.append(Self.row(family, series)) }
            }
            html.table(
                part.isOwn ? "Values of the metrics kept for you" : "Values of the metrics",
                ["Metric", "Attributes", "Value", "Type"], rows)
            for family in families {
                for series in family["series"].items { Self.writeBuckets(family, series, part, &html) }
            }
        }
    }

    private static func row(_ family: JSONValue, _ series: JSONValue) -> [String] {
        let unit = family["unit"].text ?? ""
        var value = series["value"].shown
        if series["value"].isNull {
            value = series["count"].shown + " values, sum " + series["sum"].shown
            for (name, label) in [("min" as StaticString, ", smallest "), ("max", ", largest ")]
            where !series[name].isNull {
                value += label + series[name].shown
            }
        }
        return [
            family["name"].text ?? "", series["attributes"].shown, value + (unit.utf8.isEmpty ? "" : " " + unit),
            family["type"].text ?? "",
        ]
    }

    /// A histogram's own form: a bar for each bucket that has something.
    private static func writeBuckets(
        _ family: JSONValue, _ series: JSONValue, _ part: PageTool.Part, _ html: inout HTML
    ) {
        let buckets = series["buckets"].items
        guard buckets.count > 1 else { return }
        var (labels, counts): ([String], [[UInt64]]) = ([], [])
        var before: UInt64 = 0
        for bucket in buckets {
            let count = bucket["count"].count
            labels.append(bucket["le"].isNull ? "more" : "up to " + bucket["le"].shown)
            counts.append([count >= before ? count - before : 0])
            before = count
        }
        Chart.bars(
            &html, name(family, series["attributes"]) + owner(part) + " by size", labels, ["values"], counts)
    }

    /// The author may have a metric of the same name, and what a reader is told differs.
    private static func owner(_ part: PageTool.Part) -> String { part.isOwn ? ", kept for you" : "" }

    private static func name(_ family: JSONValue, _ attributes: JSONValue) -> String {
        let name = family["name"].text ?? ""
        return attributes.members.isEmpty ? name : name + " (" + attributes.shown + ")"
    }

    // MARK: as they were sent

    private struct Sent {
        let key: String
        let isSum: Bool
        var points: [(time: Int64, label: String, value: Double)] = []
        /// Of a sum that goes on: the last one.
        var last: (start: Int64, value: Double)?
    }

    private static let limit = 12

    func writeSent(to html: inout HTML) {
        guard let author = tool.options() else { return }
        for (part, _) in parts {
            let all = Self.series(AuditTrail.read(options: part.options(author), .metrics))
            if all.isEmpty { continue }
            html.heading(
                part.isOwn ? "Metrics sent to receivers of your own, over time" : "Metrics that were sent, over time")
            for series in all.prefix(Self.limit) {
                Chart.line(
                    &html,
                    series.key + Self.owner(part) + (series.isSum ? ": added since the request before" : ""),
                    series.points)
            }
            if all.count > Self.limit {
                html.paragraph(
                    counted(UInt64(all.count - Self.limit), "more series", "more series") + " were sent: see Sent.")
            }
        }
    }

    private static func series(_ trail: AuditTrail) -> [Sent] {
        var result: [Sent] = []
        for file in trail.files {
            for line in file.bytes.split(separator: 0x0A) {
                guard let entry = JSONValue.parse(Array(line)) else { continue }
                for resource in entry["metrics"]["resourceMetrics"].items {
                    for scope in resource["scopeMetrics"].items {
                        for metric in scope["metrics"].items { add(metric, &result) }
                    }
                }
            }
        }
        return result
    }

    private static func add(_ metric: JSONValue, _ all: inout [Sent]) {
        let kinds: [(name: StaticString, isSum: Bool)] = [
            ("sum", true), ("gauge", false), ("histogram", true), ("exponentialHistogram", true),
        ]
        let unit = metric["unit"].text ?? ""
        for kind in kinds {
            let data = metric[kind.name]
            // OTLP: 1 is delta, 2 is cumulative.
            let isDelta = data["aggregationTemporality"].integer == 1
            for point in data["dataPoints"].items {
                guard let time = point["timeUnixNano"].integer, let value = value(point) else { continue }
                let attributes = point["attributes"].items.map { ($0["key"].text ?? "") + "=" + shown($0["value"]) }
                let key =
                    (metric["name"].text ?? "") + (unit.utf8.isEmpty ? "" : " in " + unit)
                    + (attributes.isEmpty ? "" : " (" + joined(attributes, ", ") + ")")
                var index = all.firstIndex { ArgumentParser.same($0.key, key) } ?? all.count
                if index == all.count { all.append(Sent(key: key, isSum: kind.isSum)) }
                index = min(index, all.count - 1)
                let start = point["startTimeUnixNano"].integer ?? 0
                let added = kind.isSum && !isDelta ? increase(all[index].last, start, value) : value
                all[index].last = (start, value)
                all[index].points.append((time, PageFrame.time(Timestamp.text(time)) ?? "", added))
            }
        }
    }

    /// A sum that began anew has nothing before it.
    private static func increase(_ last: (start: Int64, value: Double)?, _ start: Int64, _ value: Double) -> Double {
        guard let last, last.start == start, value >= last.value else { return value }
        return value - last.value
    }

    private static func value(_ point: JSONValue) -> Double? {
        point["asInt"].number ?? point["asDouble"].number ?? point["count"].number
    }

    /// OTLP's AnyValue: one member, named after its type.
    private static func shown(_ value: JSONValue) -> String { value.members.first?.value.shown ?? "" }
}
