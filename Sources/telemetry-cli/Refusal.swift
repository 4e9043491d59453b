// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A refusal as `disable` and `reset` store it, and the message when that fails, in part or altogether.
enum Refusal {
    /// Throws when the refusal could not be stored. Nil: it holds, and no waiting event is left. Otherwise it holds,
    /// and the result says what is in doubt.
    static func store(_ options: Options) throws(Failure) -> Failure? {
        let done = PreferenceChange.disable(options)
        if let error = done.notStored { throw notStored(options, error, done.erasure) }
        switch done.erasure {
        case .complete: return nil
        case .unanswered(let process, let directory): return unconfirmed(silence(directory, process))
        case .impossible(let error): return unconfirmed(notErased(options, error))
        case .unknown(let error, let directory):
            return unconfirmed(
                "whether another process still sends cannot be known: " + directory + "/deliver.lock: " + error.text
                    + "; move that file away")
        }
    }

    /// What waits, how much of it, why it stays, and what ends that.
    static func notErased(_ options: Options, _ error: SystemError) -> String {
        return whatWaits(options) + " in " + (SpoolInspector.path(options: options) ?? "") + " could not be erased: "
            + error.text
            + "; make that directory and what is in it yours to write, and run 'telemetry disable' again"
    }

    private static func whatWaits(_ options: Options) -> String {
        guard let (events, spans, open) = pending(options) else { return "what waits" }
        let opened = open == 0 ? "" : open == 1 ? "the open span" : "the \(open) open spans"
        if events == 0 && spans == 0 { return open == 0 ? "what waits" : opened }
        let after = open == 0 ? "" : " and " + opened
        if spans == 0 { return (events == 1 ? "the event that waits" : "the \(events) events that wait") + after }
        let before = events == 0 ? "" : events == 1 ? "the event and " : "the \(events) events and "
        return before + (spans == 1 ? "the span" : "the \(spans) spans")
            + (events + spans == 1 ? " that waits" : " that wait") + after
    }

    /// Nil: not known. There may be no spool of one of them.
    private static func pending(_ options: Options) -> (events: UInt64, spans: UInt64, open: Int)? {
        let (events, spans) = (
            SpoolInspector.examine(options: options), SpoolInspector.examine(options: options.ofSpans)
        )
        guard events.problem == nil, spans.problem == nil, events.statistics != nil || spans.statistics != nil else {
            return nil
        }
        let counts = SpoolInspector.countSpans(options: options.ofSpans)
        let ended = (spans.statistics?.pending ?? 0) &+ UInt64(clamping: counts.ended)
        return (events.statistics?.pending ?? 0, ended, counts.open)
    }

    /// Events and spans. Nil: not known.
    static func waiting(_ options: Options) -> UInt64? { pending(options).map { $0.events &+ $0.spans } }

    /// A12: a source above the answer keeps telemetry on.
    static func overruled(_ options: Options, _ decision: ConsentDecision) -> Failure {
        Failure(
            code: .overruled,
            message: "the answer is stored, but telemetry for " + options.toolName + " stays on: "
                + decision.source.name
                + ": " + decision.reason)
    }

    static func unconfirmed(_ what: String) -> Failure {
        Failure(code: .unconfirmed, message: "the refusal is stored, and nothing more is recorded or sent; but " + what)
    }

    /// The sentence about a process that does not answer. `process`: the waiting events were taken from it, and are
    /// erased; 0: nothing was taken.
    static func silence(_ path: String, _ process: Int32) -> String {
        let found = process == 0 ? LockHolder.find(path + "/deliver.lock") ?? LockHolder.find(path + "/control") : nil
        let holder = process == 0 ? found : LockHolder(id: process)
        let who =
            holder.map { "process " + $0.description + ", which" + ($0.isStopped ? " is stopped and" : "") }
            ?? "another process, which"
        let remedy = holder.map { "kill -9 " + $0.description } ?? "end it"
        let taken = process == 0 ? "" : " (what waited is erased)"
        return who
            + " was sending or erasing, does not answer. If it goes on, it calls its send off; to be sure of that: "
            + remedy + taken
    }

    private static func notStored(_ options: Options, _ error: SystemError, _ erasure: Erasure) -> Failure {
        let failure = notStored(options, error)
        guard case .impossible(let error) = erasure else { return failure }
        return Failure(code: failure.code, message: failure.message + "; " + notErased(options, error))
    }

    private static func notStored(_ options: Options, _ error: SystemError) -> Failure {
        let path = PreferenceStore.path(tool: options.toolName) ?? "no home directory"
        let variable = ToolName.environmentPrefix(options.toolName) + "_NO_TELEMETRY=1"
        return notStored(
            path, error, offBecause: refusingSource(options),
            remedy: whatSends(options.toolName, "DO_NOT_TRACK=1' or 'export " + variable))
    }

    static func notStored(_ path: String, _ error: SystemError, offBecause reason: String?, remedy: String) -> Failure {
        let state = reason.map { "telemetry is off nevertheless: " + $0 } ?? remedy
        return Failure(
            code: .system, message: "cannot store the preference (" + path + "): " + error.text + "; " + state)
    }

    static func whatSends(_ programs: String, _ variables: String) -> String {
        "programs of " + programs + " go on sending if they did: end them, and put 'export " + variables
            + "' into your shell's profile (~/.profile)"
    }

    /// What keeps every program of the tool from sending; nil: nothing that is known here. A program knows its own
    /// default. A manifest that has an error does not tell it.
    private static func refusingSource(_ options: Options) -> String? {
        let known = options.error == nil ? options : Options(toolName: options.toolName, toolVersion: "")
        let decision = ConsentResolver.resolve(ConsentInputs.gather(options: known))
        if decision.isEnabled { return nil }
        let isDefault = decision.source == .defaultStance
        return isDefault && NoticeStore.shownVersion(tool: options.toolName) != nil ? nil : decision.reason
    }
}
