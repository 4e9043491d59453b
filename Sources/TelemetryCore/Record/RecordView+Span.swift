// SPDX-License-Identifier: Apache-2.0

// A span, for records of that kind only (`isSpan`).
extension RecordView {
    /// Nanoseconds since 1970-01-01 UTC. Of an abandoned span: when something was last said of it.
    package var spanEnd: Int64 { SpanLayout.end.load(record) }
    package var traceID: UnsafeRawBufferPointer { slice(SpanLayout.traceID, 16) }
    package var spanID: UnsafeRawBufferPointer { slice(SpanLayout.spanID, 8) }
    /// Nil: it is the root of its trace.
    package var parentID: UnsafeRawBufferPointer? {
        let id = slice(SpanLayout.parentID, 8)
        return id.loadUnaligned(as: UInt64.self) == 0 ? nil : id
    }
    /// opentelemetry-proto's SpanKind: 1 to 5.
    package var spanKind: UInt8 { SpanLayout.spanKind.load(record) }
    /// opentelemetry-proto's StatusCode: 0 unset, 1 ok, 2 error.
    package var spanStatus: UInt8 { SpanLayout.status.load(record) }
    /// Of traceparent.
    package var traceFlags: UInt8 { SpanLayout.traceFlags.load(record) }
    package var isAbandoned: Bool { RecordLayout.flags.load(record) & SpanLayout.isAbandoned != 0 }
    package var hasRemoteParent: Bool { RecordLayout.flags.load(record) & SpanLayout.hasRemoteParent != 0 }
    package var droppedAttributes: UInt32 { SpanLayout.droppedAttributes.load(record) }
    package var droppedEvents: UInt32 { SpanLayout.droppedEvents.load(record) }
    package var droppedLinks: UInt32 { SpanLayout.droppedLinks.load(record) }

    package var spanName: UnsafeRawBufferPointer {
        slice(SpanLayout.fixedSize, Int(SpanLayout.nameLength.load(record)))
    }
    package var traceState: UnsafeRawBufferPointer {
        slice(
            SpanLayout.fixedSize &+ Int(SpanLayout.nameLength.load(record)),
            Int(SpanLayout.traceStateLength.load(record)))
    }
    package var spanItems: SpanItems {
        SpanItems(isSpan ? variablePart : UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Why it failed; empty: nobody said.
    package var statusMessage: UnsafeRawBufferPointer {
        var result = UnsafeRawBufferPointer(start: nil, count: 0)
        for item in spanItems { if case .statusMessage(let text) = item { result = text } }
        return result
    }

    /// The span's own attributes. A key that was given twice counts once, the last time.
    package func forEachSpanAttribute(_ body: (AttributeView) -> Void) {
        var items = spanItems
        while let item = items.next() {
            guard case .attribute(let attribute) = item else { continue }
            if !items.hasAttribute(attribute.key) { body(attribute) }
        }
    }
}
