// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `span` (H13): it records, and never makes a script fail because nothing was recorded.
enum SpanCommands {
    static func run(_ invocation: Invocation) throws(Failure) -> Int32 {
        let arguments = invocation.arguments
        if let index = arguments.programIndex {
            if let word = arguments.words.first {
                throw invocation.usage("unexpected argument '" + word + "' before '--': name the span with --name")
            }
            try refuse([.print, .expires, .exitCode, .status, .message], "with '-- PROGRAM'", invocation)
            return try WrappedCommand.span(invocation, program: invocation.rawArguments + index)
        }
        switch SpanWords.place(arguments.words.first ?? "", in: SpanWords.actions) {
        case 0: return try SpanBegin.run(invocation).rawValue
        case 1: return try SpanChange.run(invocation, isEnd: false).rawValue
        case 2: return try SpanChange.run(invocation, isEnd: true).rawValue
        default: throw invocation.usage("needs begin, event or end, or '-- PROGRAM' to run one")
        }
    }

    /// What is begun, by the command line.
    struct Plan {
        var name: String?
        var kind: UInt32
        var parent: HelperSpan.Parent
        var attributes: RecordCommands.Attributes
    }

    static func plan(_ invocation: Invocation, kind usual: telemetry_span_kind) throws(Failure) -> Plan {
        let arguments = invocation.arguments
        var kind = usual.rawValue
        if let word = arguments.value(.kind) {
            kind = UInt32(1 + (try place(word, in: SpanWords.kinds, "--kind", invocation)))
        }
        // Empty: a variable of the script that is not set, which must not keep the program from running.
        let name = arguments.value(.spanName).flatMap { $0.utf8.isEmpty ? nil : $0 }
        return Plan(
            name: name, kind: kind, parent: try parent(invocation),
            attributes: try RecordCommands.attributes(invocation, .attribute, "--attribute"))
    }

    private static func parent(_ invocation: Invocation) throws(Failure) -> HelperSpan.Parent {
        // Empty is what `begin` prints while telemetry is off.
        guard let text = invocation.arguments.value(.parent), !text.utf8.isEmpty else { return .environment }
        if ArgumentParser.same(text, "none") { return .none }
        guard let context = TraceContext(text: text) else {
            throw invocation.usage(
                "--parent needs none, or a traceparent as 00-TRACE-SPAN-FLAGS in lower-case hexadecimal, got '" + text
                    + "'")
        }
        return .given(context)
    }

    /// A script must not fail for what its author has not declared.
    static func warn(_ status: telemetry_status, _ name: String, _ invocation: Invocation) {
        guard status == TELEMETRY_ERROR_UNDECLARED, !invocation.isQuiet else { return }
        invocation.complain(
            "not recorded: the manifest does not declare the span '" + name + "', or it has expired")
    }

    static func place(_ word: String, in words: [String], _ option: String, _ invocation: Invocation) throws(Failure)
        -> Int
    {
        if let place = SpanWords.place(word, in: words) { return place }
        var known = ""
        for word in words { known += (known.utf8.isEmpty ? "" : ", ") + word }
        throw invocation.usage(option + " needs one of " + known + ", got '" + word + "'")
    }

    static func refuse(_ options: [OptionID], _ situation: String, _ invocation: Invocation) throws(Failure) {
        for option in invocation.arguments.options where options.contains(option.id) {
            let name = invocation.arguments.command?.options.first { $0.id == option.id }?.name ?? ""
            throw invocation.usage(name + " means nothing " + situation)
        }
    }
}
