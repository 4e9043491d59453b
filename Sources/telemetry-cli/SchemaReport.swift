// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `show --schema` (C10): what may ever be collected. The shape of the JSON is documented in docs/cli.md.
struct SchemaReport {
    private let options: Options
    /// In its author's words, where there are any.
    private let notice: [(label: String, member: String, text: String)]

    init(_ options: Options) {
        self.options = options
        var notice: [(label: String, member: String, text: String)] = []
        NoticeText.eachText(options, isLocalOnly: ConsentResolver.decide(options).isLocalOnly) { label, member, text in
            notice.append((label, member.name, text))
        }
        self.notice = notice
    }

    func answer(_ invocation: Invocation) throws(Failure) -> ExitCode {
        try invocation.answer(invocation.wantsJSON ? json : text)
        return .ok
    }

    private var text: String {
        var text =
            options.notice == nil
            ? options.toolName + " has no notice of its own. In its place the user is told:\n"
            : "The notice of " + options.toolName + ", in the words of its author:\n"
        text += Self.columns(notice.filter { !$0.text.utf8.isEmpty }.map { [$0.label, $0.text] })
        text += "\nEvery event of " + options.toolName + " has these fields, as far as they apply to it:\n"
        text += Self.columns(Self.rows(RecordField.all(options))) + EventFields.excluded(options)
        if !options.metadata.isEmpty {
            text += "\nWith every event, in metadata:\n"
            text += Self.columns(options.metadata.map { [$0.key, $0.value.shown] })
        }
        return text + events + metrics + spans
    }

    private static func rows(_ fields: [RecordField]) -> [[String]] {
        fields.map { [$0.name, $0.type, $0.description] }
    }

    /// Nothing, for a tool whose spans nobody has asked for.
    private var spans: String {
        guard let registry = options.declaredSpans else {
            guard options.takesSpans else { return "" }
            return "\nThe tool has no list of spans: any span, with any attributes, may be recorded" + spansSent + ".\n"
                + fieldsOfSpans
        }
        var text =
            "\nThese spans, recorded" + spansSent
            + ", with these attributes, those that the library sets, and no others:\n"
        for span in registry.declarations { text += Self.block(span, types: "span") }
        return (registry.declarations.isEmpty ? text + "  none\n" : text) + fieldsOfSpans
    }

    private var fieldsOfSpans: String {
        "\nEvery span has these fields, as far as they apply to it:\n"
            + Self.columns(Self.rows(RecordField.all(options.ofSpans)))
            + "\nThe library sets these attributes of spans, as far as they apply:\n"
            + Self.columns(Self.rows(SpanFields.ofLibrary(options)))
    }

    private var spansSent: String {
        options.takesSpans ? " and sent to " + ManifestPage.shown(options.ofSpans.destinations) : ""
    }

    private static func json(_ fields: [RecordField]) -> [JSONObject] {
        fields.map { field in
            var object = JSONObject()
            object.add("name", field.name)
            object.add("type", field.type)
            object.add("description", field.description)
            return object
        }
    }

    private var events: String {
        guard let registry = options.events else {
            return "\nThe tool has no list of events: any event, with any attributes, may be recorded.\n"
        }
        var text = "\nThese events, with these attributes and no others:\n"
        for event in registry.declarations { text += Self.block(event) }
        if registry.declarations.isEmpty { text += "  none\n" }
        return text + EventFields.heartbeat(options)
    }

    private var metrics: String {
        guard options.areMetricsDeclared else {
            return "\nThe tool has no list of metrics: any number may be kept on this machine" + sent + ".\n"
        }
        var text = "\nThese metrics, kept on this machine" + sent + ", with these attributes and no others:\n"
        for metric in options.metrics { text += Self.block(metric) }
        return options.metrics.isEmpty ? text + "  none\n" : text
    }

    /// Metrics leave the machine only for receivers that take them.
    private var sent: String {
        let receivers = options.metricDestinations.compactMap { $0.forMetrics }
        return receivers.isEmpty ? "" : " and sent to " + ManifestPage.shown(receivers)
    }

    private static func block(_ metric: MetricDeclaration) -> String {
        let unit = metric.unit.utf8.isEmpty ? "" : " in " + metric.unit
        return "\n" + metric.name + " (" + metric.type.name + unit + ")\n  " + oneLine(metric.description) + "\n"
            + columns((metric.attributes ?? []).map(row))
    }

