// SPDX-License-Identifier: Apache-2.0

/// How a span went, for receivers that know no abandoned spans. Where nobody said anything, such a span has failed: in a
/// view of traces, only failures are seen at a glance. What was said stays.
struct SentStatus {
    /// One of `SpanStatus`.
    let code: UInt8
    /// Only of an error; empty: nobody said why.
    let message: UnsafeRawBufferPointer

    init(_ span: RecordView) {
        let said = SpanStatus.known(span.spanStatus)
        if said == SpanStatus.unset && span.isAbandoned {
            code = SpanStatus.error
            message = Self.abandoned.rawBytes
        } else {
            code = said
            message = said == SpanStatus.error ? span.statusMessage : UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// The attribute of such a span that says so, whatever its status is.
    static var abandonedKey: StaticString { "telemetry.abandoned" }

    private static var abandoned: StaticString { "abandoned: the span was never ended" }
}

extension RecordView {
    /// Receivers refuse a span without ids, and all others of its request.
    var isSpanWithIDs: Bool {
        isSpan && traceID.contains { $0 != 0 } && spanID.contains { $0 != 0 }
    }

    /// The span's own attributes, as they are sent.
    func forEachSentAttribute(_ body: (AttributeView) -> Void) {
        forEachSpanAttribute { attribute in
            if !isAbandoned || !attribute.key.equals(SentStatus.abandonedKey) { body(attribute) }
        }
    }
}

extension RecordView {
    /// The value of the span's own attribute; nil: it has none of that name.
    func attribute(_ name: StaticString) -> AttributeView.Value? {
        var found: AttributeView.Value?
        for item in spanItems {
            if case .attribute(let attribute) = item, attribute.key.equals(name) { found = attribute.value }
        }
        return found
    }

}

extension UnsafeRawBufferPointer {
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return elementsEqual(text.rawBytes)
    }
}
