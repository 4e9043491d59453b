// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What happened to a line.
struct LineOutcome {
    /// A word of `telemetry track --json`, or `invalid`.
    var status: StaticString
    /// What the sender can correct.
    var error: String?
    /// Why nothing is recorded, though the line is right.
    var reason: StaticString?

    static func invalid(_ error: String) -> LineOutcome { LineOutcome(status: "invalid", error: error, reason: nil) }

    static func of(_ status: StaticString, _ reason: StaticString? = nil) -> LineOutcome {
        LineOutcome(status: status, error: nil, reason: reason)
    }
}

/// Records what lines ask for, as the tool that they name would have recorded it. For one thread.
final class LineRecorder {
    let collectors: ToolCollectors
    private let counts: IntakeCounts
    private let gathering = AttributeGathering(TextArena())
    private var arena: TextArena { gathering.arena }

    init(_ collectors: ToolCollectors, _ counts: IntakeCounts) {
        self.collectors = collectors
        self.counts = counts
    }

    func record(_ line: UnsafeRawBufferPointer) -> LineOutcome {
        arena.cut()
        gathering.removeAll()
        guard arena.prepare() else {
            counts.refuse(.noRoom, of: nil)
            return .of("dropped", IntakeRefusal.noRoom.text)
        }
        let record: LineRecord
        do throws(LineMistake) { record = try LineRecord(line) } catch {
            counts.refuse(.malformed, of: error.tool.flatMap { isKnown($0) ? $0 : nil })
            return .invalid(error.text)
        }
        let tool: OpenTool
        switch collectors.open(record.tool, record.version) {
        case .refused(let why, let isKnown):
            counts.refuse(why, of: isKnown ? record.tool : nil)
            return Self.outcome(why, record.tool)
        case .unknown:
            counts.refuse(.noRoom, of: nil)
            return .of("dropped", IntakeRefusal.noRoom.text)
        case .open(let found): tool = found
        }
        gathering.keepsErrors = tool.collector.options.collectsErrors
        switch record.content {
        case .event(let event): return self.record(event, tool)
        case .metric(let metric): return self.record(metric, tool)
        case .span(let span): return self.record(span, tool)
        }
    }

    /// A line that is not read.
    func refuse(_ why: IntakeRefusal) { counts.refuse(why, of: nil) }

    private func isKnown(_ tool: String) -> Bool { counts.refused.has(tool) || collectors.isKnown(tool) }

    private static func outcome(_ why: IntakeRefusal, _ tool: String) -> LineOutcome {
        switch why {
        case .noTool, .invalidTool:
            return .invalid(
                "'tool': expected 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit")
        case .toolOptions: return .of("disabled", why.text)
        default: return .of("disabled", why.text)
        }
    }

    /// Before it is recorded: what was answered with `ok` outlives this process.
    private func obstacle(_ tool: OpenTool, _ signal: OTLPSignal, isTaken: Bool) -> LineOutcome? {
        let why: IntakeRefusal
        if !isTaken {
            why = tool.collector.decision.isEnabled ? .notTaken : .noConsent
        } else if tool.keeps(signal) {
            return nil
        } else {
            collectors.letGo(of: tool)
            why = .noRoom
        }
        counts.refuse(why, of: tool.knownName)
        return .of(why == .noRoom ? "dropped" : "disabled", why.text)
    }

    private func outcome(_ status: telemetry_status, _ tool: OpenTool, _ signal: OTLPSignal, _ mistake: String)
        -> LineOutcome
    {
        let why: IntakeRefusal
        switch status {
        case TELEMETRY_OK, TELEMETRY_ADJUSTED:
            collectors.note(tool, signal)
            guard tool.settles(signal) else {
                counts.refuse(.noRoom, of: tool.knownName)
                return .of("dropped", IntakeRefusal.noRoom.text)
            }
            counts.accept()
            return .of(status == TELEMETRY_OK ? "ok" : "adjusted")
        case TELEMETRY_ERROR_UNDECLARED:
            counts.refuse(.undeclared, of: tool.knownName)
            return .of("undeclared", IntakeRefusal.undeclared.text)
        case TELEMETRY_ERROR_ARGUMENT:
            counts.refuse(signal == .metrics ? .metricValue : .invalid, of: tool.knownName)
            return .invalid(mistake)
        case TELEMETRY_DISABLED: why = .noConsent
        default: why = .noRoom
        }
        counts.refuse(why, of: tool.knownName)
        return .of(why == .noRoom ? "dropped" : "disabled", why.text)
    }

    private func refusedEarly(_ tool: OpenTool) -> LineOutcome {
        counts.refuse(.beforeConsent, of: tool.knownName)
        return .of("disabled", IntakeRefusal.beforeConsent.text)
    }

    // MARK: what a line holds

