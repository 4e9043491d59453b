// SPDX-License-Identifier: Apache-2.0
import CSystem

/// An event that happens while a span is active carries the span's ids: `trace_id` and `span_id`, in lower-case
/// hexadecimal digits.
enum TraceMark {
    static let traceKey: StaticString = "trace_id"
    static let spanKey: StaticString = "span_id"

    /// Tells the mark from an author's attributes of those names, which a declaration must list.
    static func isKey(_ key: UnsafePointer<CChar>) -> Bool { key == traceKey.cString || key == spanKey.cString }

    /// Calls `body` with the event and its mark. An event with as many attributes as there may be loses the last two.
    @inline(never)
    static func mark<T>(_ input: EventInput, _ span: UnsafePointer<csystem_span>, _ body: (EventInput) -> T) -> T {
        guard span.pointee.has_context else { return body(input) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 33 + 17) { text in
            withUnsafeTemporaryAllocation(of: telemetry_attribute.self, capacity: EventLimits.attributes) {
                attributes in
                let base = text.baseAddress.unsafelyUnwrapped
                TraceID(high: span.pointee.trace_high, low: span.pointee.trace_low).write(to: base)
                Hexadecimal.write(span.pointee.span, to: base + 33)
                (base[32], base[49]) = (0, 0)
                let given = max(0, input.attributeCount)
                let count = min(given, EventLimits.attributes - 2)
                for index in 0..<count {
                    attributes.initializeElement(at: index, to: input.attributes.unsafelyUnwrapped[index])
                }
                for (index, key, start) in [(count, traceKey, 0), (count + 1, spanKey, 33)] {
                    var mark = telemetry_attribute()
                    mark.key = key.cString
                    mark.type = TELEMETRY_STRING
                    mark.value.string = UnsafeRawPointer(base + start).assumingMemoryBound(to: CChar.self)
                    attributes.initializeElement(at: index, to: mark)
                }
                var marked = input
                marked.attributes = UnsafePointer(attributes.baseAddress)
                marked.attributeCount = count + 2
                if count < given { marked.flags |= EventInput.isAdjusted }
                return body(marked)
            }
        }
    }
}
