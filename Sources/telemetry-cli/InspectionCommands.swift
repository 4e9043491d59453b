// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `show`, `status` and `explain`: what the user may know. They send nothing and create nothing, and
/// work whatever consent says.
enum InspectionCommands {
    static func show(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let arguments = invocation.arguments
        if arguments.has(.verify) && !arguments.has(.sent) { throw invocation.usage("--verify needs --sent") }
        if arguments.has(.sent) && arguments.has(.wire) {
            throw invocation.usage("--sent and --wire exclude each other")
        }
        if arguments.has(.open) {
            if arguments.has(.sent) || arguments.has(.wire) {
                throw invocation.usage("--open excludes --sent and --wire: what is open is not sent")
            }
            if let signal = arguments.value(.signal), !ArgumentParser.same(signal, "spans") {
                throw invocation.usage("--open is about spans: only they last")
            }
        }
        let author = try invocation.options()
        let whole = try invocation.audience(author) ?? author
        let options = arguments.has(.open) ? whole.ofSpans : try invocation.signal(whole)
        if arguments.has(.schema) { return try SchemaReport(whole).answer(invocation) }
        nameOtherSignal(invocation, options)
        if options.isInMemory && !invocation.isQuiet && !invocation.wantsJSON {
            invocation.complain("nothing is kept on this machine (storage: memory)")
        }
        if arguments.has(.sent) { return try SentLog.show(invocation, options) }
        if arguments.has(.wire) {
            let code = try WireAnswer.print(invocation, SpoolInspector.wirePreview(options: options))
            for waiting in SpoolInspector.waitingForOthers(options: options) {
                invocation.complain("not shown: " + waiting.text)
            }
            try refuseToGuess(options)
            return code
        }
        let isOpen = arguments.has(.open)
        guard let listing = SpoolInspector.listing(options: options, pretty: !invocation.wantsJSON, open: isOpen) else {
            throw Failure(code: .system, message: "out of memory")
        }
        try invocation.answer(invocation.wantsJSON ? listing : ShownText.json(listing))
        try refuseToGuess(options)
        return .ok
    }

    /// Without --signal events are shown. The user should know that there are spans.
    private static func nameOtherSignal(_ invocation: Invocation, _ options: Options) {
        if invocation.isQuiet || invocation.wantsJSON || invocation.arguments.value(.signal) != nil { return }
        if options.signal == .spans { return }
        let spans = options.ofSpans
        if invocation.arguments.has(.sent) {
            if AuditTrail.read(options: spans).isEmpty { return }
            invocation.complain("spans were sent, too: --signal spans shows them")
        } else {
            let waiting = SpoolInspector.statistics(options: spans)?.pending ?? 0
            if waiting == 0 { return }
            invocation.complain(
                counted(waiting, "span") + (waiting == 1 ? " waits" : " wait") + ", too: --signal spans shows "
                    + (waiting == 1 ? "it" : "them"))
        }
    }

    /// Events that cannot be looked at do not count as nothing.
    private static func refuseToGuess(_ options: Options) throws(Failure) {
        guard let problem = SpoolInspector.examine(options: options).problem else { return }
        throw Failure(
            code: .system,
            message: "not all that waits in " + (SpoolInspector.path(options: options) ?? "") + " can be looked at: "
                + problem.text)
    }

    static func status(_ invocation: Invocation) throws(Failure) -> ExitCode {
        if invocation.arguments.has(.check) {
            return ConsentResolver.decide(try invocation.options()).isEnabled ? .ok : .off
        }
        let report = StatusReport(try invocation.options())
        try invocation.answer(invocation.wantsJSON ? report.json : report.text)
        return .ok
    }

    /// A14. A mistake in the options is a source like the others: it is explained, and it is not a failure.
    static func explain(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let explanation = ConsentExplanation(options: try invocation.checkedOptions())
        try invocation.answer(invocation.wantsJSON ? explanation.json : explanation.text)
        return .ok
    }
}
