// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A field of an event or of a span, for users who want to know what is collected.
struct RecordField {
    let name: String
    let type: String
    let description: String
    /// Nil: in what every tool records.
    var isPossible: ((Options) -> Bool)?

    static let object = "object"
    static let metadata = "metadata"

    /// Fields of a tool that all its events and spans have, as they are sent.
    static let ofTool: [RecordField] = [
        RecordField(
            name: "machine_id", type: "string", description: "a pseudonym of this user of the tool on this machine"),
        RecordField(name: "tool_name", type: "string", description: "the tool"),
        RecordField(name: "version", type: "string", description: "its version"),
        RecordField(name: "os", type: "string", description: "the operating system's name"),
        RecordField(name: "arch", type: "string", description: "the processor's architecture"),
        RecordField(name: "os_version", type: "string", description: "the operating system's version"),
        RecordField(name: "runtime", type: "string", description: "the version of the telemetry library"),
    ]

    /// Those of a signal, in the order in which they are sent; the parts of an object come behind it.
    static func every(_ signal: RecordedSignal) -> [RecordField] {
        signal == .spans ? SpanFields.every : EventFields.every
    }

    /// Those that a record of these options can have.
    static func all(_ options: Options) -> [RecordField] {
        let excluded = options.excluded.names
        return (every(options.signal) + (options.signal == .events ? EventFields.ofTrace : [])).filter {
            !excluded.contains($0.name) && $0.isPossible?(options) ?? true
        }
    }
}
