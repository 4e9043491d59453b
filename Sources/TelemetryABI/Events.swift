// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Records an event.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: none. There is no lock, system call or allocation, except in one call of some hundred,
///     which begins a new segment.
///
/// @param type        TELEMETRY_FEATURE_USED or another event type: 1 to 64 letters, digits, '.',
///     '_' or '-'.
/// @param name        What happened, as UTF-8; at most 256 bytes are kept.
/// @param attributes  Keys and values, copied. NULL: none; if `count` is above 0, they are left out
///     (TELEMETRY_ADJUSTED). What looks like a secret, an e-mail address or a home directory in a
///     text is replaced, and the event is counted in telemetry_statistics::redacted.
/// @param count       Number of attributes; at most 64 are kept.
/// @return TELEMETRY_OK; TELEMETRY_ADJUSTED if it was recorded with a part shortened, repaired or
///     left out (invalid UTF-8, a limit, a key that is an event field's name); TELEMETRY_DISABLED;
///     TELEMETRY_ERROR_ARGUMENT for a missing or malformed type or name; TELEMETRY_ERROR_UNDECLARED
///     if the manifest lists the tool's events and this one is not in the list;
///     TELEMETRY_ERROR_DROPPED.
/// @since 0.1.0
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
/// Threads: any number at once.
/// Blocking: none.
///
/// @param command_path  The command and its subcommands, such as `mytool get apis`; the tool's own
///     name is removed. Two kinds of commands are not recorded: the tool without a command, and
///     meta commands (help, version, completion, man).
/// @param duration_ms   How long it ran, in milliseconds.
/// @param exit_code     Its exit code; one other than 0 gives the event an error category.
/// @param attributes    As for telemetry_track().
/// @param count         Number of attributes.
/// @return As telemetry_track(); TELEMETRY_OK also for a command that is not recorded.
/// @since 0.1.0
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

/// Records a command as telemetry_track_command() does, with arguments and error text. Unless
/// extended collection is on (telemetry_options_set_extended_collection()), these two are not read
/// at all. With it, they are recorded redacted.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param arguments       Arguments, as UTF-8; at most 64, 1024 bytes each, are kept. May be NULL.
/// @param argument_count  Number of arguments.
/// @param error           Error text; at most 4096 bytes are kept. May be NULL.
/// @return As telemetry_track_command().
/// @since 0.1.0
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

/// Begins to time a command. Call it as early as possible.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return The recorder, to be freed with telemetry_command_free() before the collector is closed.
///     NULL if telemetry is off or there is no memory; the functions of a recorder accept NULL.
/// @since 0.1.0
@_cdecl("telemetry_command_begin")
public func telemetryCommandBegin(collector: UnsafeMutablePointer<telemetry_collector>?) -> UnsafeMutablePointer<
    telemetry_command
>? {
    guard let collector, Gate.isOpen(collector) else { return nil }
    return onCallersThread(exhausted: nil) {
        let handle = UnsafeMutablePointer<telemetry_command>.allocate(capacity: 1)
        handle.initialize(
            to: telemetry_command(implementation: Unmanaged.passRetained(CommandRecorder(collector)).toOpaque()))
        return handle
    }
}

/// Says which command it is, as soon as the program knows it. The last call before finishing
/// counts.
///
/// Threads: one at a time for the same recorder.
/// Blocking: none.
///
/// @param command_path  As for telemetry_track_command(). Copied.
/// @return TELEMETRY_OK; TELEMETRY_DISABLED for a NULL recorder; TELEMETRY_ERROR_ARGUMENT for a
///     NULL path; TELEMETRY_ERROR_MEMORY.
/// @since 0.1.0
@_cdecl("telemetry_command_set")
public func telemetryCommandSet(command: UnsafeMutablePointer<telemetry_command>?, command_path: UnsafePointer<CChar>?)
    -> telemetry_status
{
    guard let command else { return TELEMETRY_DISABLED }
    guard let command_path else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) {
        recorder(command).set(command_path)
        return TELEMETRY_OK
    }
}

/// Records the command with the time since it began. Only the first call records. Without
/// telemetry_command_set() nothing is recorded.
///
/// Threads: one at a time for the same recorder.
/// Blocking: none.
///
/// @return As telemetry_track_command(); TELEMETRY_OK for a later call; TELEMETRY_DISABLED for
///     NULL.
/// @since 0.1.0
@_cdecl("telemetry_command_finish")
public func telemetryCommandFinish(
    command: UnsafeMutablePointer<telemetry_command>?, exit_code: Int32,
    attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let command else { return TELEMETRY_DISABLED }
    return onCallersThread { recorder(command).finish(exitCode: exit_code, attributes, count) }
}

/// Frees a recorder. A command that was not finished is not recorded. NULL is ignored.
///
/// Threads: one at a time for the same recorder.
/// Blocking: none.
///
/// @since 0.1.0
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
