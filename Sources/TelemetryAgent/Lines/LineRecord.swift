// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What a line asks to be recorded. Its members have the names of the command line, and of the local log. Pure.
struct LineRecord {
    enum Content {
        case event(LineEvent)
        case metric(LineMetric)
        case span(LineSpan)
    }

    let tool: String
    let version: String
    let content: Content

    init(_ line: UnsafeRawBufferPointer) throws(LineMistake) {
        var members = try LineMembers(LineJSON.parse(line))
        let tool = String(bytes: try members.neededText("tool", of: "the name of a tool"))
        self.tool = tool
        do throws(LineMistake) {
            version = String(bytes: try members.text("version") ?? [])
            content = try Self.content(&members)
        } catch { throw LineMistake(text: error.text, tool: tool) }
    }

    private static func content(_ members: inout LineMembers) throws(LineMistake) -> Content {
        for kind in LineMetric.Kind.allCases where members.has(kind.name) {
            return .metric(try LineMetric(kind, &members))
        }
        let type = try members.text("type")
        if let type, ("span" as StaticString).isSame(type) { return .span(try LineSpan(&members)) }
        return .event(try LineEvent(type, &members))
    }
}

/// As `telemetry track` records it.
struct LineEvent {
    let type: [UInt8]
    let name: [UInt8]
    let time: UInt64
    let attributes: LineJSON.Members
    let duration: Int64?
    let exitCode: Int32?
    let category: ErrorCategory?
    let error: [UInt8]?

    init(_ type: [UInt8]?, _ members: inout LineMembers) throws(LineMistake) {
        self.type = type ?? Array("feature.used".utf8)
        name = try members.neededText(
            "name", or: LineMetric.Kind.allCases.map { $0.name },
            of: "'name' of an event, or 'count', 'gauge' or 'observe' of a metric")
        time = try members.time("timestamp") ?? 0
        attributes = try members.object("metadata")
        duration = try members.whole("duration_ms", 0...Int64.max)
        exitCode = try members.whole("exit_code", Int64(Int32.min)...Int64(Int32.max)).map {
            Int32(truncatingIfNeeded: $0)
        }
        category = try Self.category(try members.text("error_category"))
        error = try members.text("error")
        try members.end(
            "an event",
            ["type", "name", "timestamp", "metadata", "duration_ms", "exit_code", "error_category", "error"])
    }

    private static func category(_ text: [UInt8]?) throws(LineMistake) -> ErrorCategory? {
        guard let text else { return nil }
        for known in ErrorCategory.allCases where known.name.isSame(text) { return known }
        var words = ""
        for known in ErrorCategory.allCases { words += (words.utf8.isEmpty ? "" : ", ") + known.name.text }
        throw LineMistake(text: "'error_category': expected one of " + words)
    }
}

/// As `telemetry count`, `gauge` and `observe` record it.
struct LineMetric {
    enum Kind: CaseIterable {
        case count, gauge, observe

        var name: StaticString {
            switch self {
            case .count: "count"
            case .gauge: "gauge"
            case .observe: "observe"
            }
        }

        /// For people.
        var noun: StaticString {
            switch self {
            case .count: "a counter"
            case .gauge: "a gauge"
            case .observe: "a histogram"
            }
        }

        /// The member that has the number.
        var number: StaticString { self == .count ? "by" : "value" }

        /// The first one is made where the tool declares none.
        var types: [MetricType] {
            switch self {
            case .count: [.counter, .upDownCounter]
            case .gauge: [.gauge]
            case .observe: [.histogram, .exponentialHistogram]
            }
        }
    }

    let kind: Kind
    let name: [UInt8]
    let number: LineNumber
    let unit: String
    let attributes: LineJSON.Members

