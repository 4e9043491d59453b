import CSystem
import TelemetryCore

/// Records a failure, as an event of type TELEMETRY_COMMAND_ERROR.
///
/// @param name            What failed, as the command's path; at most 256 bytes are kept.
/// @param error_category  One of the categories below telemetry_error_category_from_exit_code(); NULL
///                        for "unknown". Any other text is recorded as "unknown" (TELEMETRY_ADJUSTED).
/// @param error           The message. Not so much as read unless extended collection is on
///                        (telemetry_options_set_extended_collection()); then recorded redacted, at
///                        most 4096 bytes. May be NULL.
/// @param attributes      As for telemetry_track().
/// @param count           Number of attributes.
/// @return As telemetry_track().
///
/// Thread-safe, does not block.
@_cdecl("telemetry_track_error")
public func telemetryTrackError(
    collector: UnsafeMutablePointer<telemetry_collector>?, name: UnsafePointer<CChar>?, error_category: UnsafePointer<CChar>?,
    error: UnsafePointer<CChar>?, attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let collector, Gate.isOpen(collector) else { return TELEMETRY_DISABLED }
    return onCallersThread { CommandRecording.trackError(collector, name, error_category, error, attributes, count) }
}

/// Says what kind of failure a command ended with, in the place of what its exit code says.
///
/// @param error_category  One of the categories below telemetry_error_category_from_exit_code().
/// @return TELEMETRY_OK; TELEMETRY_ADJUSTED if it is none of them and "unknown" will be recorded;
///         TELEMETRY_DISABLED for a NULL recorder; TELEMETRY_ERROR_ARGUMENT for a NULL category.
@_cdecl("telemetry_command_set_error_category")
public func telemetryCommandSetErrorCategory(
    command: UnsafeMutablePointer<telemetry_command>?, error_category: UnsafePointer<CChar>?
) -> telemetry_status {
    guard let command else { return TELEMETRY_DISABLED }
    guard let error_category else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread { recorder(command).set(category: error_category) ? TELEMETRY_OK : TELEMETRY_ADJUSTED }
}

/// The category of an exit code: sysexits.h, a shell's 126, 127 and 128 + signal, 124 of timeout(1).
///
/// The categories are "usage", "auth", "network", "timeout", "not_found", "conflict", "permission",
/// "rate_limited", "server", "cancelled", "unavailable", "resource" (disk, memory, limits), "data"
/// (malformed input), "internal" and "unknown". telemetry_track_command() and
/// telemetry_command_finish() use this function by themselves.
///
/// @return Static; never NULL. "" for 0, which is no failure.
///
/// Thread-safe, as are the three below.
@_cdecl("telemetry_error_category_from_exit_code")
public func telemetryErrorCategoryFromExitCode(exit_code: Int32) -> UnsafePointer<CChar> { text(.of(exitCode: exit_code)) }

/// The category of an errno value.
///
/// @return As telemetry_error_category_from_exit_code().
@_cdecl("telemetry_error_category_from_errno")
public func telemetryErrorCategoryFromErrno(errno_value: Int32) -> UnsafePointer<CChar> { text(.of(errno: errno_value)) }

/// The category of an HTTP status.
///
/// @param http_status  0: no answer came, which is "network".
/// @return Static; never NULL. "" for 100 to 399, which is no failure.
@_cdecl("telemetry_error_category_from_http_status")
public func telemetryErrorCategoryFromHTTPStatus(http_status: Int32) -> UnsafePointer<CChar> { text(.of(httpStatus: http_status)) }

/// The category of an error message, by English phrases that tools commonly write. The first 1024
/// bytes are looked at; nothing is kept or recorded of them.
///
/// @return Static; never NULL. "unknown" when nothing is recognised; "" for NULL and "".
@_cdecl("telemetry_error_category_from_message")
public func telemetryErrorCategoryFromMessage(message: UnsafePointer<CChar>?) -> UnsafePointer<CChar> {
    guard let message, message.pointee != 0 else { return text(nil) }
    return text(ErrorMessage.category(message))
}

private func text(_ category: ErrorCategory?) -> UnsafePointer<CChar> { category?.text ?? csystem_text("") }
