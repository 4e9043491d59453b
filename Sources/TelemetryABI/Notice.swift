import CSystem
import TelemetryCore

/// What the user is told before anything is collected: telemetry_prompt() shows it, with how to see
/// the data, stop its collection and erase it. A tool's manifest can say the same. When the version
/// changes, an earlier yes no longer counts until the user has been asked again.
///
/// @param notice  Copied. NULL: none of the tool's own; a generic one is shown.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
@_cdecl("telemetry_options_set_notice")
public func telemetryOptionsSetNotice(
    options: UnsafeMutablePointer<telemetry_options>?, notice: UnsafePointer<telemetry_notice>?
) -> telemetry_status {
    configure(options) { $0.setNotice(notice.map { Notice($0) }) }
}

/// The first-run step: shows the notice and, for an opt-in tool, asks `Allow NAME to collect this?
/// [y/N]` and keeps the answer. Call it before telemetry_open(). It does something only where a person
/// can answer and still has to: standard input and error are terminals and this process is in the
/// foreground, no continuous integration, not root for another user, no source of consent above the
/// default has decided (or a yes was given to another version of the notice). Else it returns at once.
///
/// All text goes to standard error, never to standard output. No signal is handled and no terminal mode
/// changed: Ctrl-C ends the program as always. That, the end of input, a hangup and an answer that is
/// neither yes nor no (asked twice) store nothing.
///
/// @param options  As for telemetry_open(). Not changed.
/// @return TELEMETRY_OK: asked, or nothing to do; telemetry_open() finds out what was answered.
///         TELEMETRY_ERROR_SYSTEM: the notice could not be shown or the answer not be stored.
///         TELEMETRY_ERROR_ARGUMENT for NULL.
///
/// Blocks until the user has answered. From one thread at a time.
@_cdecl("telemetry_prompt")
public func telemetryPrompt(options: UnsafePointer<telemetry_options>?) -> telemetry_status {
    guard let options else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) {
        do throws(SystemError) {
            try Prompt.run(object(options))
            return TELEMETRY_OK
        } catch {
            return TELEMETRY_ERROR_SYSTEM
        }
    }
}

/// Stores the user's answer for the tool, for all its processes: what `telemetry enable` and
/// `telemetry disable` do, so that a tool can offer its own switch. Only for a decision of the user's.
/// `false` also erases every event that waits; when it returns TELEMETRY_OK nothing leaves any more,
/// and running processes of the tool stop recording. It needs the tool's name only: it is stored even if
/// the options have an error, and, where there is no room, in place of the earlier answer.
///
/// @param options  As for telemetry_open(). Not changed.
/// @return TELEMETRY_OK; TELEMETRY_OVERRULED: stored, but another source decides otherwise;
///         TELEMETRY_ERROR_SYSTEM: not stored, and the earlier answer stands (the waiting events are
///         erased all the same, if their directory can be written to); TELEMETRY_ERROR_TIMEOUT: stored,
///         and it holds, but what waited could not be erased, or a process that was sending does not answer; TELEMETRY_ERROR_ARGUMENT for NULL.
///
/// Thread-safe. Blocks: the answer is on disk when it returns, and `false` waits for a delivery under
/// way, for seconds at most.
@_cdecl("telemetry_set_preference")
public func telemetrySetPreference(options: UnsafePointer<telemetry_options>?, enabled: Bool) -> telemetry_status {
    guard let options else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) { PreferenceChange.store(enabled, object(options)) }
}

extension Notice {
    /// A host compiled against another version of the header says with `size` which members it knows.
    fileprivate convenience init(_ given: UnsafePointer<telemetry_notice>) {
        let members = UnsafeRawPointer(given).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
        // Pointers all of them, behind `size`, which is as large as one.
        let known = min(given.pointee.size, MemoryLayout<telemetry_notice>.size) / MemoryLayout<UnsafeRawPointer?>.size
        var texts: [String] = []
        for index in 1..<max(1, known) { texts.append(members[index].map(string) ?? "") }
        self.init(texts)
    }
}
