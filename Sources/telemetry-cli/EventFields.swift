import CSystem
import TelemetryCore

/// The fields of an event that the library sets (C2), for who wants to know what is collected.
enum EventFields {
    typealias Field = (name: String, type: String, description: String)

    /// Those that an event of these options can have, in the order in which they are sent.
    static func all(_ options: Options) -> [Field] {
        var fields: [Field] = [
            ("schema_version", "int", "the version of this list"),
            ("event_id", "string", "a random number of the event"),
            ("timestamp", "string", "when it happened"),
            ("type", "string", "what kind of event it is"),
            ("name", "string", "what happened; of a command, its name and those of its subcommands"),
            ("machine_id", "string", "a pseudonym of this user of the tool on this machine"),
            ("tool_name", "string", "the tool"),
            ("version", "string", "its version"),
            ("os", "string", "the operating system's name"),
            ("arch", "string", "the processor's architecture"),
            ("os_version", "string", "the operating system's version"),
            ("runtime", "string", "the version of the telemetry library"),
            ("duration_ms", "int", "how long a command ran, in milliseconds"),
            ("exit_code", "int", "a command's exit code"),
            ("error_category", "string", "what kind of error a command met, such as network"),
        ]
        if options.extendedCollection {
            fields.append(("args", "array of strings", "a command's arguments"))
            fields.append(("error", "string", "a command's error message"))
        }
        fields.append(("metadata", "object", "the attributes of the event, and those of the tool"))
        if !options.sampling.isEmpty {
            fields.append(("metadata.sample_rate", "double", "the share of events of its type that is recorded"))
        }
        return fields
    }

    /// C12: what is recorded beside the events that the tool declares; empty: nothing.
    static func heartbeat(_ options: Options) -> String {
        guard let rule = options.heartbeat else { return "" }
        return "\nAlso, every \(rule.seconds) s at most, an event `heartbeat` without attributes: the tool is in use.\n"
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

func joined(_ parts: [String], _ separator: String) -> String {
    var text = ""
    for (index, part) in parts.enumerated() { text += (index == 0 ? "" : separator) + part }
    return text
}
