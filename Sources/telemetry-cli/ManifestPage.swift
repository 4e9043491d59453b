// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `manifest docs`: a page in Markdown of everything that may be collected, for the tool's users.
enum ManifestPage {
    static func text(_ options: Options) -> String {
        let tool = escaped(options.toolName)
        var text = "# What " + tool + " collects\n\n" + consent(options) + "\n\n"
        text += notice(options) + "\n"
        text +=
            options.isInMemory
            ? "Nothing is kept on your machine: what is collected is in the program's memory until it is sent. To see whether anything is\n"
            : "To see what waits to be sent: `telemetry show --tool " + options.toolName
                + "`. To see whether anything is\n"
        text += "collected, and who decided it: `telemetry status --tool " + options.toolName + "`. To stop"
        // Against the author's decision, only these refuse.
        if !options.force {
            text += ", and erase what\nwaits: `telemetry disable --tool " + options.toolName + "`, or"
        } else {
            text += ":\n"
        }
        text += " set `DO_NOT_TRACK=1` or `"
        text += ToolName.environmentPrefix(options.toolName) + "_NO_TELEMETRY=1`. To have erased what was sent:\n"
        text += "`telemetry request-deletion --tool " + options.toolName + "`.\n\n"
        text +=
            "## In every event\n\n"
            + table(
                ["field", "type", "what"],
                fields(RecordField.all(options))) + EventFields.excluded(options)
        if !options.metadata.isEmpty {
            text += "\nAlso, the same every time:\n\n"
            text += table(["name", "value"], options.metadata.map { [escaped($0.key), escaped($0.value.shown)] })
        }
        return text + "\n## Events\n\n" + events(options) + metrics(options) + spans(options)
    }

    private static func fields(_ fields: [RecordField]) -> [[String]] {
        fields.map { ["`" + $0.name + "`", $0.type, $0.description] }
    }

    /// Only where somebody may get them.
    private static func spans(_ options: Options) -> String {
        guard options.declaredSpans != nil || options.takesSpans else { return "" }
        var text = "\n## Spans\n\nA span says how long something took, and what it was a part of."
        if options.takesSpans { text += " Spans are sent to " + escaped(shown(options.ofSpans.destinations)) + "." }
        text += " `telemetry show\n--signal spans --tool " + options.toolName + "` shows those that wait.\n\n"
        text += table(["field", "type", "what"], fields(RecordField.all(options.ofSpans))) + "\n"
        text += "The library sets these attributes of spans, as far as they apply.\n\n"
        text += table(["attribute", "type", "what"], fields(SpanFields.ofLibrary(options))) + "\n"
        guard let registry = options.declaredSpans else {
            return text + "The tool has no list of spans: any span, with any attributes, may be recorded.\n"
        }
        text +=
            registry.declarations.isEmpty
            ? "None.\n" : "These spans, with these attributes, those that the library sets, and no others.\n"
        for span in registry.declarations {
            text += "\n### " + escaped(span.name) + "\n\n" + escaped(span.description) + "\n"
            if let expires = span.expires { text += "Collected until " + expires.text + ".\n" }
            text += attributes(span.attributes)
        }
        return text
    }

    /// Only where the author has declared some: without, a page of a tool that has none would speak of them.
    private static func metrics(_ options: Options) -> String {
        guard options.areMetricsDeclared, !options.metrics.isEmpty else { return "" }
        var text = "\n## Metrics\n\nThese numbers are kept on your machine"
        let receivers = options.metricDestinations.compactMap { $0.forMetrics }
        if !receivers.isEmpty { text += " and sent to " + escaped(shown(receivers)) }
        text += ". `telemetry metrics --tool "
        text += options.toolName + "` prints them.\n"
        for metric in options.metrics {
            text += "\n### " + escaped(metric.name) + "\n\n" + escaped(metric.description) + "\n\nType: `"
            text += metric.type.name + "`."
            if !metric.unit.utf8.isEmpty { text += " Unit: `" + metric.unit + "`." }
            text += "\n" + attributes(metric.attributes ?? [])
        }
        return text
    }

