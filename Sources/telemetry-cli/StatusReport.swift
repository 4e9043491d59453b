// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What `status` says (B1), gathered once, written as text or as JSON. The shape of the JSON is
/// documented in docs/cli.md.
struct StatusReport {
    private let options: Options
    private let decision: ConsentDecision
    private let backend: String
    /// Where a program sends that has chosen its destination in code.
    private let program: SpoolInspector.ProgramChoice?
    private let waitingForOthers: [SpoolInspector.WaitingForOther]
    private let destinations: [DestinationReport]
    private let metricDestinations: [MetricDestinationReport]
    /// Nil: there is no spool; nothing was ever recorded, or it cannot be read.
    private let statistics: telemetry_statistics?
    /// Why the spool cannot be looked at, altogether or in part.
    private let problem: String?
    private let later: (files: [String], events: UInt64)?
    private let delivery: SpoolInspector.Delivery?
    private let own: OwnReport
    /// Nil: the tool has none.
    private let spans: SpanReport?
    private let stored: StoredMetrics?
    private let ownStored: StoredMetrics?

    init(_ options: Options) {
        self.options = options
        let collector = Collector.open(options)
        decision = collector.decision
        program = SpoolInspector.chosenInCode(options: options)
        waitingForOthers = SpoolInspector.waitingForOthers(options: options)
        // Without a choice in the manifest, the program's choice is the tool's.
        backend = options.isDefault ? program.map { $0.shown } ?? collector.backendInfo : collector.backendInfo
        _ = collector.close(timeoutMilliseconds: 0)
        destinations = SpoolInspector.destinations(options: options)
        metricDestinations = SpoolInspector.metricDestinations(options: options)
        let spool = SpoolInspector.examine(options: options)
        statistics = spool.statistics
        problem = spool.problem?.text
        later = SpoolInspector.leftToLater(options: options)
        delivery = SpoolInspector.deliveryState(options: options)
        own = OwnReport(options)
        spans = SpanReport(options)
        stored = SpoolInspector.metrics(options: options)
        ownStored = SpoolInspector.metrics(options: options.own([]))
    }

    private var answers: StoredAnswers { StoredAnswers(options) }

    private var notice: NoticeState { NoticeState(options) }

    private var counts: telemetry_statistics { statistics ?? telemetry_statistics() }

    /// By reason, under the names of docs/spool-format.md.
    private var drops: [(reason: String, count: UInt64)] {
        [
            ("spool_full", counts.dropped_spool_full), ("no_space", counts.dropped_no_space),
            ("expired", counts.dropped_expired), ("corrupt", counts.dropped_corrupt),
            ("rejected", counts.dropped_rejected), ("withdrawn", counts.dropped_withdrawn),
            ("unconfirmed", counts.dropped_unconfirmed),
        ]
    }

    private var guarantee: String {
        options.guarantee == TELEMETRY_AT_MOST_ONCE ? "at-most-once" : "at-least-once"
    }

