// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `request-deletion` and `reset`: how the user gets erased what was sent, and what is here.
enum DeletionCommands {
    static func requestDeletion(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        if invocation.arguments.has(.list) { return try list(invocation, options) }
        let mayBeOn = DeletionRecipient.mayBeOn(options)
        let known = KnownIDs.read(options: options, mayBeOn: mayBeOn)
        let ids = known.all
        // Events that are on this machine alone can be erased without an identifier.
        let isLocal = DeletionRecipient(options).reach == .local
        let report = DeletionReport(
            options, ids: ids, gap: isLocal ? nil : known.gap(options, mayBeOn: mayBeOn),
            result: ids.isEmpty ? nil : ask(options, ids))
        try report.print(invocation)
        guard report.isAsked else { throw Failure(code: .notDelivered, message: report.failure) }
        return .ok
    }

    /// B2. First the answer is stored, then the spool is erased: from the first moment on nothing new can be recorded
    /// or sent.
    static func reset(_ invocation: Invocation) throws(Failure) -> ExitCode {
        if let audience = invocation.arguments.value(.audience) {
            guard ArgumentParser.same(audience, "own") else {
                throw invocation.usage(
                    "unknown audience '" + audience + "', expected own; without --audience, reset erases everything")
            }
            return try OwnReset.run(invocation)
        }
        let options = try invocation.optionsToRefuse()
        // Before the refusal, which hides it.
        let mayBeOn = DeletionRecipient.mayBeOn(options)
        let doubt = try Refusal.store(options)
        // A delivery may have begun in between.
        let report = deletionForReset(options, mayBeOn || DeletionRecipient.mayBeOn(options))
        let problems = LocalData.remove(options: options, keepingPastIDs: !report.isAskedForKnown)
        let decision = ConsentResolver.decide(options)
        try report.print(invocation, reset: DeletionReport.Reset(decision: decision, problems: problems))
        if decision.isEnabled { throw Refusal.overruled(options, decision) }
        let rest = problems.first.map { "not everything could be removed: " + $0 }
        if let doubt { throw Failure(code: doubt.code, message: doubt.message + (rest.map { "; " + $0 } ?? "")) }
        if let rest { throw Failure(code: .system, message: rest) }
        guard report.isAsked else {
            throw Failure(
                code: .notDelivered,
                message: report.failure + "; what was here is erased"
                    + (report.isAskedForKnown
                        ? ""
                        : ", but the ids are kept: try again with 'telemetry request-deletion --tool "
                            + options.toolName + "'"))
        }
        return .ok
    }

    private static func deletionForReset(_ options: Options, _ mayBeOn: Bool) -> DeletionReport {
        let known = KnownIDs.read(options: options, mayBeOn: mayBeOn)
        let ids = known.all
        // The manifest says who had to be asked.
        if let error = options.error, !ids.isEmpty {
            return DeletionReport(
                options, ids: ids, gap: nil, result: DeletionRequest.Result(unasked: ids, because: error))
        }
        let isNeeded = DeletionRecipient(options).reach != .local && DeletionRecipient.mayHaveSent(options)
        return DeletionReport(
            options, ids: ids, gap: isNeeded ? known.gap(options, mayBeOn: DeletionRecipient.mayBeOn(options)) : nil,
            result: isNeeded && !ids.isEmpty ? ask(options, ids) : nil)
    }

    private static func ask(_ options: Options, _ ids: [String]) -> DeletionRequest.Result {
        DeletionRequest(
            options: options, networkRefusal: networkRefusal(options), openMail: DesktopProgram.openFromTerminal
        ).run(ids)
    }

    /// The user's own act needs no consent. But a setting that keeps everything on this machine keeps this request, too
    /// (A7), and nobody goes against the administrator (A10).
    private static func networkRefusal(_ options: Options) -> String? {
        let decision = ConsentResolver.decide(options)
        if ArgumentParser.same(decision.source.name, "admin policy") {
            return "the administrator's policy allows no telemetry traffic"
        }
        return decision.isLocalOnly ? "telemetry is local only here: nothing may leave this machine" : nil
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
        }
        return .ok
    }
}
