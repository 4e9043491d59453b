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
            try refuse([.print, .expires, .status, .message], "with '-- PROGRAM'", invocation)
            return try WrappedCommand.span(invocation, program: invocation.rawArguments + index)
        }
        switch SpanWords.place(arguments.words.first ?? "", in: SpanWords.actions) {
        case 0: return try begin(invocation).rawValue
        case 1: return try change(invocation, isEnd: false).rawValue
        case 2: return try change(invocation, isEnd: true).rawValue
        default: throw invocation.usage("needs begin, event or end, or '-- PROGRAM' to run one")
        }
    }

    // MARK: spans that last

    private static let usualSeconds: Int64 = 86_400

    private static func begin(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let arguments = invocation.arguments
        if arguments.words.count > 1 {
            throw invocation.usage("unexpected argument '" + arguments.words[1] + "': name the span with --name")
        }
        try refuse([.status, .message], "with 'begin'", invocation)
        let plan = try plan(invocation, kind: TELEMETRY_SPAN_INTERNAL)
        guard let name = plan.name else { throw invocation.usage("needs --name NAME") }
        let form = try arguments.value(.print).map { word throws(Failure) in
            try place(word, in: SpanWords.forms, "--print", invocation)
        }
        let seconds =
            try invocation.number(.expires, "--expires", in: 1...LastingSpanLayout.longestSeconds) ?? usualSeconds
        let collector = try RecordCommands.open(invocation, try invocation.options())
        let span = HelperSpan(
            lasting: collector, seconds: seconds, name: name, kind: plan.kind, parent: plan.parent, plan.attributes)
        warn(span.status, name, invocation)
        // Of a span that could not be kept nobody will ever hear: what is done belongs to its parent.
        let isLost = !span.isRecorded && span.status != TELEMETRY_OK && span.status != TELEMETRY_ADJUSTED
        let context = isLost ? self.parent(plan.parent) : span.context
        if isLost, !span.isOff, span.status != TELEMETRY_ERROR_UNDECLARED, !invocation.isQuiet {
            invocation.complain("not recorded: no room for one more open span, or no directory to keep it in")
        }
        // While nobody has its name, no other process can have changed it.
        do throws(Failure) {
            let form = SpanWords.Form(rawValue: form ?? 0) ?? .traceparent
            try invocation.answer(invocation.wantsJSON ? json(collector, span, context) : text(context, form))
        } catch {
            span.forget()
            RecordCommands.end(collector)
            throw error
        }
        RecordCommands.end(collector)
        return .ok
    }

    private static func json(_ collector: Collector, _ span: HelperSpan, _ context: PropagatedContext) -> String {
        var object = JSONObject()
        object.add("tool", collector.options.toolName)
        object.add("enabled", collector.decision.isEnabled)
        object.add("status", RecordCommands.text(of: span.status))
        object.add("traceparent", optional: context.context?.text)
        return object.text
    }

    private static func parent(_ parent: HelperSpan.Parent) -> PropagatedContext {
        let carried = EnvironmentCarrier.read()
        switch parent {
        case .environment: return carried
        case .none: return PropagatedContext()
        case .given(let context): return PropagatedContext(context, state: [], baggage: carried.baggage)
        }
    }

    /// Nothing without a trace: `eval ""` and an empty file are harmless.
    private static func text(_ context: PropagatedContext, _ form: SpanWords.Form) -> String {
        guard let own = context.context else { return "" }
        switch form {
        case .header: return "traceparent: " + own.text + "\n"
        case .export, .dotenv:
            var text = ""
            let isShell = form == .export
            for (name, value) in context.fields where !ArgumentParser.same(name, "baggage") {
                let variable = EnvironmentCarrier.variable(name)
                text += (isShell ? "export " : "") + variable + "=" + (isShell ? quoted(value) : value) + "\n"
            }
            return text
        case .traceparent: return own.text + "\n"
        }
    }

    /// One word of a shell.
    private static func quoted(_ text: String) -> String {
        var result: [UInt8] = [UInt8(ascii: "'")]
        for byte in text.utf8 {
            if byte == UInt8(ascii: "'") { result += Array("'\\'".utf8) }
            result.append(byte)
        }
        return String(decoding: result + [UInt8(ascii: "'")], as: UTF8.self)
    }

    private static func change(_ invocation: Invocation, isEnd: Bool) throws(Failure) -> ExitCode {
        let arguments = invocation.arguments
        let action = isEnd ? "'end'" : "'event'"
        try refuse(
            [.kind, .parent, .print, .expires] + (isEnd ? [.spanName] : [.status, .message]), "with " + action,
            invocation)
        guard arguments.words.count > 1 else {
            throw invocation.usage("needs TRACEPARENT, as 'telemetry span begin' printed it")
        }
        let token = arguments.words[1]
        let attributes = try RecordCommands.attributes(invocation, .attribute, "--attribute")
        let name = arguments.value(.spanName) ?? ""
        if !isEnd && name.utf8.isEmpty { throw invocation.usage("needs --name NAME") }
        var status: Int?
        if let word = arguments.value(.status) {
            status = try place(word, in: SpanWords.statuses, "--status", invocation)
        }
        let message = arguments.value(.message) ?? ""
        if !message.utf8.isEmpty && status != 2 { throw invocation.usage("--message needs --status error") }
        let context = TraceContext(text: token)
        if context == nil, !token.utf8.isEmpty {
            throw invocation.usage(
                "needs a traceparent, as 'telemetry span begin' printed it, got '" + token + "'")
        }
        let collector = try RecordCommands.open(invocation, try invocation.options())
        // Nothing was begun, or sampling has left it out.
        guard let context, context.isSampled else {
            return try answer(invocation, collector, context == nil ? TELEMETRY_DISABLED : TELEMETRY_OK)
        }
        switch HelperSpan.resume(collector, context, attributes, texts: [name, message], isEnd: isEnd) {
        case .disabled: return try answer(invocation, collector, TELEMETRY_DISABLED)
        case .span(let span):
            var done = TELEMETRY_OK
            if isEnd {
                span.set(attributes)
                if let status { span.set(status: UInt8(status), message) }
                done = span.end()
            } else {
                done = span.addEvent(name, attributes)
            }
            if done == TELEMETRY_ERROR_DROPPED, !invocation.isQuiet {
                invocation.complain(isEnd ? lostEnd : lostEvent)
            }
            return try answer(invocation, collector, done)
        case .notOpen:
            RecordCommands.end(collector)
            throw Failure(
                code: .notOpen,
                message: "no span " + token + " of " + collector.options.toolName
                    + " is open here: it has ended, has expired, or was begun elsewhere")
        case .busy:
            RecordCommands.end(collector)
            throw Failure(code: .system, message: "another process has the span open and does not let go of it")
        case .failed(let error):
            RecordCommands.end(collector)
            throw Failure(code: .system, message: "the span's file cannot be read: " + error.text)
        }
    }

    private static let lostEvent =
        "not recorded: no room for one more event in the span, which counts what is missing"
    private static let lostEnd = "not recorded: no room for the span's end; the span is still open"

    private static func answer(_ invocation: Invocation, _ collector: Collector, _ status: telemetry_status)
        throws(Failure) -> ExitCode
    {
        try RecordCommands.answer(invocation, collector, status, "")
        return .ok
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
        if let name = arguments.value(.spanName), name.utf8.isEmpty { throw invocation.usage("--name needs a name") }
        var kind = usual.rawValue
        if let word = arguments.value(.kind) {
            kind = UInt32(1 + (try place(word, in: SpanWords.kinds, "--kind", invocation)))
        }
        return Plan(
            name: arguments.value(.spanName), kind: kind, parent: try parent(invocation),
            attributes: try RecordCommands.attributes(invocation, .attribute, "--attribute"))
    }

    private static func parent(_ invocation: Invocation) throws(Failure) -> HelperSpan.Parent {
        guard let text = invocation.arguments.value(.parent) else { return .environment }
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
        invocation.complain("not recorded: the manifest does not declare the span '" + name + "'")
    }

    static func place(_ word: String, in words: [String], _ option: String, _ invocation: Invocation) throws(Failure)
        -> Int
    {
        if let place = SpanWords.place(word, in: words) { return place }
        var known = ""
        for word in words { known += (known.utf8.isEmpty ? "" : ", ") + word }
        throw invocation.usage(option + " needs one of " + known + ", got '" + word + "'")
    }

    private static func refuse(_ options: [OptionID], _ situation: String, _ invocation: Invocation) throws(Failure) {
        for option in invocation.arguments.options where options.contains(option.id) {
            let name = invocation.arguments.command?.options.first { $0.id == option.id }?.name ?? ""
            throw invocation.usage(name + " means nothing " + situation)
        }
    }
}
