// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `span begin`: a span that lasts longer than this process, and whose context is printed.
enum SpanBegin {
    private static let usualSeconds: Int64 = 86_400

    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let (plan, name, form, seconds) = try read(invocation)
        let collector = try RecordCommands.open(invocation, try invocation.options())
        let span = HelperSpan(
            lasting: collector, seconds: seconds, name: name, kind: plan.kind, parent: plan.parent, plan.attributes)
        SpanCommands.warn(span.status, name, invocation)
        if span.status == TELEMETRY_ERROR_DROPPED, !invocation.isQuiet {
            invocation.complain(collector.options.isInMemory ? notKept : noRoom)
        }
        if collector.decision.isEnabled, !collector.options.areSpansTaken, !invocation.isQuiet {
            invocation.complain("not recorded: none of the tool's receivers takes spans")
        }
        // While nobody has its name, no other process can have changed it.
        let failure = answer(
            invocation, invocation.wantsJSON ? json(collector, span) : PrintedContext.text(span.context, form))
        if failure != nil { span.forget() }
        RecordCommands.end(collector)
        if let failure { throw failure }
        return .ok
    }

    /// A reader that is gone is an error here, and no signal: it would leave the span open.
    private static func answer(_ invocation: Invocation, _ text: String) -> Failure? {
        SignalMask.withoutWriteSignals {
            do throws(Failure) { try invocation.answer(text) } catch { return error }
            return nil
        }
    }

    private static let notKept =
        "not recorded: the tool keeps nothing on this machine (storage: memory), and a span that another process ends has to be kept"
    private static let noRoom = "not recorded: no room for one more open span, or no directory to keep it in"

    private typealias Request = (plan: SpanCommands.Plan, name: String, form: SpanWords.Form, seconds: Int64)

    private static func read(_ invocation: Invocation) throws(Failure) -> Request {
        let arguments = invocation.arguments
        if arguments.words.count > 1 {
            throw invocation.usage("unexpected argument '" + arguments.words[1] + "': name the span with --name")
        }
        try SpanCommands.refuse([.exitCode, .status, .message], "with 'begin'", invocation)
        let plan = try SpanCommands.plan(invocation, kind: TELEMETRY_SPAN_INTERNAL)
        guard let name = plan.name else { throw invocation.usage("needs --name NAME") }
        let form = try arguments.value(.print).map { word throws(Failure) in
            try SpanCommands.place(word, in: SpanWords.forms, "--print", invocation)
        }
        let seconds =
            try invocation.number(.expires, "--expires", in: 1...LastingSpanLayout.longestSeconds) ?? usualSeconds
        return (plan, name, SpanWords.Form(rawValue: form ?? 0) ?? .traceparent, seconds)
    }

    private static func json(_ collector: Collector, _ span: HelperSpan) -> String {
        var object = JSONObject()
        object.add("tool", collector.options.toolName)
        object.add("enabled", collector.decision.isEnabled)
        object.add("status", RecordCommands.text(of: span.status))
        object.add("traceparent", optional: span.context.context?.text)
        return object.text
    }
}
