// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What a tool has recorded, as far as it is still here: what waits, and the copies of what was sent.
struct Activity {
    enum State: Int, CaseIterable {
        case sent, waiting, notTaken

        var name: String {
            switch self {
            case .sent: "sent"
            case .waiting: "waiting"
            case .notTaken: "not taken"
            }
        }
    }

    struct Record {
        let time: Int64
        let name: String
        let type: String
        let state: State
    }

    /// Oldest first.
    private(set) var records: [Record] = []

    init(_ tool: PageTool, _ parts: [PageTool.Part]) {
        guard let author = tool.options() else { return }
        for part in parts {
            let options = part.options(author)
            addSent(AuditTrail.read(options: options))
            addWaiting(SpoolInspector.listing(options: options, pretty: false) ?? [])
        }
        records.sort { $0.time < $1.time }
    }

    private mutating func addSent(_ trail: AuditTrail) {
        for line in SentEvents(trail.files).lines.split(separator: 0x0A) {
            guard let entry = JSONValue.parse(Array(line)) else { continue }
            let isTaken = entry["outcome"].text.map { ArgumentParser.same($0, "accepted") } ?? false
            add(entry["event"], isTaken ? .sent : .notTaken)
        }
    }

    private mutating func addWaiting(_ lines: [UInt8]) {
        for line in lines.split(separator: 0x0A) {
            if let event = JSONValue.parse(Array(line)) { add(event, .waiting) }
        }
    }

    private mutating func add(_ event: JSONValue, _ state: State) {
        guard let text = event["timestamp"].text, let time = Timestamp.nanoseconds(Array(text.utf8)) else { return }
        records.append(
            Record(time: time, name: event["name"].text ?? "", type: event["type"].text ?? "span", state: state))
    }

    /// How many there were over time.
    func write(to html: inout HTML, now: Int64) {
        html.heading("Events and spans over time")
        // A clock may have been wrong.
        guard let oldest = records.first?.time, let newest = records.last?.time,
            let chart = Timeline(from: oldest, to: max(now, newest))
        else {
            return html.paragraph("Nothing that was recorded is here.")
        }
        var counts = [[UInt64]](repeating: [0, 0, 0], count: chart.bins)
        for record in records {
            if let bin = chart.bin(of: record.time) { counts[bin][record.state.rawValue] &+= 1 }
        }
        Chart.bars(
            &html, "Records by the time at which they were made, for each " + chart.widthText, chart.labels,
            State.allCases.map { $0.name }, counts)
    }

    /// The latest ones, newest first.
    func writeLatest(to html: inout HTML, limit: Int) {
        if records.isEmpty { return html.paragraph("Nothing that was recorded is here.") }
        html.table(
            "The latest records", ["Time", "Name", "Type", "State"],
            records.suffix(limit).reversed().map {
                [PageFrame.time(Timestamp.text($0.time)) ?? "", $0.name, $0.type, $0.state.name]
            })
    }
}
