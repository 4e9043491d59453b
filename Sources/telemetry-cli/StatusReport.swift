// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryAgent
import TelemetryCore

/// What `status` says (B1), gathered once, written as text or as JSON. The shape of the JSON is
/// documented in docs/cli.md.
struct StatusReport {
    private let options: Options
    private let decision: ConsentDecision
    private let backend: String
    private let metricDestinations: [MetricDestinationReport]
    private let events: SpoolReport
    private let own: OwnReport
    /// Nil: the tool has none.
    private let spans: SpanReport?
    private let ownSpans: SpanReport?
    private let stored: StoredMetrics?
    private let ownStored: StoredMetrics?

    init(_ options: Options) {
        self.options = options
        let collector = Collector.open(options)
        decision = collector.decision
        events = SpoolReport(options, isEnabled: decision.isEnabled)
        // Without a choice in the manifest, the program's choice is the tool's.
        backend = options.isDefault ? events.program?.shown ?? collector.backendInfo : collector.backendInfo
        _ = collector.close(timeoutMilliseconds: 0)
        metricDestinations = SpoolInspector.metricDestinations(options: options)
        own = OwnReport(options)
        spans = SpanReport(options, decision)
        ownSpans = SpanReport(OwnChoice.options(options) ?? options.own([]), own.decision)
        stored = SpoolInspector.metrics(options: options)
        ownStored = SpoolInspector.metrics(options: options.own([]))
    }

    private var answers: StoredAnswers { StoredAnswers(options) }

    private var notice: NoticeState { NoticeState(options) }

    private var guarantee: String {
        options.guarantee == TELEMETRY_AT_MOST_ONCE ? "at-most-once" : "at-least-once"
    }

    private var unacknowledged: String {
        let names = events.destinations.filter { $0.isUnacknowledged }.map { $0.name }
        return names.isEmpty ? "" : "; at-most-once to " + joined(names, ", ") + ", which acknowledges nothing"
    }

    private var mode: String {
        switch options.delivery {
        case TELEMETRY_DETACHED: "detached"
        case TELEMETRY_AGENT: "agent"
        default: "in-process"
        }
    }

    /// C12: when the last one was recorded, and when the next one will be.
    private var heartbeat: (period: Int64, last: String?, next: String?)? {
        guard let rule = options.heartbeat else { return nil }
        let last = HeartbeatFile.last(options)
        return (rule.seconds, time(last), time(rule.upcoming(after: last)))
    }

    private var heartbeatJSON: JSONObject? {
        guard let heartbeat else { return nil }
        var object = JSONObject()
        object.add("period_s", UInt64(clamping: heartbeat.period))
        object.add("last", optional: heartbeat.last)
        object.add("next", optional: heartbeat.next)
        return object
    }

    private func time(_ nanoseconds: Int64?) -> String? {
        guard let nanoseconds, nanoseconds > 0 else { return nil }
        return Timestamp.text(nanoseconds)
    }

    var json: String {
        var object = JSONObject()
        object.add("tool", options.toolName)
        object.add("tool_version", options.toolVersion)
        object.add("enabled", decision.isEnabled)
        object.add("source", decision.source.name)
        object.add("reason", decision.reason)
        object.add("warnings", decision.warnings)
        object.add("local_only", decision.isLocalOnly)
        object.add("preference", answers.json)
        object.add("notice", notice.json)
        object.add("manifest", optional: options.manifestPath)
        object.add("excluded", options.excluded.names)
        object.add("backend", backend)
        events.addMembers(to: &object, guarantee)
        object.add("metrics", objects: metricDestinations.map { $0.json(isEnabled: decision.isEnabled) })
        object.add("delivery", mode)
        object.add("guarantee", guarantee)
        if events.isUnknown { object.add("events", raw: "null") } else { object.add("events", countsJSON) }
        if let heartbeatJSON { object.add("heartbeat", heartbeatJSON) } else { object.add("heartbeat", raw: "null") }
        add(stored, to: &object)
        object.add("own", ownJSON)
        add(spans, to: &object)
        return object.text
    }

    private var countsJSON: JSONObject {
        var object = JSONObject()
        events.addCounts(to: &object)
        return object
    }

    private func add(_ spans: SpanReport?, to object: inout JSONObject) {
        guard let spans else { return object.add("spans", raw: "null") }
        object.add("spans", spans.json(guarantee))
    }