    private static func attributes(_ attributes: [AttributeDeclaration]) -> String {
        if attributes.isEmpty { return "" }
        return "\n"
            + table(
                ["attribute", "type", "what", "values"],
                attributes.map { attribute in
                    let unit = attribute.unit.map { " (" + $0 + ")" } ?? ""
                    return [
                        escaped(attribute.key), escaped(attribute.kind.name + unit), escaped(attribute.description),
                        escaped(joined(attribute.rules, "; ")),
                    ]
                })
    }

    /// What the notice says (A13), as a list.
    private static func notice(_ options: Options) -> String {
        let given: (Notice.Member) -> String = { options.notice?[$0] ?? "" }
        let recipient = given(.recipient)
        let rows = [
            ("Who collects", given(.collector)), ("What", given(.data)), ("Why", given(.purpose)),
            ("Where it goes", recipient.utf8.isEmpty ? destination(options) : recipient),
            ("How long it is kept", given(.retention)),
            ("Whom to ask", given(.contact)), ("Privacy policy", given(.policyURL)),
        ]
        var text = ""
        for (name, value) in rows where !value.utf8.isEmpty { text += "- " + name + ": " + escaped(value) + "\n" }
        return text
    }

    private static func consent(_ options: Options) -> String {
        if !options.authorGate { return "Nothing: telemetry is switched off in this version." }
        if options.force {
            return "Usage data is collected by the author's decision, whatever you have answered."
        }
        return options.consent == TELEMETRY_OPT_OUT
            ? "Usage data is collected unless you refuse, and not before you have been told."
            : "Nothing is collected unless you agree."
    }

    /// Without headers, which may hold a secret.
    private static func destination(_ options: Options) -> String {
        if options.isDefault && options.metricDestinations.isEmpty {
            return "a file on your machine, unless the tool itself has chosen a receiver"
        }
        return shown(options.allDestinations)
    }

    /// As people read it, without headers.
    static func shown(_ destinations: [Destination]) -> String {
        joined(
            destinations.map { destination in
                switch destination.shownChoice {
                case .noop: "nowhere"
                case .stdout(.descriptor, _): "the terminal"
                case .stdout: "a file on your machine"
                case .file: "a file on your machine"
                case .network(let choice): choice.address
                case .custom: "a place of the tool's own"
                }
            }, ", ")
    }

    private static func events(_ options: Options) -> String {
        guard let registry = options.events else {
            return "The tool has no list of events: any event, with any attributes, may be recorded.\n"
        }
        if registry.declarations.isEmpty { return "None.\n" + EventFields.heartbeat(options) }
        var text = "These events, with these attributes and no others.\n"
        text += EventFields.heartbeat(options)
        for event in registry.declarations { text += section(event) }
        return text
    }

    private static func section(_ event: EventDeclaration) -> String {
        var text = "\n### " + escaped(event.name) + "\n\n" + escaped(event.description) + "\n\nType: "
        text += joined(event.types.map { "`" + $0 + "`" }, ", ") + "."
        if let expires = event.expires { text += " Collected until " + expires.text + "." }
        return text + "\n" + attributes(event.attributes)
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        var text = "| " + joined(head, " | ") + " |\n|" + joined(head.map { _ in "---" }, "|") + "|\n"
        for row in rows { text += "| " + joined(row, " | ") + " |\n" }
        return text
    }

    /// CommonMark 0.31, 2.4: any ASCII punctuation may be escaped; these could mean something, in a
    /// table or anywhere. A line break is a space.
    private static func escaped(_ text: String) -> String {
        let special = Array("\\`*_{}[]<>()#+!|~&".utf8)
        var bytes: [UInt8] = []
        // At the start, these marks would begin a list or underline a heading.
        var isStart = true
        for byte in text.utf8 {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            let isMark = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "=") || byte == UInt8(ascii: ".")
            if special.contains(byte) || isStart && isMark { bytes.append(UInt8(ascii: "\\")) }
            if !isDigit { isStart = false }
            bytes.append(byte == UInt8(ascii: "\n") ? UInt8(ascii: " ") : byte)
        }
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