    private func record(_ event: LineEvent, _ tool: OpenTool) -> LineOutcome {
        if let obstacle = obstacle(tool, .logs, isTaken: tool.takesEvents) { return obstacle }
        gathering.add(event.attributes)
        guard let type = arena.cString(event.type, 2048), let name = arena.cString(event.name, 2048) else {
            return outcome(TELEMETRY_ERROR_DROPPED, tool, .logs, "")
        }
        var received = ReceivedEvent(type: type, name: name)
        received.time = event.time
        if tool.isEarly(.author, event.time) { return refusedEarly(tool) }
        received.attributes = gathering.first
        received.attributeCount = gathering.count
        received.isCut = gathering.dropped > 0
        received.durationMilliseconds = event.duration
        received.exitCode = event.exitCode
        received.errorCategory = event.category
        received.error = event.error.flatMap { arena.cString($0, 8192) }
        let status = Recording.receive(tool.collector, received)
        return outcome(status, tool, .logs, "the name or the type is not valid")
    }

    private func record(_ metric: LineMetric, _ tool: OpenTool) -> LineOutcome {
        if let obstacle = obstacle(tool, .metrics, isTaken: tool.takesMetrics) { return obstacle }
        gathering.add(metric.attributes)
        guard let name = arena.cString(metric.name, 512) else {
            return outcome(TELEMETRY_ERROR_DROPPED, tool, .metrics, "")
        }
        let intake: MetricIntake
        switch MetricIntake.find(tool.collector, name, oneOf: metric.kind.types, unit: metric.unit) {
        case .metric(let found): intake = found
        case .otherType(let type):
            counts.refuse(.metricType, of: tool.knownName)
            return .invalid("'" + metric.kind.name.text + "': the metric is there with another type: " + type.name)
        case .malformed:
            counts.refuse(.metricName, of: tool.knownName)
            return .invalid(
                "'" + metric.kind.name.text
                    + "': expected a letter, then letters, digits, '_', '.', '-' or '/'; and a unit of at most 63 bytes"
            )
        case .notDeclared: return outcome(TELEMETRY_ERROR_UNDECLARED, tool, .metrics, "")
        case .tooMany, .noMemory, .otherBounds: return outcome(TELEMETRY_ERROR_DROPPED, tool, .metrics, "")
        case .disabled: return outcome(TELEMETRY_DISABLED, tool, .metrics, "")
        }
        let count = gathering.count
        let status: telemetry_status
        switch metric.kind {
        case .count:
            let increase = metric.number.whole.map { MetricOperation.add($0) } ?? .addNumber(metric.number.value)
            status = intake.record(increase, gathering.first, count)
        case .gauge: status = intake.record(.set(metric.number.value), gathering.first, count)
        case .observe: status = intake.observe(metric.number.value, times: 1, gathering.first, count)
        }
        return outcome(
            status, tool, .metrics, "the metric takes no such value: it is below 0, or the sum would be too large")
    }

    private func record(_ span: LineSpan, _ tool: OpenTool) -> LineOutcome {
        if let obstacle = obstacle(tool, .traces, isTaken: tool.spans != nil) { return obstacle }
        gathering.add(span.attributes)
        guard let spans = tool.spans, let name = arena.cString(span.name, 512) else {
            return outcome(TELEMETRY_ERROR_DROPPED, tool, .traces, "")
        }
        var received = ReceivedSpan(span.context, name: name)
        received.parent = span.parent
        received.kind = span.kind
        (received.start, received.end) = (span.start, span.end)
        received.audiences = tool.audiences(at: span.start)
        if received.audiences.isEmpty { return refusedEarly(tool) }
        let begun = spans.begin(received)
        guard spans.isOpen else { return outcome(begun, tool, .traces, "the name is not valid") }
        spans.set(gathering.first, gathering.count)
        if span.status > 0 { spans.set(status: span.status, span.message.flatMap { arena.cString($0, 2048) }) }
        spans.addDropped(attributes: gathering.dropped, events: 0, links: 0)
        return outcome(spans.finish(), tool, .traces, "the span is not valid")
    }
}

extension AttributeGathering {
    /// Members of an object, as attributes.
    func add(_ members: LineJSON.Members) {
        for member in members {
            member.key.withText { key in
                switch member.value {
                case .none, .object: break
                case .string(let text): text.withText { add(key, .string($0)) }
                case .int(let number): add(key, .int(number))
                case .double(let number): add(key, .double(number))
                case .bool(let flag): add(key, .bool(flag))
                }
            }
        }
    }
}

extension TextArena {
    func cString(_ bytes: [UInt8], _ limit: Int) -> UnsafePointer<CChar>? { bytes.withText { cString($0, limit) } }
}

extension [UInt8] {
    func withText<Result>(_ body: (OTLPText) -> Result) -> Result {
        withUnsafeBufferPointer { area in
            body(area.baseAddress.map { OTLPText(start: $0, count: area.count) } ?? .empty)
        }
    }
}
