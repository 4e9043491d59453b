import CSystem
import TelemetryCore

/// `request-deletion` and `reset`: the user's way to have erased what was sent, and what is here.
enum DeletionCommands {
    static func requestDeletion(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        if invocation.arguments.has(.list) { return try list(invocation, options) }
        let ids = KnownIDs.read(options: options).all
        let report = DeletionReport(options, ids: ids, result: ids.isEmpty ? nil : ask(options, ids))
        try report.print(invocation)
        guard report.isAsked else { throw Failure(code: .notDelivered, message: report.failure) }
        return .ok
    }

    /// B2. The answer first, then the spool: from the first moment on nothing new can be recorded or sent.
    static func reset(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.optionsToRefuse()
        let doubt = try Refusal.store(options)
        let ids = KnownIDs.read(options: options).all
        let report = deletionForReset(options, ids)
        let problems = LocalData.remove(options: options, keepingPastIDs: !report.isAsked)
        try report.print(invocation, resetting: true, problems: problems)
        let rest = problems.first.map { "not everything could be removed: " + $0 }
        if let doubt { throw Failure(code: doubt.code, message: doubt.message + (rest.map { "; " + $0 } ?? "")) }
        if let rest { throw Failure(code: .system, message: rest) }
        guard report.isAsked else {
            throw Failure(
                code: .notDelivered,
                message: report.failure + "; what was here is erased, but the ids are kept: try again with 'telemetry request-deletion --tool "
                    + options.toolName + "'")
        }
        return .ok
    }

    private static func deletionForReset(_ options: Options, _ ids: [String]) -> DeletionReport {
        // Who had to be asked is what the manifest says.
        if let error = options.error, !ids.isEmpty {
            return DeletionReport(options, ids: ids, result: DeletionRequest.Result(unasked: ids, because: error))
        }
        let recipient = DeletionRecipient(options)
        if ids.isEmpty || recipient.reach == .local || !DeletionRecipient.mayHaveSent(options) {
            return DeletionReport(options, ids: ids, result: nil)
        }
        return DeletionReport(options, ids: ids, result: ask(options, ids))
    }

    private static func ask(_ options: Options, _ ids: [String]) -> DeletionRequest.Result {
        DeletionRequest(options: options, networkRefusal: networkRefusal(options), openMail: MailProgram.open).run(ids)
    }

    /// The user's own act needs no consent. But what keeps everything on this machine keeps this, too (A7),
    /// and nobody goes against the administrator (A10).
    private static func networkRefusal(_ options: Options) -> String? {
        let decision = ConsentResolver.resolve(ConsentInputs.gather(options: options))
        if ArgumentParser.same(decision.source.name, "admin policy") { return "the administrator's policy allows no telemetry traffic" }
        return decision.isLocalOnly ? "telemetry is local only here: nothing may leave this machine" : nil
    }

    private static func list(_ invocation: Invocation, _ options: Options) throws(Failure) -> ExitCode {
        let lines = DeletionReceipts.lines(options: options).map { String(decoding: $0, as: UTF8.self) }
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
