// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The fields of an event that the library sets (C2), for users who want to know what is collected.
enum EventFields {
    static let every: [RecordField] =
        [
            RecordField(name: "schema_version", type: "int", description: "the version of this list"),
            RecordField(name: "event_id", type: "string", description: "a random number of the event"),
            RecordField(name: "timestamp", type: "string", description: "when it happened"),
            RecordField(name: "type", type: "string", description: "what kind of event it is"),
            RecordField(
                name: "name", type: "string",
                description: "what happened; of a command, its name and those of its subcommands"),
        ] + RecordField.ofTool + [
            RecordField(
                name: "duration_ms", type: "int", description: "of a command: how long it ran, in milliseconds"),
            RecordField(name: "exit_code", type: "int", description: "of a command: its exit code"),
            RecordField(
                name: "error_category", type: "string",
                description: "of a command or an error: what kind of error it was, such as network"),
            RecordField(name: "args", type: "array of strings", description: "of a command: its arguments") {
                $0.extendedCollection
            },
            RecordField(name: "error", type: "string", description: "of a command or an error: the error message") {
                $0.extendedCollection
            },
            RecordField(
                name: RecordField.metadata, type: RecordField.object,
                description: "the attributes of the event, and those of the tool"),
            RecordField(
                name: "metadata.sample_rate", type: "double",
                description: "the share of events of its type that is recorded"
            ) {
                !$0.sampling.isEmpty
            },
        ]

    /// H16: attributes that an event in a trace has beside those that are declared. Exported logs have no column for them.
    static let ofTrace: [RecordField] = [("trace_id", "trace"), ("span_id", "span")].map { key, what in
        RecordField(
            name: RecordField.metadata + "." + key, type: "string",
            description: "a random number of the " + what + " that the event happened in, if there is one"
        ) { $0.spans() != nil }
    }

    /// C12: what is recorded beside the events that the tool declares; empty: nothing.
    static func heartbeat(_ options: Options) -> String {
        guard let rule = options.heartbeat else { return "" }
        let (type, name) = options.heartbeatEvent
        let event = "`\(name)`" + (type == name ? "" : " of type `\(type)`")
        return "\nAlso, every \(rule.seconds) s at most, an event \(event) without attributes: the tool is in use.\n"
    }

    /// By the author's decision; empty: nothing of the list above.
    static func excluded(_ options: Options) -> String {
        let names = options.excluded.names
        return names.isEmpty ? "" : "\nNever recorded, by the decision of the author: " + joined(names, ", ") + ".\n"
    }
}

extension AttributeValue {
    /// As YAML and JSON write it; a string without quotes.
    var shown: String {
        switch self {
        case .string(let text): text
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): flag ? "true" : "false"
        }
    }
}

extension AttributeDeclaration {
    /// Its rules, one clause each.
    var rules: [String] {
        var rules: [String] = []
        if !choices.isEmpty { rules.append("one of " + joined(choices.map { $0.shown }, ", ")) }
        if let low { rules.append("at least " + low.shown) }
        if let high { rules.append("at most " + high.shown) }
        if let maxLength { rules.append("at most \(maxLength) bytes") }
        if let pattern { rules.append("matches " + pattern) }
        return rules
    }
}
