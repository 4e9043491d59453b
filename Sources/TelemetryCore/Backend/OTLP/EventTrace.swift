// SPDX-License-Identifier: Apache-2.0

/// The span that an event is in (docs/tracing.md, "Events in a trace"). A log record has two fields for its ids: by
/// them receivers lead from a trace to its logs.
struct EventTrace {
    let traceID: TraceID
    let spanID: UInt64

    /// Nil: it is in none, or attributes of these names say something else.
    init?(_ event: RecordView) {
        if event.attributeCount < 2 { return nil }
        var (trace, span): (TraceID?, UInt64?) = (nil, nil)
        event.forEachAttribute { attribute in
            guard let key = Self.key(attribute.key) else { return }
            guard case .string(let text) = attribute.value else { return }
            if key == .trace { trace = Self.traceID(text) } else { span = Self.word(text, 0, of: 16) }
        }
        guard let trace, let span, !trace.isZero, span != 0 else { return nil }
        (traceID, spanID) = (trace, span)
    }

    /// An attribute that says what the fields say.
    static func isKey(_ key: UnsafeRawBufferPointer) -> Bool { self.key(key) != nil }

    private enum Key { case trace, span }

    private static func key(_ key: UnsafeRawBufferPointer) -> Key? {
        if key.elementsEqual(TraceMark.traceKey.rawBytes) { return .trace }
        return key.elementsEqual(TraceMark.spanKey.rawBytes) ? .span : nil
    }

    private static func traceID(_ text: UnsafeRawBufferPointer) -> TraceID? {
        guard let high = word(text, 0, of: 32), let low = word(text, 16, of: 32) else { return nil }
        return TraceID(high: high, low: low)
    }

    /// Sixteen digits of a text that has `size` bytes.
    private static func word(_ text: UnsafeRawBufferPointer, _ start: Int, of size: Int) -> UInt64? {
        guard text.count == size, let base = text.baseAddress else { return nil }
        return Hexadecimal.word((base + start).assumingMemoryBound(to: UInt8.self), count: 16)
    }
}
