// SPDX-License-Identifier: Apache-2.0

/// What one process tells another about a trace: `traceparent`, `tracestate` and `baggage`, as header fields or as
/// variables of the environment (H10).
package struct PropagatedContext {
    /// Nil: there is no trace to go on with.
    package var context: TraceContext?
    /// A `tracestate` of up to `TraceState.limit` bytes; empty without `context`.
    package private(set) var state: [UInt8] = []
    package var baggage = Baggage()

    package init() {}

    /// `state`: as `TraceState` has written it.
    package init(_ context: TraceContext, state: [UInt8], baggage: Baggage) {
        (self.context, self.state, self.baggage) = (context, state, baggage)
    }

    /// What these fields say, in the order in which they came. Other names are passed over, and case does not matter in
    /// names. Of several `traceparent` none counts (the suite of W3C, "traceparent_duplicated"). Several `tracestate`
    /// are one list, and so are several `baggage`.
    package init(fields: [(name: String, value: String)]) {
        var parents = 0
        var states: [String] = []
        for (name, value) in fields {
            switch String(bytes: Array(name.utf8).map { Authority.lowercase($0) }) {
            case Field.parent:
                parents += 1
                context = parents > 1 ? nil : TraceContext(text: value)
            case Field.state: states.append(value)
            case Field.baggage:
                var value = value
                value.withUTF8 { baggage.add(UnsafeRawBufferPointer($0)) }
            default: break
            }
        }
        if context != nil { state = Self.state(of: states) }
    }

    /// The fields that are sent, names in lower case; none for what there is not.
    package var fields: [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        if let context {
            result.append((Field.parent, context.text))
            if !state.isEmpty { result.append((Field.state, String(bytes: state))) }
        }
        if !baggage.isEmpty { result.append((Field.baggage, String(bytes: baggage.text))) }
        return result
    }

    enum Field {
        static let parent = "traceparent"
        static let state = "tracestate"
        static let baggage = "baggage"
        static var all: [String] { [parent, state, baggage] }
    }

    /// One field with the others' members behind its own: RFC 9110, section 5.3.
    private static func state(of fields: [String]) -> [UInt8] {
        var joined: [UInt8] = []
        for field in fields {
            joined.append(contentsOf: field.utf8)
            joined.append(UInt8(ascii: ","))
        }
        return joined.withUnsafeBytes { joined in
            var state = TraceState()
            state.add(joined)
            return [UInt8](unsafeUninitializedCapacity: TraceState.limit) { target, count in
                count = target.baseAddress.map { state.write(to: $0) } ?? 0
            }
        }
    }
}
