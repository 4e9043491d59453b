// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A trace's context in the environment of a child: TRACEPARENT, TRACESTATE and BAGGAGE (H10; OpenTelemetry
/// specification, "Environment Variables as Context Propagation Carriers", release candidate).
///
/// They are put into a copy of the environment, for a child. This process's own environment is read once and never
/// changed.
package enum EnvironmentCarrier {
    /// The variable for a header field's name: ASCII letters in upper case, digits, and `_` for anything else; `_` comes
    /// before a digit at the start, and is the name of an empty one.
    package static func variable(_ name: String) -> String {
        var result: [UInt8] = []
        for scalar in name.unicodeScalars {
            switch scalar {
            case "0"..."9":
                if result.isEmpty { result.append(UInt8(ascii: "_")) }
                result.append(UInt8(truncatingIfNeeded: scalar.value))
            case "A"..."Z": result.append(UInt8(truncatingIfNeeded: scalar.value))
            case "a"..."z": result.append(UInt8(truncatingIfNeeded: scalar.value) & ~0x20)
            default: result.append(UInt8(ascii: "_"))
            }
        }
        return result.isEmpty ? "_" : String(bytes: result)
    }

    /// What this process was started with. Only the names in upper case count. A program with rights that its caller
    /// lacks finds nothing.
    package static func read(_ lookup: (String) -> String? = { Environment.value($0) }) -> PropagatedContext {
        var fields: [(name: String, value: String)] = []
        for name in PropagatedContext.Field.all {
            if let value = lookup(variable(name)) { fields.append((name, value)) }
        }
        return PropagatedContext(fields: fields)
    }

    /// The span that this process was started in.
    package static func span(_ lookup: (String) -> String? = { Environment.value($0) }) -> TraceContext? {
        lookup(variable(PropagatedContext.Field.parent)).flatMap { TraceContext(text: $0) }
    }

    /// `NAME=value` for a child, up to three. Those that are missing must not be in the child's environment either:
    /// `isCarried` says which entries of its copy to leave out.
    package static func entries(_ context: PropagatedContext) -> [String] {
        context.fields.map { variable($0.name) + "=" + $0.value }
    }

    /// An entry of an environment, `NAME=value`, is one of the three.
    package static func isCarried(_ entry: UnsafePointer<CChar>) -> Bool {
        PropagatedContext.Field.all.contains { name in
            var start = variable(name) + "="
            return start.withUTF8 { start in
                start.baseAddress.map {
                    strncmp(entry, UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self), start.count) == 0
                } ?? false
            }
        }
    }
}
