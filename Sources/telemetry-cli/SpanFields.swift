// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The fields of a span (H12); docs/reading-events.md, "Spans".
enum SpanFields {
    static let attributes = "attributes"

    static let every: [RecordField] =
        [
            RecordField(name: "schema_version", type: "int", description: "the version of this list"),
            RecordField(name: "event_id", type: "string", description: "a random number of the record"),
            RecordField(name: "timestamp", type: "string", description: "when it began"),
            RecordField(name: "type", type: "string", description: "the word span"),
            RecordField(name: "name", type: "string", description: "what was done"),
            RecordField(
                name: "trace_id", type: "string", description: "a random number of all spans that belong together"),
            RecordField(name: "span_id", type: "string", description: "a random number of the span"),
            RecordField(
                name: "parent_span_id", type: "string",
                description: "of the span that it was a part of, if there is one"),
            RecordField(
                name: "trace_state", type: "string", description: "what the tool's caller has handed on with the trace"),
            RecordField(name: "flags", type: "int", description: "whether the trace is recorded, and who began it"),
            RecordField(
                name: "kind", type: "string", description: "internal, server, client, producer or consumer"),
            RecordField(name: "duration_ns", type: "int", description: "how long it took, in nanoseconds"),
            RecordField(name: "status", type: "string", description: "how it went: unset, ok or error"),
            RecordField(name: "status_message", type: "string", description: "of an error: why"),
            RecordField(name: "abandoned", type: "bool", description: "nobody ended it, and its end is not known"),
            RecordField(name: attributes, type: RecordField.object, description: "the attributes of the span"),
            RecordField(
                name: "events", type: "array of objects",
                description: "what happened meanwhile: times, names and attributes"),
            RecordField(
                name: "links", type: "array of objects", description: "other spans that it has to do with: their ids"),
            RecordField(
                name: "dropped_attributes_count", type: "int", description: "attributes beyond the limit of a span"),
            RecordField(name: "dropped_events_count", type: "int", description: "events beyond it"),
            RecordField(name: "dropped_links_count", type: "int", description: "links beyond it"),
        ] + RecordField.ofTool + [
            RecordField(name: RecordField.metadata, type: RecordField.object, description: "the attributes of the tool")
        ]

    /// The attributes that the library sets, whatever the manifest declares; those that can be.
    static func ofLibrary(_ options: Options) -> [RecordField] {
        let kept = LibraryAttribute.allCases.filter { !$0.isLeftOut(options.excluded) }
        return kept.map(field).filter { $0.isPossible?(options) ?? true }
    }

    private static func field(_ attribute: LibraryAttribute) -> RecordField {
        let (type, description): (String, String) =
            switch attribute {
            case .executableName: ("string", "of a program that was run: the name of its file")
            case .pid: ("int", "of a program that was run: the number of its process")
            case .exitCode: ("int", "of a program or a command: its exit code")
            case .errorType:
                ("string", "of a program or a command that failed: the kind of error, or the signal that ended it")
            case .commandArguments: ("string", "of a program that was run: its arguments, redacted")
            case .exceptionType: ("string", "in an event named exception: what kind of error it was")
            case .exceptionMessage: ("string", "in an event named exception: the error message, redacted")
            }
        var field = RecordField(name: attribute.name, type: type, description: description)
        if attribute == .commandArguments || attribute == .exceptionMessage {
            field.isPossible = { $0.extendedCollection }
        }
        return field
    }
}