    private static func row(_ attribute: AttributeDeclaration) -> [String] {
        let unit = attribute.unit.map { " in " + $0 } ?? ""
        return [
            attribute.key, attribute.kind.name + unit,
            joined([oneLine(attribute.description)] + attribute.rules, "; "),
        ]
    }

    private static func block(_ event: EventDeclaration, types: String? = nil) -> String {
        var text = "\n" + event.name + " (" + (types ?? joined(event.types, ", ")) + ")"
        if let expires = event.expires { text += ", until " + expires.text }
        text += "\n  " + oneLine(event.description) + "\n"
        return text + columns(event.attributes.map(row))
    }

    private static func oneLine(_ text: String) -> String {
        var bytes = Array(text.utf8)
        while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes.map { $0 == UInt8(ascii: "\n") ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func columns(_ rows: [[String]]) -> String {
        var widths: [Int] = []
        for row in rows {
            for (index, cell) in row.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], cell.utf8.count)
            }
        }
        var text = ""
        for row in rows {
            text += "  "
            for (index, cell) in row.enumerated() {
                text += cell
                if index + 1 < row.count { text += String(repeating: " ", count: widths[index] - cell.utf8.count + 2) }
            }
            text += "\n"
        }
        return text
    }

    // MARK: JSON

    private var json: String {
        var object = JSONObject()
        object.add("tool", options.toolName)
        var words = JSONObject()
        for each in notice { words.add(each.member, optional: each.text.utf8.isEmpty ? nil : each.text) }
        object.add("notice", words)
        object.add("restricted", options.events != nil)
        object.add("fields", objects: Self.json(RecordField.all(options)))
        object.add("excluded", options.excluded.names)
        var metadata = JSONObject()
        for (key, value) in options.metadata { Self.add(value, key, to: &metadata) }
        object.add("metadata", metadata)
        object.add("heartbeat_s", optional: options.heartbeat.map { UInt64(clamping: $0.seconds) })
        object.add("heartbeat_type", optional: options.heartbeat.map { _ in options.heartbeatEvent.type })
        object.add("heartbeat_name", optional: options.heartbeat.map { _ in options.heartbeatEvent.name })
        object.add("events", objects: (options.events?.declarations ?? []).map(Self.object))
        object.add("metrics_restricted", options.areMetricsDeclared)
        object.add("metrics", objects: options.areMetricsDeclared ? options.metrics.map(Self.object) : [])
        object.add("spans_restricted", options.declaredSpans != nil)
        let hasSpans = options.declaredSpans != nil || options.takesSpans
        object.add("span_fields", objects: hasSpans ? Self.json(RecordField.all(options.ofSpans)) : [])
        object.add("span_attributes", objects: hasSpans ? Self.json(SpanFields.ofLibrary(options)) : [])
        object.add("spans", objects: (options.declaredSpans?.declarations ?? []).map(Self.object))
        return object.text
    }

    private static func object(_ event: EventDeclaration) -> JSONObject {
        var object = JSONObject()
        object.add("name", event.name)
        object.add("types", event.types)
        object.add("description", oneLine(event.description))
        object.add("expires", optional: event.expires?.text)
        object.add("attributes", objects: event.attributes.map(Self.object))
        return object
    }

    private static func object(_ metric: MetricDeclaration) -> JSONObject {
        var object = JSONObject()
        object.add("name", metric.name)
        object.add("type", metric.type.name)
        object.add("unit", metric.unit)
        object.add("description", oneLine(metric.description))
        object.add("attributes", objects: (metric.attributes ?? []).map(Self.object))
        return object
    }

    private static func object(_ attribute: AttributeDeclaration) -> JSONObject {
        var object = JSONObject()
        object.add("name", attribute.key)
        object.add("type", attribute.kind.name)
        object.add("description", oneLine(attribute.description))
        object.add("unit", optional: attribute.unit)
        add(attribute.low, "min", to: &object)
        add(attribute.high, "max", to: &object)
        add(attribute.maxLength.map { .int($0) }, "max_length", to: &object)
        object.add("pattern", optional: attribute.pattern)
        if attribute.kind == .int {
            object.add("enum", raw: "[" + joined(attribute.choices.map { $0.shown }, ", ") + "]")
        } else {
            object.add("enum", attribute.choices.map { $0.shown })
        }
        return object
    }

    private static func add(_ value: AttributeValue?, _ key: String, to object: inout JSONObject) {
        guard let value else { return object.add(key, raw: "null") }
        if case .string(let text) = value { return object.add(key, text) }
        object.add(key, raw: value.shown)
    }
}
