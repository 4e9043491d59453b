import CSystem
import TelemetryCore

/// Records an event.
///
/// @param type        TELEMETRY_FEATURE_USED or another event type: 1 to 64 letters, digits, '.',
///                    '_' or '-'.
/// @param name        What happened, as UTF-8; at most 256 bytes are kept.
/// @param attributes  Keys and values, copied. NULL: none; with a `count` above 0, those are left out
///                    (TELEMETRY_ADJUSTED). What looks like a secret, an e-mail address or a home
///                    directory in a text is replaced, and the event counted in
///                    telemetry_statistics::redacted.
/// @param count       Number of attributes; at most 64 are kept.
/// @return TELEMETRY_OK; TELEMETRY_ADJUSTED if it was recorded with a part shortened, repaired or
///         left out (invalid UTF-8, a limit, a key that is an event field's name);
///         TELEMETRY_DISABLED; TELEMETRY_ERROR_ARGUMENT for a missing or malformed type or name;
///         TELEMETRY_ERROR_UNDECLARED if the manifest lists the events there are and this one is not
///         among them; TELEMETRY_ERROR_DROPPED.
///
/// Thread-safe, does not block: no lock, system call or allocation but for one call in some
/// hundred that begins a new segment. Not for signal handlers.
@_cdecl("telemetry_track")
@inline(__always)
@_optimize(speed)
public func telemetryTrack(
    collector: UnsafeMutablePointer<telemetry_collector>?, type: UnsafePointer<CChar>?, name: UnsafePointer<CChar>?,
    attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let collector, Gate.isOpen(collector) else { return TELEMETRY_DISABLED }
    return Recording.track(collector, type, name, attributes, count)
}

/// Records a command that has run, as an event of type TELEMETRY_COMMAND_INVOCATION.
///
/// @param command_path  The command and its subcommands, as `mytool get apis`; the tool's own name
///                      is taken off. A bare run of the tool and meta commands (help, version,
///                      completion, man) are not recorded.
/// @param duration_ms   How long it ran, in milliseconds.
/// @param exit_code     Its exit code; another than 0 gives the event an error category.
/// @param attributes    As for telemetry_track().
/// @param count         Number of attributes.
/// @return As telemetry_track(); TELEMETRY_OK also for a command that is not recorded.
///
/// Thread-safe, does not block.
@_cdecl("telemetry_track_command")
public func telemetryTrackCommand(
    collector: UnsafeMutablePointer<telemetry_collector>?, command_path: UnsafePointer<CChar>?,
    duration_ms: Int64, exit_code: Int32, attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let collector, Gate.isOpen(collector) else { return TELEMETRY_DISABLED }
    return onCallersThread {
        var command = CommandInput(durationMilliseconds: duration_ms, exitCode: exit_code)
        command.attributes = attributes
        command.attributeCount = count
        return CommandRecording.track(collector, command_path, command)
    }
}

/// As telemetry_track_command(), with arguments and error text. Unless extended collection is on
/// (telemetry_options_set_extended_collection()), these two are not so much as read; with it, they are
/// recorded redacted.
///
/// @param arguments       Arguments, as UTF-8; at most 64, 1024 bytes each, are kept. May be NULL.
/// @param argument_count  Number of arguments.
/// @param error           Error text, at most 4096 bytes are kept. May be NULL.
/// @return As telemetry_track_command().
///
/// Thread-safe, does not block.
@_cdecl("telemetry_track_command_extended")
public func telemetryTrackCommandExtended(
    collector: UnsafeMutablePointer<telemetry_collector>?, command_path: UnsafePointer<CChar>?,
    arguments: UnsafePointer<UnsafePointer<CChar>?>?, argument_count: Int, error: UnsafePointer<CChar>?,
    duration_ms: Int64, exit_code: Int32, attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let collector, Gate.isOpen(collector) else { return TELEMETRY_DISABLED }
    return onCallersThread {
        var command = CommandInput(durationMilliseconds: duration_ms, exitCode: exit_code)
        command.arguments = arguments
        command.argumentCount = argument_count
        command.error = error
        command.attributes = attributes
        command.attributeCount = count
        return CommandRecording.track(collector, command_path, command)
    }
}

/// Begins to time a command; call it first thing.
///
/// @return The recorder, to be freed with telemetry_command_free() before the collector is closed.
///         NULL when telemetry is off or memory is out, and its functions accept that.
///
/// Thread-safe, does not block.
@_cdecl("telemetry_command_begin")
public func telemetryCommandBegin(collector: UnsafeMutablePointer<telemetry_collector>?) -> UnsafeMutablePointer<telemetry_command>? {
    guard let collector, Gate.isOpen(collector) else { return nil }
    return onCallersThread(exhausted: nil) {
        let handle = UnsafeMutablePointer<telemetry_command>.allocate(capacity: 1)
        handle.initialize(to: telemetry_command(implementation: Unmanaged.passRetained(CommandRecorder(collector)).toOpaque()))
        return handle
    }
}

/// Says which command it is, once that is known. The last call before finishing counts.
///
/// @param command_path  As for telemetry_track_command(). Copied.
/// @return TELEMETRY_OK; TELEMETRY_DISABLED for a NULL recorder; TELEMETRY_ERROR_ARGUMENT for a
///         NULL path; TELEMETRY_ERROR_MEMORY.
@_cdecl("telemetry_command_set")
public func telemetryCommandSet(command: UnsafeMutablePointer<telemetry_command>?, command_path: UnsafePointer<CChar>?) -> telemetry_status {
    guard let command else { return TELEMETRY_DISABLED }
    guard let command_path else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) {
        recorder(command).set(command_path)
        return TELEMETRY_OK
    }
}

/// Records the command with the time since it began. Only the first call does; without
/// telemetry_command_set() nothing is recorded.
///
/// @return As telemetry_track_command(); TELEMETRY_OK for a later call; TELEMETRY_DISABLED for NULL.
@_cdecl("telemetry_command_finish")
public func telemetryCommandFinish(
    command: UnsafeMutablePointer<telemetry_command>?, exit_code: Int32,
    attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let command else { return TELEMETRY_DISABLED }
    return onCallersThread { recorder(command).finish(exitCode: exit_code, attributes, count) }
}

/// Frees a recorder; one that was not finished records nothing. NULL is ignored.
@_cdecl("telemetry_command_free")
public func telemetryCommandFree(command: UnsafeMutablePointer<telemetry_command>?) {
    guard let command else { return }
    onCallersThread {
        Unmanaged<CommandRecorder>.fromOpaque(command.pointee.implementation).release()
        command.deallocate()
    }
}

func recorder(_ command: UnsafeMutablePointer<telemetry_command>) -> CommandRecorder {
    Unmanaged<CommandRecorder>.fromOpaque(command.pointee.implementation).takeUnretainedValue()
}
