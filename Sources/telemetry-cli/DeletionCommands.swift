// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `request-deletion` and `reset`: how the user gets erased what was sent, and what is here.
enum DeletionCommands {
    static func requestDeletion(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        if let id = invocation.arguments.words.first { return try ask(invocation, options, id) }
        if invocation.arguments.has(.list) { return try list(invocation, options) }
        let mayBeOn = DeletionRecipient.mayBeOn(options)
        let known = KnownIDs.read(options: options, mayBeOn: mayBeOn)
        let ids = known.all
        // Events that are on this machine alone can be erased without an identifier.
        let isLocal = DeletionRecipient(options).reach == .local
        let report = DeletionReport(
            options, ids: ids, gap: isLocal ? nil : known.gap(options, mayBeOn: mayBeOn),
            result: ids.isEmpty ? nil : ask(options, ids, withLogs: true))
        return try answer(invocation, report)
    }

    /// An id that the user names, such as that of another machine or of a state directory that is gone.
    private static func ask(_ invocation: Invocation, _ options: Options, _ id: String) throws(Failure) -> ExitCode {
        guard !invocation.arguments.has(.list) else { throw invocation.usage("--list takes no ID") }
        guard KnownIDs.isForm(id) else {
            throw invocation.usage(
                "'" + id
                    + "' is no identifier of an event: expected 16 or 32 digits 0-9 and a-f, a UUID, or ephemeral- and 32 such digits"
            )
        }
        let result = ask(options, [id], withLogs: true)
        return try answer(invocation, DeletionReport(options, ids: [id], gap: nil, result: result))
    }

    private static func answer(_ invocation: Invocation, _ report: DeletionReport) throws(Failure) -> ExitCode {
        try report.print(invocation)
        guard report.isAsked else { throw Failure(code: .notDelivered, message: report.failure) }
        return .ok
    }

    static func reset(_ invocation: Invocation) throws(Failure) -> ExitCode {
        if invocation.arguments.has(.all) { return try EveryToolReset.run(invocation) }
        if let audience = invocation.arguments.value(.audience) {
            guard ArgumentParser.same(audience, "own") else {
                throw invocation.usage(
                    "unknown audience '" + audience + "', expected own; without --audience, reset erases everything")
            }
            return try OwnReset.run(invocation)
        }
        let done = try ToolReset(try invocation.optionsToRefuse()).run()
        try done.report.print(invocation, reset: done.reset)
        if let failure = done.failure { throw failure }
        return .ok
    }

    /// `withLogs`: logs that stay here are told too.
    static func ask(_ options: Options, _ ids: [String], withLogs: Bool = false) -> DeletionRequest.Result {
        DeletionRequest(
            options: options, networkRefusal: DeletionRequest.networkRefusal(options), withLogs: withLogs,
            openMail: DesktopProgram.openFromTerminal
        ).run(ids)
    }

    private static func list(_ invocation: Invocation, _ options: Options) throws(Failure) -> ExitCode {
        let lines: [String]
        do throws(DeletionReceiptsError) {
            lines = try DeletionReceipts.lines(options: options).map { StoredReceipt.json($0) }
        } catch {
            throw Failure(code: .document, message: (SpoolInspector.path(options: options) ?? "") + "/" + error.text)
        }
        if invocation.wantsJSON {
            var object = JSONObject()
            object.add("tool", options.toolName)
            object.add("receipts", written: lines)
            try invocation.answer(object.text)
        } else {
            for line in lines { try invocation.answer(line + "\n") }
            if lines.isEmpty && !invocation.isQuiet { invocation.complain(nothingAsked(options)) }
        }
        return .ok
    }

    private static func nothingAsked(_ options: Options) -> String {
        KnownTool.isKnown(options)
            ? "nobody was asked yet to erase the data of " + options.toolName : KnownTool.unknown(options)
    }
}
