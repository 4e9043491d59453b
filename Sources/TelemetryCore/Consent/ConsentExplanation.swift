// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A14: what every source said, which one decided, and why the others did not count. The shape of
/// the JSON is documented in docs/consent.md.
package struct ConsentExplanation {
    private let inputs: ConsentInputs
    private let decision: ConsentDecision
    private let localOnly: LocalOnly
    /// What it is about. Empty: nobody has asked for anything.
    private var signals: [String] = []
    /// H14: the same about receivers of the user's own; none in that one.
    private var own: [ConsentExplanation] = []

    package init(options: Options) {
        self.init(ConsentInputs.gather(options: options, complete: true))
        signals = options.signalNames
        var kept = ConsentExplanation(ConsentInputs.gather(options: options.own([]), complete: true))
        if kept.decision.isEnabled { kept.signals = options.own(kept.inputs.ownDestinations).signalNames }
        own = [kept]
    }

    init(_ inputs: ConsentInputs) {
        self.inputs = inputs
        decision = ConsentResolver.resolve(inputs)
        localOnly = LocalOnly.resolve(inputs)
    }

    /// One line per source, the highest first; the one that decided is marked.
    package var text: String {
        var page = Page()
        write(to: &page)
        for own in own {
            page.add("\n")
            own.write(to: &page)
        }
        return String(bytes: page.bytes)
    }

    private func write(to page: inout Page) {
        page.add(inputs.audience == .own ? "what is kept for you of " : "telemetry for ")
        page.add(Excerpt.of(inputs.toolName))
        page.add(decision.isEnabled ? " is on: " : " is off: ")
        page.add(decision.reason)
        page.add("\n\n")
        forEachStatement { statement in
            page.add(isCounted(statement) ? "> " : "  ")
            page.add(statement.source.name, width: 28)
            page.add(statement.says.name, width: 9)
            page.add(note(statement))
            page.add("\n")
        }
        page.add(localOnly.isOn ? "\nlocal only: yes: " : "\nlocal only: no")
        page.add(localOnly.reason)
        for (index, signal) in signals.enumerated() {
            page.add(index == 0 ? "\nit is about: " : ", ")
            page.add(signal)
        }
        page.add("\n")
        for warning in decision.warnings {
            page.add("warning: ")
            page.add(warning)
            page.add("\n")
        }
    }

    /// One object on one line.
    package var json: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("tool", inputs.toolName)
        write(to: &writer)
        for own in own {
            writer.beginObject("own")
            own.write(to: &writer)
            writer.endObject()
        }
        writer.endObject()
        writer.buffer.append(UInt8(ascii: "\n"))
        return String(bytes: writer.buffer.bytes)
    }

    @inline(never)
    private func write(to writer: inout JSONWriter) {
        writer.member("enabled", decision.isEnabled)
        writer.member("source", decision.source.name)
        writer.member("reason", decision.reason)
        writer.member("local_only", localOnly.isOn)
        writer.member("local_only_reason", localOnly.isOn ? localOnly.reason : nil)
        writer.beginList("signals")
        for signal in signals {
            writer.element()
            writer.string(signal)
        }
        writer.endArray()
        writer.beginList("sources")
        forEachStatement { statement in
            writer.element()
            writer.beginObject()
            writer.member("source", statement.source.name)
            writer.member("value", statement.value.map { Excerpt.of($0) })
            writer.member("says", statement.says.name)
            writer.member("counted", isCounted(statement))
            writer.member("note", note(statement))
            writer.endObject()
        }
        writer.endArray()
        writer.beginList("warnings")
        for warning in decision.warnings {
            writer.element()
            writer.string(warning)
        }
        writer.endArray()
    }

    private func forEachStatement(_ body: (ConsentStatement) -> Void) {
        var next: UInt8 = 0
        while let source = ConsentSource(rawValue: next) {
            if source.speaks(to: inputs.audience) { body(ConsentRules.statement(of: source, inputs)) }
            next &+= 1
        }
    }

    private func isCounted(_ statement: ConsentStatement) -> Bool { statement.source == decision.source }

    /// What it said, and why it did not count if it said something.
    private func note(_ statement: ConsentStatement) -> String {
        if !statement.decides || isCounted(statement) { return statement.reason }
        let agrees = (statement.says == .on) == decision.isEnabled
        return statement.reason + (agrees ? "; already decided by " : "; overruled by ") + decision.source.name
    }
}

/// Text in columns.
private struct Page {
    var bytes: [UInt8] = []

    /// Filled with spaces up to `width` bytes.
    @inline(never)
    mutating func add(_ text: String, width: Int = 0) {
        bytes.append(contentsOf: text.utf8)
        for _ in 0..<max(0, width &- text.utf8.count) { bytes.append(UInt8(ascii: " ")) }
    }
}
