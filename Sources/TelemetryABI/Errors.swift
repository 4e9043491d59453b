// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Records a failure, as an event of type TELEMETRY_COMMAND_ERROR.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param name            What failed, as the command's path; at most 256 bytes are kept.
/// @param error_category  One of the categories that telemetry_error_category_from_exit_code()
///     lists; NULL means "unknown". Any other text is recorded as "unknown" (TELEMETRY_ADJUSTED).
/// @param error           The message. It is not read at all unless extended collection is on
///     (telemetry_options_set_extended_collection()). Then it is recorded redacted, at most 4096
///     bytes. May be NULL.
/// @param attributes      As for telemetry_track().
/// @param count           Number of attributes.
/// @return As telemetry_track().
/// @since 0.1.0
@_cdecl("telemetry_track_error")
public func telemetryTrackError(
    collector: UnsafeMutablePointer<telemetry_collector>?, name: UnsafePointer<CChar>?,
    error_category: UnsafePointer<CChar>?,
    error: UnsafePointer<CChar>?, attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let collector, Gate.isOpen(collector) else { return TELEMETRY_DISABLED }
    return onCallersThread { CommandRecording.trackError(collector, name, error_category, error, attributes, count) }
}

/// Sets the error category of a command. It replaces the one that the exit code gives.
///
/// Threads: one at a time for the same recorder.
/// Blocking: none.
///
/// @param error_category  One of the categories that telemetry_error_category_from_exit_code()
///     lists.
/// @return TELEMETRY_OK; TELEMETRY_ADJUSTED if it is none of them and "unknown" will be recorded;
///     TELEMETRY_DISABLED for a NULL recorder; TELEMETRY_ERROR_ARGUMENT for a NULL category.
/// @since 0.1.0
@_cdecl("telemetry_command_set_error_category")
public func telemetryCommandSetErrorCategory(
    command: UnsafeMutablePointer<telemetry_command>?, error_category: UnsafePointer<CChar>?
) -> telemetry_status {
    guard let command else { return TELEMETRY_DISABLED }
    guard let error_category else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread { recorder(command).set(category: error_category) ? TELEMETRY_OK : TELEMETRY_ADJUSTED }
}

/// Gives the category of an exit code: sysexits.h, a shell's 126, 127 and 128 + signal, 124 of
/// timeout(1).
///
/// The categories are "usage", "auth", "network", "timeout", "not_found", "conflict", "permission",
/// "rate_limited", "server", "cancelled", "unavailable", "resource" (disk, memory, limits), "data"
/// (malformed input), "internal" and "unknown". telemetry_track_command() and
/// telemetry_command_finish() call this function themselves.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return Static; never NULL. "" for 0, which is not a failure.
/// @since 0.1.0
@_cdecl("telemetry_error_category_from_exit_code")
public func telemetryErrorCategoryFromExitCode(exit_code: Int32) -> UnsafePointer<CChar> {
    text(.of(exitCode: exit_code))
}

/// Gives the category of an errno value.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return As telemetry_error_category_from_exit_code().
/// @since 0.1.0
@_cdecl("telemetry_error_category_from_errno")
public func telemetryErrorCategoryFromErrno(errno_value: Int32) -> UnsafePointer<CChar> {
    text(.of(errno: errno_value))
}

/// Gives the category of an HTTP status.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param http_status  0 means that no answer came, which is "network".
/// @return Static; never NULL. "" for 100 to 399, which are not failures.
/// @since 0.1.0
@_cdecl("telemetry_error_category_from_http_status")
public func telemetryErrorCategoryFromHTTPStatus(http_status: Int32) -> UnsafePointer<CChar> {
    text(.of(httpStatus: http_status))
}

/// Gives the category of an error message, by English phrases that tools commonly write. Only the
/// first 1024 bytes are read. Nothing of the message is kept or recorded.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return Static; never NULL. "unknown" if nothing is recognised; "" for NULL and "".
/// @since 0.1.0
@_cdecl("telemetry_error_category_from_message")
public func telemetryErrorCategoryFromMessage(message: UnsafePointer<CChar>?) -> UnsafePointer<CChar> {
    guard let message, message.pointee != 0 else { return text(nil) }
    return text(ErrorMessage.category(message))
}

private func text(_ category: ErrorCategory?) -> UnsafePointer<CChar> { category?.text ?? ("" as StaticString).cString }
