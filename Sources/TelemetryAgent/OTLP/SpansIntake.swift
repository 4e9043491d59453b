// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Records spans as those of their tools.
final class SpansIntake: SpansTaker {
    private let tools: ToolCollectors
    private let tally: IntakeTally
    private var tool: OpenTool?
    private var spans: SpanIntake?
    /// It has an event of that name: the status then has the error's own text.
    private var hasException = false
    private var beginning = TELEMETRY_OK

    init(_ tools: ToolCollectors, _ tally: IntakeTally) {
        self.tools = tools
        self.tally = tally
    }

    func begin(_ resource: OTLPResource) -> Bool {
        tool = tally.open(
            tools, resource, takes: { $0.spans != nil }, isSafe: { $0.keeps(.traces) })
        spans = tool?.spans
        return tool != nil
    }

    func countRefused() { tally.countRefused() }

    func begin(_ span: SpanHead, _ attributes: AttributeGathering) -> Bool {
        guard !tally.isForLater, let tool, let spans else { return false }
        attributes.keepsErrors = tool.collector.options.collectsErrors
        hasException = false
        guard let trace = span.traceID, let id = span.spanID,
            let context = TraceContext(
                traceID: TraceID(high: trace.high, low: trace.low), spanID: id.low,
                flags: UInt8(truncatingIfNeeded: span.flags) | TraceContext.sampledFlag, isRemote: false)
        else {
            tally.refuse(.invalidID)
            return false
        }
        guard let name = attributes.arena.cString(span.name, Self.nameBytes) else {
            tally.refuse(.noRoom)
            return false
        }
        var received = ReceivedSpan(context, name: name)
        received.parent = span.parentID?.low ?? 0
        // Known, and remote: trace.proto, `SpanFlags`.
        received.isParentRemote = span.flags & 0x300 == 0x300
        received.kind = span.kind < 0 ? .max : UInt32(span.kind)
        received.traceState = UnsafeRawBufferPointer(start: span.traceState.start, count: span.traceState.count)
        (received.start, received.end) = (span.start, span.end)
        received.audiences = tool.audiences(at: span.start != 0 ? span.start : span.end)
        if received.audiences.isEmpty {
            tally.refuse(.beforeConsent)
            return false
        }
        beginning = spans.begin(received)
        if spans.isOpen { return true }
        tally.add(beginning)
        return false
    }

    private static let nameBytes = 256
    private static let messageBytes = 2048

    func take(_ attributes: AttributeGathering) {
        spans?.set(attributes.first, attributes.count)
        spans?.addDropped(attributes: attributes.dropped, events: 0, links: 0)
    }

    func take(_ event: SpanEventHead, _ attributes: AttributeGathering) {
        if event.name.equals("exception") { hasException = true }
        guard let name = attributes.arena.cString(event.name, Self.nameBytes), name.pointee != 0 else {
            spans?.addDropped(attributes: 0, events: 1, links: 0)
            return
        }
        spans?.addEvent(
            name, time: event.time, attributes.first, attributes.count,
            dropped: UInt32(clamping: event.dropped &+ UInt64(attributes.dropped)))
    }

    func take(_ link: SpanLinkHead, _ attributes: AttributeGathering) {
        guard let trace = link.traceID, let id = link.spanID,
            let context = TraceContext(
                traceID: TraceID(high: trace.high, low: trace.low), spanID: id.low,
                flags: UInt8(truncatingIfNeeded: link.flags), isRemote: true)
        else {
            spans?.addDropped(attributes: 0, events: 0, links: 1)
            return
        }
        spans?.addLink(
            context, UnsafeRawBufferPointer(start: link.traceState.start, count: link.traceState.count),
            attributes.first, attributes.count, dropped: UInt32(clamping: link.dropped &+ UInt64(attributes.dropped)))
    }

    func end(_ span: SpanHead, _ arena: TextArena) {
        guard let spans, let tool else { return }
        if (1...2).contains(span.status) {
            let keepsMessage = !hasException || tool.collector.options.collectsErrors
            let message = keepsMessage ? arena.cString(span.statusMessage, Self.messageBytes) : nil
            spans.set(status: UInt8(truncatingIfNeeded: span.status), message)
        }
        spans.addDropped(
            attributes: UInt32(clamping: span.droppedAttributes), events: UInt32(clamping: span.droppedEvents),
            links: UInt32(clamping: span.droppedLinks))
        tally.add(spans.finish())
    }
}
