// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Records log records as events of their tools.
final class LogsIntake: LogsTaker {
    private let tools: ToolCollectors
    private let tally: IntakeTally
    private var tool: OpenTool?

    init(_ tools: ToolCollectors, _ tally: IntakeTally) {
        self.tools = tools
        self.tally = tally
    }

    func begin(_ resource: OTLPResource, _ attributes: AttributeGathering) -> Bool {
        tool = tally.open(
            tools, resource, takes: { $0.takesEvents }, isSafe: { $0.keeps(.logs) })
        attributes.keepsErrors = tool?.collector.options.collectsErrors == true
        return tool != nil
    }

    func countRefused() { tally.countRefused() }

    func take(_ record: LogRecord, _ attributes: AttributeGathering) {
        guard let tool else { return tally.countRefused() }
        guard !tally.isForLater else { return }
        let arena = attributes.arena
        let isText = record.nameAttribute.count == 0 && record.eventName.count == 0
        let named = record.nameAttribute.count > 0 ? record.nameAttribute : record.eventName
        guard let name = arena.cString(isText ? Self.text(record.body) : named, Self.nameBytes), name.pointee != 0,
            let type = Self.type(record, arena)
        else { return tally.refuse(.noName) }
        if !isText { Self.addBody(record, attributes) }
        Self.addSeverity(record, attributes)
        var event = ReceivedEvent(type: type, name: name)
        event.isNameText = isText
        event.attributes = attributes.first
        event.attributeCount = attributes.count
        event.time = record.time != 0 ? record.time : record.observed
        if tool.isEarly(.author, event.time) { return tally.refuse(.beforeConsent) }
        event.isCut = record.dropped > 0 || attributes.dropped > 0
        if let trace = record.traceID, let span = record.spanID {
            event.span = TraceContext(
                traceID: TraceID(high: trace.high, low: trace.low), spanID: span.low, flags: 0, isRemote: true)
        }
        tally.add(Recording.receive(tool.collector, event))
    }

    /// More than is kept: redaction looks at what follows too.
    private static let nameBytes = 2048

    private static func text(_ body: OTLPValue) -> OTLPText {
        if case .string(let text) = body { return text }
        return .empty
    }

    /// `event.type`; beside an `event.name` also the record's own event name, as this product itself sends it. Otherwise
    /// what `telemetry track` has.
    private static func type(_ record: LogRecord, _ arena: TextArena) -> UnsafePointer<CChar>? {
        if record.typeAttribute.count > 0 { return arena.cString(record.typeAttribute, typeBytes) }
        if record.nameAttribute.count > 0, record.eventName.count > 0, isType(record.eventName) {
            return arena.cString(record.eventName, typeBytes)
        }
        return ordinaryType.withUTF8Buffer { text in
            text.baseAddress.flatMap { arena.cString(OTLPText(start: $0, count: text.count), typeBytes) }
        }
    }

    private static let typeBytes = 64
    private static let ordinaryType: StaticString = "feature.used"

    private static func isType(_ text: OTLPText) -> Bool {
        guard text.count <= typeBytes else { return false }
        for index in 0..<text.count {
            switch text.start[index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                continue
            default: return false
            }
        }
        return true
    }

    /// A body beside a name, unless it only repeats the name.
    private static func addBody(_ record: LogRecord, _ attributes: AttributeGathering) {
        if case .none = record.body { return }
        if case .string(let text) = record.body, record.nameAttribute.equals(text) { return }
        add("body", record.body, attributes)
    }

    /// INFO is what every event is.
    private static func addSeverity(_ record: LogRecord, _ attributes: AttributeGathering) {
        guard record.severity > 0, !(9...12).contains(record.severity) else { return }
        let word = Self.severity(record.severity)
        let text =
            record.severityText.count > 0
            ? record.severityText : OTLPText(start: word.utf8Start, count: word.utf8CodeUnitCount)
        add("severity", .string(text), attributes)
    }

    /// logs.proto, `SeverityNumber`
    private static func severity(_ number: Int32) -> StaticString {
        switch number {
        case ...4: "TRACE"
        case ...8: "DEBUG"
        case ...12: "INFO"
        case ...16: "WARN"
        case ...20: "ERROR"
        default: "FATAL"
        }
    }

    private static func add(_ key: StaticString, _ value: OTLPValue, _ attributes: AttributeGathering) {
        attributes.add(OTLPText(start: key.utf8Start, count: key.utf8CodeUnitCount), value)
    }
}

extension OTLPText {
    func equals(_ other: OTLPText) -> Bool { count == other.count && memcmp(start, other.start, count) == 0 }
}
