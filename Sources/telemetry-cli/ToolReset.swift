// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `reset` of one tool (B2). First the answer is stored, then the spool is erased: from the first moment on nothing new can
/// be recorded or sent.
struct ToolReset {
    let options: Options
    /// Before the refusal, which hides it.
    private let mayBeOn: Bool

    init(_ options: Options) {
        self.options = options
        mayBeOn = DeletionRecipient.mayBeOn(options)
    }

    struct Outcome {
        let report: DeletionReport
        let reset: DeletionReport.Reset
        /// What did not work; nil: all of it did.
        let failure: Failure?
    }

    /// Throws when the refusal could not be stored: then nothing else is done.
    func run() throws(Failure) -> Outcome {
        let doubt = try Refusal.store(options)
        let report = askForErasure()
        let problems = LocalData.remove(options: options, keepingPastIDs: !report.isAskedForKnown)
        let decision = ConsentResolver.decide(options)
        return Outcome(
            report: report, reset: DeletionReport.Reset(decision: decision, problems: problems),
            failure: failure(report, decision, problems, doubt))
    }

    private func failure(
        _ report: DeletionReport, _ decision: ConsentDecision, _ problems: [String], _ doubt: Failure?
    ) -> Failure? {
        if decision.isEnabled { return Refusal.overruled(options, decision) }
        let rest = problems.first.map { "not everything could be removed: " + $0 }
        if let doubt { return Failure(code: doubt.code, message: doubt.message + (rest.map { "; " + $0 } ?? "")) }
        if let rest { return Failure(code: .system, message: rest) }
        if report.isAsked { return nil }
        let kept =
            report.isAskedForKnown
            ? ""
            : ", but the ids are kept: try again with 'telemetry request-deletion --tool " + options.toolName + "'"
        return Failure(code: .notDelivered, message: report.failure + "; what was here is erased" + kept)
    }

    private func askForErasure() -> DeletionReport {
        // A delivery may have begun in between.
        let known = KnownIDs.read(options: options, mayBeOn: mayBeOn || DeletionRecipient.mayBeOn(options))
        let ids = known.all
        // The manifest says who had to be asked.
        if let error = options.error, !ids.isEmpty {
            return DeletionReport(
                options, ids: ids, gap: nil, result: DeletionRequest.Result(unasked: ids, because: error))
        }
        let isNeeded = DeletionRecipient(options).reach != .local && DeletionRecipient.mayHaveSent(options)
        return DeletionReport(
            options, ids: ids, gap: isNeeded ? known.gap(options, mayBeOn: DeletionRecipient.mayBeOn(options)) : nil,
            result: isNeeded && !ids.isEmpty ? DeletionCommands.ask(options, ids) : nil)
    }
}
