import CSystem

/// A14: what every source said, which one decided, and why the others did not count. The shape of
/// the JSON is documented in docs/consent.md.
package struct ConsentExplanation {
    private let toolName: String
    private let decision: ConsentDecision
    private let localOnly: LocalOnly
    private var statements: [ConsentStatement] = []

    package init(options: Options) {
        self.init(ConsentInputs.gather(options: options, complete: true))
    }

    init(_ inputs: ConsentInputs) {
        toolName = inputs.toolName
        decision = ConsentResolver.resolve(inputs)
        localOnly = LocalOnly.resolve(inputs)
        while let source = ConsentSource(rawValue: UInt8(statements.count)) {
            statements.append(ConsentRules.statement(of: source, inputs))
        }
    }

    /// One line per source, the highest first; the one that decided is marked.
    package var text: String {
        var text = "telemetry for " + Excerpt.of(toolName) + " is " + (decision.isEnabled ? "on" : "off") + ": "
            + decision.reason + "\n\n"
        for statement in statements {
            text += isCounted(statement) ? "> " : "  "
            text += Self.padded(statement.source.name, 28)
            text += Self.padded(Self.word(statement.says), 9)
            text += note(statement) + "\n"
        }
        text += "\nlocal only: " + (localOnly.isOn ? "yes: " + localOnly.reason : "no") + "\n"
        for warning in decision.warnings { text += "warning: " + warning + "\n" }
        return text
    }

    /// One object on one line.
    package var json: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("tool", toolName)
        writer.member("enabled", decision.isEnabled)
        writer.member("source", decision.source.name)
        writer.member("reason", decision.reason)
        writer.member("local_only", localOnly.isOn)
        writer.member("local_only_reason", localOnly.isOn ? localOnly.reason : nil)
        writer.key("sources")
        writer.beginArray()
        for statement in statements { write(statement, &writer) }
        writer.endArray()
        writer.key("warnings")
        writer.beginArray()
        for warning in decision.warnings {
            writer.element()
            writer.string(warning)
        }
        writer.endArray()
        writer.endObject()
        return String(decoding: writer.buffer.bytes, as: UTF8.self) + "\n"
    }

    private func write(_ statement: ConsentStatement, _ writer: inout JSONWriter) {
        writer.element()
        writer.beginObject()
        writer.member("source", statement.source.name)
        writer.member("value", statement.value.map { Excerpt.of($0) })
        writer.member("says", Self.word(statement.says))
        writer.member("counted", isCounted(statement))
        writer.member("note", note(statement))
        writer.endObject()
    }

    private func isCounted(_ statement: ConsentStatement) -> Bool { statement.source == decision.source }

    /// What it said, and why it did not count if it said something.
    private func note(_ statement: ConsentStatement) -> String {
        if !statement.decides || isCounted(statement) { return statement.reason }
        let agrees = (statement.says == .on) == decision.isEnabled
        return statement.reason + (agrees ? "; already decided by " : "; overruled by ") + decision.source.name
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        var text = text
        for _ in 0..<max(0, width &- text.utf8.count) { text += " " }
        return text
    }

    private static func word(_ answer: ConsentAnswer) -> String {
        switch answer {
        case .on: "on"
        case .off: "off"
        case .nothing: "nothing"
        }
    }
}

extension JSONWriter {
    @inline(never)
    fileprivate mutating func member(_ name: StaticString, _ value: String?) {
        key(name)
        if let value { string(value) } else { null() }
    }

    @inline(never)
    fileprivate mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        boolean(value)
    }

    @inline(never)
    fileprivate mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string(UnsafeRawBufferPointer($0)) }
    }
}
