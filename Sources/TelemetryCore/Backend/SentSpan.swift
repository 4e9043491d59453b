// SPDX-License-Identifier: Apache-2.0

/// How a span went, for receivers that know no abandoned spans. Where nobody said anything, such a span has failed: in a
/// view of traces, only failures are seen at a glance. What was said stays.
struct SpanStatus {
    static let unset: UInt8 = 0
    static let ok: UInt8 = 1
    static let error: UInt8 = 2

    /// opentelemetry-proto's StatusCode: 0 unset, 1 ok, 2 error.
    let code: UInt8
    /// Only of an error; empty: nobody said why.
    let message: UnsafeRawBufferPointer

    init(_ span: RecordView) {
        let said = span.spanStatus <= Self.error ? span.spanStatus : Self.unset
        if said == Self.unset && span.isAbandoned {
            code = Self.error
            message = Self.abandoned
        } else {
            code = said
            message = said == Self.error ? span.statusMessage : UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// The attribute of such a span that says so, whatever its status is.
    static var abandonedKey: StaticString { "telemetry.abandoned" }

    private static var abandoned: UnsafeRawBufferPointer {
        let text: StaticString = "abandoned: the span was never ended"
        return UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

extension RecordView {
    /// Receivers refuse a span without ids, and all others of its request.
    var isSpanWithIDs: Bool {
        isSpan && traceID.contains { $0 != 0 } && spanID.contains { $0 != 0 }
    }

    /// The span's own attributes, as they are sent.
    func forEachSentAttribute(_ body: (AttributeView) -> Void) {
        forEachSpanAttribute { attribute in
            if !isAbandoned || !attribute.key.equals(SpanStatus.abandonedKey) { body(attribute) }
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

    func hasAttribute(_ key: UnsafeRawBufferPointer) -> Bool {
        for item in spanItems {
            if case .attribute(let attribute) = item, attribute.key.count == key.count, attribute.key.elementsEqual(key)
            {
                return true
            }
        }
        return false
    }
}

extension UnsafeRawBufferPointer {
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: count))
    }
}
