// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `span event` and `span end`: what is said of a span that another process has begun.
struct SpanChange {
    private let isEnd: Bool
    private let token: String
    /// Nil: nothing was begun.
    private let context: TraceContext?
    private let name: String
    private let attributes: RecordCommands.Attributes
    /// What the span is given for `--exit-code`.
    private let outcome: LibraryAttribute.Values
    /// A telemetry_span_status.
    private let status: Int?
    private let message: String

    static func run(_ invocation: Invocation, isEnd: Bool) throws(Failure) -> ExitCode {
        let change = try SpanChange(invocation, isEnd: isEnd)
        let collector = try RecordCommands.open(invocation, try invocation.options())
        // Also one that sampling has left out, or that was refused: it has no place, and its children have none.
        guard let context = change.context, context.isSampled else {
            let status = change.context == nil ? TELEMETRY_DISABLED : TELEMETRY_OK
            return try answer(invocation, collector, status)
        }
        return try change.apply(to: context, invocation, collector)
    }

    // MARK: the command line

    private init(_ invocation: Invocation, isEnd: Bool) throws(Failure) {
        let arguments = invocation.arguments
        try SpanCommands.refuse(
            [.kind, .parent, .print, .expires] + (isEnd ? [.spanName] : [.exitCode, .status, .message]),
            isEnd ? "with 'end'" : "with 'event'", invocation)
        self.isEnd = isEnd
        (token, context) = try Self.span(invocation)
        attributes = try RecordCommands.attributes(invocation, .attribute, "--attribute")
        name = arguments.value(.spanName) ?? ""
        if !isEnd && name.utf8.isEmpty { throw invocation.usage("needs --name NAME") }
        let code = try invocation.number(.exitCode, "--exit-code", in: Int64(Int32.min)...Int64(Int32.max))
        outcome = code.map { Self.outcome(Int32(clamping: $0)) } ?? []
        status = try Self.status(invocation, hasFailed: code ?? 0 != 0)
        message = arguments.value(.message) ?? ""
        if !message.utf8.isEmpty && status != 2 { throw invocation.usage("--message needs --status error") }
    }

    private static func span(_ invocation: Invocation) throws(Failure) -> (String, TraceContext?) {
        let words = invocation.arguments.words
        guard words.count > 1 else {
            throw invocation.usage("needs TRACEPARENT, as 'telemetry span begin' printed it")
        }
        let context = TraceContext(text: words[1])
        if context == nil, !words[1].utf8.isEmpty {
            throw invocation.usage(
                "needs a traceparent, as 'telemetry span begin' printed it, got '" + words[1] + "'")
        }
        return (words[1], context)
    }

    private static func outcome(_ code: Int32) -> LibraryAttribute.Values {
        LibraryAttribute.outcome(exitCode: code, errorType: ErrorType.of(exitCode: code))
    }

    /// What is said wins over what the exit code means.
    private static func status(_ invocation: Invocation, hasFailed: Bool) throws(Failure) -> Int? {
        guard let word = invocation.arguments.value(.status) else { return hasFailed ? 2 : nil }
        return try SpanCommands.place(word, in: SpanWords.statuses, "--status", invocation)
    }

    // MARK: the span

    private func apply(to context: TraceContext, _ invocation: Invocation, _ collector: Collector) throws(Failure)
        -> ExitCode
    {
        let said = outcome.map { (key: $0.key.name, value: $0.value) } + attributes
        switch HelperSpan.resume(collector, context, said, texts: [name, message], isEnd: isEnd) {
        case .disabled: return try Self.answer(invocation, collector, TELEMETRY_DISABLED)
        case .span(let span):
            let done = isEnd ? end(span) : span.addEvent(name, attributes)
            if done == TELEMETRY_ERROR_DROPPED, !invocation.isQuiet {
                invocation.complain(isEnd ? Self.lostEnd : Self.lostEvent)
            }
            return try Self.answer(invocation, collector, done)
        case .undeclared(let name):
            SpanCommands.warn(TELEMETRY_ERROR_UNDECLARED, name, invocation)
            return try Self.answer(invocation, collector, TELEMETRY_ERROR_UNDECLARED)
        case .notOpen:
            throw Self.failure(
                collector, .notOpen,
                "no span " + token + " of " + collector.options.toolName
                    + " is open here: it has ended, has expired, or was begun elsewhere")
        case .busy:
            return try lost(invocation, collector, "another process has the span open and does not let go of it")
        case .failed(let error): return try lost(invocation, collector, "the span's file cannot be used: " + error.text)
        }
    }

    /// A script must not fail for it.
    private func lost(_ invocation: Invocation, _ collector: Collector, _ reason: String) throws(Failure) -> ExitCode {
        if !invocation.isQuiet {
            invocation.complain("not recorded: " + reason + (isEnd ? "; the span is still open" : ""))
        }
        return try Self.answer(invocation, collector, TELEMETRY_ERROR_DROPPED)
    }

    /// The manifest need not declare what the exit code says; what the caller says of the same keys wins.
    private func end(_ span: HelperSpan) -> telemetry_status {
        if !outcome.isEmpty { span.setOwn(outcome) }
        span.set(attributes)
        if let status { span.set(status: UInt8(clamping: status), message) }
        return span.end()
    }

    private static let lostEvent =
        "not recorded: no room for one more event in the span, which counts what is missing"
    private static let lostEnd = "not recorded: no room for the span's end; the span is still open"

    private static func failure(_ collector: Collector, _ code: ExitCode, _ message: String) -> Failure {
        RecordCommands.end(collector)
        return Failure(code: code, message: message)
    }

    private static func answer(_ invocation: Invocation, _ collector: Collector, _ status: telemetry_status)
        throws(Failure) -> ExitCode
    {
        try RecordCommands.answer(invocation, collector, status, "")
        return .ok
    }
}