    private var unacknowledged: String {
        let names = destinations.filter { $0.isUnacknowledged }.map { $0.name }
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
        let last = HeartbeatFile.last(tool: options.toolName)
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

    private var lastError: String? {
        guard let error = delivery?.lastError, !error.utf8.isEmpty else { return nil }
        return error
    }

    /// Nothing is tried while telemetry is off.
    private var nextAttempt: String? { decision.isEnabled ? time(delivery?.nextAttempt) : nil }

    private var taker: String? {
        guard let taker = delivery?.taker, !taker.utf8.isEmpty else { return nil }
        return taker
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
        object.add("backend", backend)
        object.add("backends", objects: destinations.map { $0.json(guarantee) })
        object.add("metrics", objects: metricDestinations.map { $0.json })
        if let program {
            var chosen = JSONObject()
            chosen.add("destinations", program.destinations)
            chosen.add("noted", optional: time(program.noted))
            object.add("program", chosen)
        } else {
            object.add("program", raw: "null")
        }
        object.add(
            "waiting_for_others",
            objects: waitingForOthers.map { waiting in
                var other = JSONObject()
                other.add("destinations", waiting.destinations)
                other.add("for", waiting.isForProgram ? "program" : "manifest")
                other.add("events", waiting.events)
                return other
            })
        object.add("delivery", mode)
        object.add("guarantee", guarantee)
        object.add("spool", spoolJSON)
        if isUnknown { object.add("events", raw: "null") } else { object.add("events", eventsJSON) }
        object.add("last_delivery", deliveryJSON)
        if let heartbeatJSON { object.add("heartbeat", heartbeatJSON) } else { object.add("heartbeat", raw: "null") }
        add(stored, to: &object)
        object.add("own", ownJSON)
        if let spans { object.add("spans", json(spans)) } else { object.add("spans", raw: "null") }
        return object.text
    }

    private func json(_ spans: SpanReport) -> JSONObject {
        var object = JSONObject()
        object.add("destinations", optional: spans.destinations)
        object.add("recorded", spans.statistics.recorded)
        object.add("delivered", spans.statistics.delivered)
        object.add("pending", spans.statistics.pending)
        object.add("dropped", spans.statistics.dropped)
        object.add("open", UInt64(clamping: spans.open))
        object.add("last_error", optional: spans.lastError.utf8.isEmpty ? nil : spans.lastError)
        return object
    }

    private var spanRows: [(String, String)] {
        guard let spans else { return [] }
        let counts = spans.statistics
        var text = "\(counts.recorded) recorded, \(counts.delivered) delivered, \(counts.pending) pending"
        text += ", \(counts.dropped) dropped, \(spans.open) open"
        if !spans.lastError.utf8.isEmpty { text += "; last error: " + spans.lastError }
        return [("spans to", spans.destinations ?? "nobody"), ("spans", text)]
    }

    /// H14
    private var ownJSON: JSONObject {
        var object = JSONObject()
        object.add("enabled", own.decision.isEnabled)
        object.add("source", own.decision.source.name)
        object.add("reason", own.decision.reason)
        object.add("warnings", own.decision.warnings)
        object.add("metrics", objects: own.destinations.map { $0.json })
        add(ownStored, to: &object)
        return object
    }

    /// H14: said only if somebody has asked for it.
    private var ownRows: [(String, String)] {
        var rows: [(String, String)] = []
        if let ownStored { rows.append(("your metrics", ownStored.text)) }
        if own.decision.source == .defaultStance && own.decision.warnings.isEmpty { return rows }
        rows += [("kept for you", (own.decision.isEnabled ? "on: " : "off: ") + own.decision.reason)]
        for warning in own.decision.warnings { rows.append(("warning", warning)) }
        for destination in own.destinations { rows.append(("metrics to " + destination.name, destination.text)) }
        return rows
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

    private var spoolJSON: JSONObject {
        var object = JSONObject()
        object.add(
            "storage", lockProblem != nil ? "memory" : isUnknown ? "unknown" : statistics == nil ? "none" : "spool")
        object.add("path", optional: SpoolInspector.path(options: options))
        object.add("bytes", counts.spool_bytes)
        object.add("problem", optional: problem)
        object.add("newer_files", later.map { UInt64($0.files.count) } ?? 0)
        object.add("left_to_newer", later?.events ?? 0)
        return object
    }

    private var eventsJSON: JSONObject {
        var object = JSONObject()
        object.add("recorded", counts.recorded)
        object.add("delivered", counts.delivered)
        object.add("pending", counts.pending)
        object.add("dropped", counts.dropped)
        var reasons = JSONObject()
        for drop in drops { reasons.add(drop.reason, drop.count) }
        object.add("dropped_by_reason", reasons)
        for counter in Counter.allCases { object.add(counter.name, counts[counter]) }
        return object
    }

    private var deliveryJSON: JSONObject {
        var object = JSONObject()
        object.add("last_attempt", optional: time(delivery?.lastAttempt))
        object.add("last_success", optional: time(delivery?.lastSuccess))
        object.add("next_attempt", optional: nextAttempt)
        object.add("consecutive_failures", UInt64(delivery?.failures ?? 0))
        object.add("last_error", optional: lastError)
        object.add("taken_by", optional: taker)
        return object
    }

    var text: String {
        var rows = [
            ("tool", options.toolName + (options.toolVersion.utf8.isEmpty ? "" : " " + options.toolVersion)),
            ("telemetry", decision.isEnabled ? "on" : "off"),
            ("decided by", decision.source.name + ": " + decision.reason),
        ]
        for warning in decision.warnings { rows.append(("warning", warning)) }
        if decision.isLocalOnly { rows.append(("local only", "yes: no event leaves this machine")) }
        rows += answers.rows(decision)
        rows.append(("notice", notice.text))
        rows.append(("manifest", options.manifestPath ?? "none"))
        if !KnownTool.isKnown(options) { rows.append(("note", KnownTool.unknown(options))) }
        rows.append(("backend", backend))
        if let program, !options.isDefault {
            rows.append(
                (
                    "program",
                    program.destinations + " (chosen in code" + (time(program.noted).map { ", noted " + $0 } ?? "")
                        + ")"
                ))
        }
        for waiting in waitingForOthers { rows.append(("waiting", waiting.text)) }
        if destinations.count > 1 {
            for destination in destinations { rows.append(("to " + destination.name, destination.text)) }
        }
        if let stored { rows.append(("metrics", stored.text)) }
        for destination in metricDestinations { rows.append(("metrics to " + destination.name, destination.text)) }
        rows += ownRows
        rows.append(("delivery", mode + ", " + guarantee + unacknowledged))
        if let heartbeat {
            rows.append(
                (
                    "heartbeat",
                    "every \(heartbeat.period) s; last " + (heartbeat.last ?? "never") + ", next "
                        + (heartbeat.next ?? "when the tool runs")
                ))
        }
        rows.append(("spool", spoolText))
        if let later {
            rows.append(
                (
                    "newer",
                    counted(later.events, "event") + " in " + counted(UInt64(later.files.count), "file")
                        + " of a newer version, which alone can deliver them"
                ))
        }
        rows += countRows
        rows += spanRows
        rows.append(("last delivery", time(delivery?.lastSuccess) ?? (isUnknown ? "unknown" : "never")))
        if let taker { rows.append(("taken by", taker)) }
        if let lastError {
            rows.append(("last error", (delivery?.isOfOther == true ? "of the program's receiver: " : "") + lastError))
        }
        if let nextAttempt, let failures = delivery?.failures, failures > 0 {
            rows.append(("next attempt", nextAttempt + ", after \(failures) in a row failed"))
        }
        return Self.aligned(rows)
    }

    /// There is a spool, and nothing is known about it.
    private var isUnknown: Bool { statistics == nil && problem != nil }

    private var lockProblem: String? { SpoolInspector.lockProblem(options: options) }

    private var spoolText: String {
        guard let path = SpoolInspector.path(options: options) else { return "none: no home directory" }
        if let lockProblem { return path + ", memory only: files cannot be locked there: " + lockProblem }
        if let obstacle = PathStatus.obstacle(path) { return path + " (cannot be used: " + obstacle.what + ")" }
        if let problem, isUnknown { return path + " (cannot be looked at: " + problem + ")" }
        let partly = problem.map { " (not all of it can be looked at: " + $0 + ")" } ?? ""
        return path + (statistics == nil ? " (none yet)" : ", \(counts.spool_bytes) bytes") + partly
    }

    private var countRows: [(String, String)] {
        if isUnknown { return ["recorded", "delivered", "pending", "dropped"].map { ($0, "unknown") } }
        var dropped = "\(counts.dropped)"
        for drop in drops where drop.count > 0 { dropped += ", " + drop.reason + " \(drop.count)" }
        return [
            ("recorded", "\(counts.recorded)"), ("delivered", "\(counts.delivered)"), ("pending", "\(counts.pending)"),
            ("dropped", dropped), ("adjusted", "\(counts.adjusted)"), ("refused", refusedText),
            ("redacted", "\(counts.redacted)"),
        ]
    }

    /// C10: for the author, what the manifest's registry kept out.
    private var refusedText: String {
        var text = "\(counts.refused)"
        if counts.refused_undeclared > 0 { text += ", undeclared \(counts.refused_undeclared)" }
        if counts.attributes_refused > 0 { text += "; attributes \(counts.attributes_refused)" }
        return text
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