    init(_ kind: Kind, _ members: inout LineMembers) throws(LineMistake) {
        self.kind = kind
        name = try members.neededText(kind.name, of: "the name of the metric")
        let other: StaticString = kind == .count ? "value" : "by"
        if members.has(other) {
            throw LineMistake(
                text: kind.noun.text + " has no member '" + other.text + "'; expected its number in '"
                    + kind.number.text + "'")
        }
        let value = try members.number(kind.number)
        guard let value = value ?? (kind == .count ? LineNumber(value: 1, whole: 1) : nil) else {
            throw LineMistake(text: "'value' is missing; expected a number")
        }
        number = value
        unit = String(bytes: try members.text("unit") ?? [])
        attributes = try members.object("attributes")
        try members.end(kind.noun, [kind.name, kind.number, "unit", "attributes"])
    }
}

/// A span that has ended.
struct LineSpan {
    let name: [UInt8]
    let context: TraceContext
    let parent: UInt64
    let kind: UInt32
    let start: UInt64
    let end: UInt64
    let status: UInt8
    let message: [UInt8]?
    let attributes: LineJSON.Members

    private static let kinds: [StaticString] = ["internal", "server", "client", "producer", "consumer"]
    private static let statuses: [StaticString] = ["unset", "ok", "error"]

    init(_ members: inout LineMembers) throws(LineMistake) {
        name = try members.neededText("name", of: "the name of the span")
        context = try Self.context(&members)
        parent = try Self.id("parent_span_id", 8, &members)?.low ?? 0
        kind = UInt32(try Self.choice("kind", Self.kinds, &members) ?? 0) + 1
        guard let time = try members.time("timestamp"), let duration = try members.whole("duration_ns", 0...Int64.max)
        else {
            throw LineMistake(
                text: "'timestamp' and 'duration_ns' of a span are needed: when it began, and how long it took")
        }
        start = time
        end = time &+ UInt64(duration)
        status = UInt8(try Self.choice("status", Self.statuses, &members) ?? 0)
        message = try members.text("status_message")
        attributes = try members.object("attributes")
        try members.end(
            "a span",
            [
                "type", "name", "trace_id", "span_id", "parent_span_id", "kind", "timestamp", "duration_ns", "status",
                "status_message", "attributes",
            ])
    }

    /// A span without ids begins its own trace.
    private static func context(_ members: inout LineMembers) throws(LineMistake) -> TraceContext {
        let (trace, span) = (try id("trace_id", 16, &members), try id("span_id", 8, &members))
        if trace == nil && span == nil { return .root { _ in true } }
        guard let trace, let span,
            let context = TraceContext(
                traceID: TraceID(high: trace.high, low: trace.low), spanID: span.low, flags: TraceContext.sampledFlag,
                isRemote: false)
        else { throw LineMistake(text: "'trace_id' and 'span_id': expected both, or neither, and neither is zero") }
        return context
    }

    private static func id(_ name: StaticString, _ bytes: Int, _ members: inout LineMembers) throws(LineMistake)
        -> (high: UInt64, low: UInt64)?
    {
        guard let text = try members.text(name) else { return nil }
        var id = (high: UInt64(0), low: UInt64(0))
        var isID = text.count == 2 * bytes
        for byte in text {
            switch byte {
            case 0x30...0x39, 0x41...0x46, 0x61...0x66:
                id.high = id.high << 4 | id.low >> 60
                id.low = id.low << 4 | UInt64(byte <= 0x39 ? byte &- 0x30 : (byte | 0x20) &- 0x57)
            default: isID = false
            }
        }
        if isID { return id }
        throw LineMistake(
            text: "'" + name.text + "': expected " + (2 * bytes).description + " hexadecimal digits")
    }

    private static func choice(_ name: StaticString, _ words: [StaticString], _ members: inout LineMembers)
        throws(LineMistake) -> Int?
    {
        guard let text = try members.text(name) else { return nil }
        for (at, word) in words.enumerated() where word.isSame(text) { return at }
        var list = ""
        for word in words { list += (list.utf8.isEmpty ? "" : ", ") + word.text }
        throw LineMistake(text: "'" + name.text + "': expected one of " + list)
    }
}
