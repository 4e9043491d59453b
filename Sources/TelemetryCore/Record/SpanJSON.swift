// SPDX-License-Identifier: Apache-2.0

// A span as a JSON object: docs/reading-events.md, "Spans". The names are OpenTelemetry's, spelt as the members of an
// event. Only what was said is there, except that an empty name is written.
extension EventJSON {
    /// `withContext`: as for an event.
    mutating func writeSpan(_ span: RecordView, withContext: Bool) {
        json.beginObject()
        writeSpanIdentity(span)
        writeSpanOutcome(span)
        writeAttributes("attributes") { span.forEachSpanAttribute($0) }
        writeSpanEvents(span)
        writeSpanLinks(span)
        writeCount("dropped_attributes_count", span.droppedAttributes)
        writeCount("dropped_events_count", span.droppedEvents)
        writeCount("dropped_links_count", span.droppedLinks)
        if withContext { writeShared(span) }
        writeAttributes("metadata") { span.forEachMergedAttribute($0) }
        json.endObject()
    }

    private mutating func writeSpanIdentity(_ span: RecordView) {
        json.member("schema_version", Int64(span.schemaVersion))
        writeID("event_id", span)
        writeTime("timestamp", span.timestamp)
        json.member("type", "span")
        json.member("name", span.spanName)
        writeHexadecimal("trace_id", span.traceID)
        writeHexadecimal("span_id", span.spanID)
        if let parent = span.parentID { writeHexadecimal("parent_span_id", parent) }
        writeText("trace_state", span.traceState)
        json.member("flags", Int64(SpanFlags.value(span)))
        json.key("kind")
        writeWord(SpanKind.word(span.spanKind))
    }

    private mutating func writeSpanOutcome(_ span: RecordView) {
        let (duration, isTooLong) = span.spanEnd.subtractingReportingOverflow(span.timestamp)
        // The clock may have been set back.
        json.member("duration_ns", isTooLong ? (span.spanEnd < 0 ? 0 : .max) : max(0, duration))
        json.key("status")
        writeWord(SpanStatus.word(span.spanStatus))
        if span.spanStatus == SpanStatus.error { writeText("status_message", span.statusMessage) }
        if span.isAbandoned { json.member("abandoned", true) }
    }

    private mutating func writeSpanEvents(_ span: RecordView) {
        var isEmpty = true
        for item in span.spanItems {
            guard case .event(let event) = item else { continue }
            if isEmpty { json.beginList("events") }
            isEmpty = false
            json.element()
            json.beginObject()
            writeTime("timestamp", event.time)
            json.member("name", event.name)
            writeAttributes("attributes") { event.forEachAttribute($0) }
            writeCount("dropped_attributes_count", event.dropped)
            json.endObject()
        }
        if !isEmpty { json.endArray() }
    }

    private mutating func writeSpanLinks(_ span: RecordView) {
        var isEmpty = true
        for item in span.spanItems {
            guard case .link(let link) = item else { continue }
            if isEmpty { json.beginList("links") }
            isEmpty = false
            json.element()
            json.beginObject()
            writeHexadecimal("trace_id", link.traceID)
            writeHexadecimal("span_id", link.spanID)
            writeText("trace_state", link.traceState)
            json.member("flags", Int64(link.traceFlags))
            writeAttributes("attributes") { link.forEachAttribute($0) }
            writeCount("dropped_attributes_count", link.dropped)
            json.endObject()
        }
        if !isEmpty { json.endArray() }
    }

    /// An object, unless it would be empty.
    private mutating func writeAttributes(_ name: StaticString, _ forEach: ((AttributeView) -> Void) -> Void) {
        var isEmpty = true
        forEach { attribute in
            if isEmpty { json.beginObject(name) }
            isEmpty = false
            writeAttribute(attribute)
        }
        if !isEmpty { json.endObject() }
    }

    private mutating func writeCount(_ name: StaticString, _ count: UInt32) {
        if count > 0 { json.member(name, Int64(count)) }
    }

    private mutating func writeHexadecimal(_ name: StaticString, _ id: UnsafeRawBufferPointer) {
        json.key(name)
        json.hexadecimal(id)
    }

    private mutating func writeWord(_ word: StaticString) {
        json.string(word.rawBytes)
    }
}
