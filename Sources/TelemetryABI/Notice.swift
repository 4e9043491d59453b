// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Sets the notice that the user is shown before anything is collected. telemetry_prompt() shows
/// it, and adds how to see the data, stop its collection and erase it. A tool's manifest can say
/// the same. When the version changes, an earlier yes does not count until the user has been asked
/// again.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param notice  Copied. NULL: the tool has no notice; a general one is shown.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_notice")
public func telemetryOptionsSetNotice(
    options: UnsafeMutablePointer<telemetry_options>?, notice: UnsafePointer<telemetry_notice>?
) -> telemetry_status {
    configure(options) { $0.setNotice(notice.map { Notice($0) }) }
}

/// Shows the notice on a first run. For an opt-in tool it then asks `Allow NAME to collect this? [y/N]`
/// and stores the answer. Call it before telemetry_open().
///
/// It does something only if all of these are true: standard input and error are terminals, and
/// this process is in the foreground; this is not continuous integration, and not root for another
/// user; no source of consent above the default has decided, or the user's yes was given to another
/// version of the notice. Otherwise it returns at once.
///
/// All text goes to standard error, never to standard output. No signal is handled and no terminal
/// mode is changed, so Ctrl-C ends the program as always. Ctrl-C, the end of input, a hangup and an
/// answer that is neither yes nor no (asked twice) store nothing.
///
/// Threads: one at a time.
/// Blocking: until the user has answered.
///
/// @param options  As for telemetry_open(). Not changed.
/// @return TELEMETRY_OK: the user was asked, or there was nothing to do; telemetry_open() reads the
///     answer. TELEMETRY_ERROR_SYSTEM: the notice could not be shown or the answer could not be
///     stored. TELEMETRY_ERROR_ARGUMENT for NULL.
/// @since 0.1.0
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

/// Stores the user's answer for the tool, for all its processes. `telemetry enable` and `telemetry
/// disable` do the same. With this function a tool can offer its own switch. Call it only when the
/// user has decided.
///
/// `false` also erases every event that waits. When it returns TELEMETRY_OK nothing leaves any
/// more, and running processes of the tool stop recording. Only the tool's name is needed: the
/// answer is stored even if the options have an error, and, if there is no room, it is written over
/// the earlier answer.
///
/// Threads: any number at once.
/// Blocking: until the answer is on disk. `false` also waits for a running delivery, for seconds at
///     most.
///
/// @param options  As for telemetry_open(). Not changed.
/// @return TELEMETRY_OK; TELEMETRY_OVERRULED: stored, but another source decides otherwise;
///     TELEMETRY_ERROR_SYSTEM: not stored, and the earlier answer still counts (the waiting events
///     are erased nevertheless, if their directory can be written to); TELEMETRY_ERROR_TIMEOUT:
///     stored, and it counts, but what waited could not be erased, or a process that was sending
///     does not answer; TELEMETRY_ERROR_ARGUMENT for NULL.
/// @since 0.1.0
@_cdecl("telemetry_set_preference")
public func telemetrySetPreference(options: UnsafePointer<telemetry_options>?, enabled: Bool) -> telemetry_status {
    guard let options else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) { PreferenceChange.store(enabled, object(options)) }
}

/// Says what the user has answered for this tool. telemetry_set_preference(), `telemetry enable` and
/// `telemetry disable` store the answer. Other sources may decide otherwise: telemetry_explain() names all
/// of them, and telemetry_enabled() has the result.
///
/// Threads: one at a time for the same options.
/// Blocking: reads one file.
///
/// @return A telemetry_preference; TELEMETRY_PREFERENCE_UNSET for NULL.
/// @since 0.1.0
@_cdecl("telemetry_get_preference")
public func telemetryGetPreference(options: UnsafePointer<telemetry_options>?) -> telemetry_preference {
    guard let options else { return TELEMETRY_PREFERENCE_UNSET }
    return onCallersThread(exhausted: TELEMETRY_PREFERENCE_UNREADABLE) {
        switch PreferenceStore.read(tool: object(options).toolName) {
        case .on: TELEMETRY_PREFERENCE_ENABLED
        case .off: TELEMETRY_PREFERENCE_DISABLED
        case .absent: TELEMETRY_PREFERENCE_UNSET
        case .unusable, .unreachable: TELEMETRY_PREFERENCE_UNREADABLE
        }
    }
}

/// Says in which file the user's answer for this tool is, whether the file exists or not.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param buffer  Receives the path, cut to `size` and always terminated. May be NULL if `size` is
///     0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole path without its terminator; 0: the user has no directory for it, the
///     tool's name is not one, or NULL.
/// @since 0.1.0
@_cdecl("telemetry_preference_path")
public func telemetryPreferencePath(
    options: UnsafePointer<telemetry_options>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    path(options, buffer, size) { PreferenceStore.path(tool: $0.toolName) }
}

/// Says in which directory this tool's data is: events that wait, identifiers, the audit log. It is made
/// with the first event.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param buffer  Receives the path, cut to `size` and always terminated. May be NULL if `size` is
///     0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole path without its terminator; 0: the user has no state directory, the
///     tool's name is not one, or NULL.
/// @since 0.1.0
@_cdecl("telemetry_data_directory")
public func telemetryDataDirectory(
    options: UnsafePointer<telemetry_options>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    path(options, buffer, size) { ToolName.isValid($0.toolName) ? SpoolInspector.path(options: $0) : nil }
}

private func path(
    _ options: UnsafePointer<telemetry_options>?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int,
    _ find: (Options) -> String?
) -> Int {
    onCallersThread(exhausted: 0) { write(options.flatMap { find(object($0)) } ?? "", to: buffer, size) }
}

extension Notice {
    /// A host compiled against another version of the header says with `size` which members it knows.
    fileprivate convenience init(_ given: UnsafePointer<telemetry_notice>) {
        let members = UnsafeRawPointer(given).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
        // All members behind `size` are pointers, and `size` is as large as a pointer.
        let known = min(given.pointee.size, MemoryLayout<telemetry_notice>.size) / MemoryLayout<UnsafeRawPointer?>.size
        var texts: [String] = []
        for index in 1..<max(1, known) { texts.append(members[index].map(string) ?? "") }
        self.init(texts)
    }
}
