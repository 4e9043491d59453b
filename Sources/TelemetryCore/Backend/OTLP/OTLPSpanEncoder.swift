// SPDX-License-Identifier: Apache-2.0

/// Writes an ExportTraceServiceRequest, as protobuf or in protobuf's JSON: opentelemetry/proto/trace/v1/trace.proto.
/// Each run of spans with the same context becomes one `ResourceSpans`. Fields are written in the order of their
/// numbers, and fields that have their default value are not written.
struct OTLPSpanEncoder: OTLPRequestEncoder, ~Copyable {
    static var signal: OTLPSignal { .traces }

    private var message: OTLPMessage

    /// A span has no other form.
    init(isJSON: Bool, _ service: OTLPService?, form: EventForm = EventForm()) {
        message = OTLPMessage(isJSON: isJSON, service)
    }

    var bytes: UnsafeRawBufferPointer? { message.bytes }

    /// No span is added to a request of this size. JSON is at most ten times as long as a record, so that with one more
    /// span the request is still below 4 MiB.
    private static let fullBytes = 3 << 20

    /// Returns how many of the records it contains: it ends before one that is not a span, or has no ids.
    mutating func write(_ spans: UnsafeBufferPointer<RecordView>) -> Int {
        message.begin()
        message.beginList("resourceSpans")
        var index = 0
        while canTake(spans, index) { index = writeResourceSpans(spans, from: index) }
        message.endList()
        message.end()
        return index
    }

    private func canTake(_ spans: UnsafeBufferPointer<RecordView>, _ index: Int) -> Bool {
        index < spans.count && message.count < Self.fullBytes && spans[index].isSpanWithIDs
    }

    /// Returns the index of the first span with another context.
    private mutating func writeResourceSpans(_ spans: UnsafeBufferPointer<RecordView>, from start: Int) -> Int {
        let resourceSpans = message.begin(0x0A, "")
        message.resource(spans[start].context)
        message.beginList("scopeSpans")
        let scopeSpans = message.begin(0x12, "")
        message.scope()
        message.beginList("spans")
        var index = start
        while canTake(spans, index), spans[index].sharesContext(with: spans[start]) {
            write(spans[index])
            index &+= 1
        }
        message.endList()
        message.end(scopeSpans)
        message.endList()
        message.end(resourceSpans)
        return index
    }

    private mutating func write(_ span: RecordView) {
        let record = message.begin(0x12, "")
        message.id(0x0A, "traceId", span.traceID)
        message.id(0x12, "spanId", span.spanID)
        writeText(0x1A, "traceState", span.traceState)
        if let parent = span.parentID { message.id(0x22, "parentSpanId", parent) }
        writeText(0x2A, "name", span.spanName)
        message.number(0x30, "kind", SpanKind.known(span.spanKind))
        let start = max(0, span.timestamp)
        writeTime(0x39, "startTimeUnixNano", start)
        // "end_time is expected to be later than start_time": the clock may have been set back.
        writeTime(0x41, "endTimeUnixNano", max(start, span.spanEnd))
        writeAttributes(0x4A, span)
        message.count(0x50, "droppedAttributesCount", span.droppedAttributes)
        writeEvents(span)
        message.count(0x60, "droppedEventsCount", span.droppedEvents)
        writeLinks(span)
        message.count(0x70, "droppedLinksCount", span.droppedLinks)
        writeStatus(span)
        message.fixed32(0x85, "flags", SpanFlags.value(span))
        message.end(record)
    }

    private mutating func writeText(_ tag: UInt8, _ name: StaticString, _ text: UnsafeRawBufferPointer) {
        if !text.isEmpty { message.text(tag, name, text) }
    }

    private mutating func writeTime(_ tag: UInt8, _ name: StaticString, _ time: Int64) {
        if time > 0 { message.fixed64(tag, name, UInt64(time)) }
    }

    private mutating func writeAttributes(_ tag: UInt8, _ span: RecordView) {
        var isEmpty = true
        span.forEachSentAttribute { writeAttribute(tag, $0, &isEmpty) }
        if span.isAbandoned {
            if isEmpty { message.beginAttributes(tag) }
            isEmpty = false
            message.attribute(SentStatus.abandonedKey, OTLPMessage.none, .bool(true))
        }
        if !isEmpty { message.endList() }
    }

    /// The list begins with its first attribute: an empty one is not written.
    private mutating func writeAttribute(_ tag: UInt8, _ attribute: AttributeView, _ isEmpty: inout Bool) {
        if isEmpty { message.beginAttributes(tag) }
        isEmpty = false
        message.attribute("", attribute.key, attribute.value)
    }

    private mutating func writeEvents(_ span: RecordView) {
        var isEmpty = true
        for item in span.spanItems {
            guard case .event(let event) = item else { continue }
            if isEmpty { message.beginList("events") }
            isEmpty = false
            write(event)
        }
        if !isEmpty { message.endList() }
    }

    private mutating func write(_ event: SpanEvent) {
        let start = message.begin(0x5A, "")
        writeTime(0x09, "timeUnixNano", event.time)
        writeText(0x12, "name", event.name)
        var isEmpty = true
        event.forEachAttribute { writeAttribute(0x1A, $0, &isEmpty) }
        if !isEmpty { message.endList() }
        message.count(0x20, "droppedAttributesCount", event.dropped)
        message.end(start)
    }

    private mutating func writeLinks(_ span: RecordView) {
        var isEmpty = true
        for item in span.spanItems {
            guard case .link(let link) = item else { continue }
            if isEmpty { message.beginList("links") }
            isEmpty = false
            write(link)
        }
        if !isEmpty { message.endList() }
    }

    private mutating func write(_ link: SpanLink) {
        let start = message.begin(0x6A, "")
        message.id(0x0A, "traceId", link.traceID)
        message.id(0x12, "spanId", link.spanID)
        writeText(0x1A, "traceState", link.traceState)
        var isEmpty = true
        link.forEachAttribute { writeAttribute(0x22, $0, &isEmpty) }
        if !isEmpty { message.endList() }
        message.count(0x28, "droppedAttributesCount", link.dropped)
        // Nobody says whether the other span is in this process: 0x100 is not set.
        if link.traceFlags != 0 { message.fixed32(0x35, "flags", UInt32(link.traceFlags)) }
        message.end(start)
    }

    private mutating func writeStatus(_ span: RecordView) {
        let status = SentStatus(span)
        if status.code == SpanStatus.unset { return }
        let start = message.begin(0x7A, "status")
        writeText(0x12, "message", status.message)
        message.number(0x18, "code", status.code)
        message.end(start)
    }
}