    /// H14
    private var ownJSON: JSONObject {
        var object = JSONObject()
        object.add("enabled", own.decision.isEnabled)
        object.add("source", own.decision.source.name)
        object.add("reason", own.decision.reason)
        object.add("warnings", own.decision.warnings)
        object.add("metrics", objects: own.destinations.map { $0.json(isEnabled: own.decision.isEnabled) })
        add(ownStored, to: &object)
        add(ownSpans, to: &object)
        return object
    }

    /// H14: said only if somebody has asked for it.
    private var ownRows: [(String, String)] {
        var rows: [(String, String)] = []
        if let ownStored { rows.append(("your metrics", ownStored.text)) }
        rows += ownSpans?.rows("your ") ?? []
        if own.decision.source == .defaultStance && own.decision.warnings.isEmpty { return rows }
        rows += [("kept for you", (own.decision.isEnabled ? "on: " : "off: ") + own.decision.reason)]
        for warning in own.decision.warnings { rows.append(("warning", warning)) }
        rows += metricRows(own.destinations, own.decision)
        return rows
    }

    private func metricRows(_ destinations: [MetricDestinationReport], _ decision: ConsentDecision) -> [(
        String, String
    )] {
        let held = decision.isLocalOnly ? "; local only: nothing is sent" : ""
        return destinations.map { ("metrics to " + $0.name, $0.text(isEnabled: decision.isEnabled) + held) }
    }

    private func add(_ stored: StoredMetrics?, to object: inout JSONObject) {
        guard let stored else { return object.add("stored_metrics", raw: "null") }
        var inner = JSONObject()
        inner.add("metrics", UInt64(clamping: stored.metrics))
        inner.add("series", UInt64(clamping: stored.series))
        inner.add("superseded", UInt64(clamping: stored.superseded))
        inner.add("contested", stored.contested)
        inner.add("problem", optional: stored.problem)
        object.add("stored_metrics", inner)
    }

    var text: String {
        var rows = [
            ("tool", options.toolName + (options.toolVersion.utf8.isEmpty ? "" : " " + options.toolVersion)),
            ("telemetry", decision.isEnabled ? "on" : "off"),
            ("decided by", decision.source.name + ": " + decision.reason),
        ]
        for warning in decision.warnings { rows.append(("warning", warning)) }
        if decision.isLocalOnly { rows.append(("local only", "yes: nothing leaves this machine")) }
        rows += answers.rows(decision)
        rows.append(("notice", notice.text))
        rows.append(("manifest", options.manifestPath ?? "none"))
        let excluded = options.excluded.names
        if !excluded.isEmpty { rows.append(("never recorded", joined(excluded, ", "))) }
        if !KnownTool.isKnown(options) { rows.append(("note", KnownTool.unknown(options))) }
        rows.append(("backend", backend))
        if let program = events.program, !options.isDefault {
            rows.append(
                (
                    "program",
                    program.destinations + " (chosen in code" + (time(program.noted).map { ", noted " + $0 } ?? "")
                        + ")"
                ))
        }
        rows += events.waitingRows
        if events.destinations.count > 1 {
            for destination in events.destinations {
                rows.append(("to " + destination.name, destination.text(isEnabled: decision.isEnabled)))
            }
        }
        if let stored { rows.append(("metrics", stored.text)) }
        rows += metricRows(metricDestinations, decision)
        rows += ownRows
        let agent = AgentClient().isRunning ? "; an agent is running, and delivers as well" : ""
        rows.append(("delivery", mode + ", " + guarantee + unacknowledged + agent))
        if let heartbeat {
            rows.append(
                (
                    "heartbeat",
                    "every \(heartbeat.period) s; last " + (heartbeat.last ?? "never") + ", next "
                        + (heartbeat.next ?? "when the tool runs")
                ))
        }
        if options.isInMemory {
            rows.append(("storage", "memory: nothing is kept on this machine"))
        } else {
            rows.append(("spool", events.spoolText))
        }
        rows += events.laterRows + events.countRows + (spans?.rows() ?? [])
        let last = events.lastDelivery
        rows.append(("last delivery", spans.map { "events " + last + ", spans " + $0.lastDelivery } ?? last))
        rows += events.failureRows
        return Self.aligned(rows)
    }

    private static func aligned(_ rows: [(String, String)]) -> String {
        let width = rows.reduce(0) { max($0, $1.0.utf8.count) }
        var text = ""
        for (label, value) in rows {
            text += label + ":" + String(repeating: " ", count: width - label.utf8.count + 1) + value + "\n"
        }
        return text
    }
}
