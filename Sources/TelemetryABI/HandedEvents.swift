// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Reads a field of an event by its name in JSON: `schema_version`, `event_id`, `timestamp`, `type`, `name`,
/// `machine_id`, `tool_name`, `version`, `os`, `arch`, `os_version`, `runtime`, `duration_ms`, `exit_code`,
/// `error_category` or `error` (docs/reading-events.md). `timestamp` is an int here: nanoseconds since
/// 1970-01-01 UTC. `timestamp_text` is the text that JSON has. `args` and `metadata` have separate
/// functions.
///
/// Threads: the one that the callback runs on.
/// Blocking: none.
///
/// @param event  From telemetry_backend::send_events().
/// @param name   Also becomes the value's key.
/// @param value  Receives a TELEMETRY_INT, or a TELEMETRY_STRING that ends in NUL and is valid until the
///     callback returns. Left as it is without a result.
/// @return TELEMETRY_OK; TELEMETRY_ABSENT: this event has no such field; TELEMETRY_ERROR_ARGUMENT: no event
///     has a field of that name, or NULL; TELEMETRY_ERROR_MEMORY.
/// @since 0.1.0
@_cdecl("telemetry_event_field")
public func telemetryEventField(
    event: UnsafePointer<telemetry_event>?, name: UnsafePointer<CChar>?,
    value: UnsafeMutablePointer<telemetry_attribute>?
) -> telemetry_status {
    guard let event, let name, let value else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) {
        let status = HandedEvent(event).field(string(name), value)
        if status == TELEMETRY_OK { value.pointee.key = name }
        return status
    }
}

/// Gives the number of attributes of an event: its own and the tool's metadata, as in JSON.
///
/// Threads: the one that the callback runs on.
/// Blocking: none.
///
/// @return The number; 0 for NULL.
/// @since 0.1.0
@_cdecl("telemetry_event_attribute_count")
public func telemetryEventAttributeCount(event: UnsafePointer<telemetry_event>?) -> Int {
    guard let event else { return 0 }
    return onCallersThread { HandedEvent(event).attributeCount }
}

/// Reads an attribute of an event.
///
/// Threads: the one that the callback runs on.
/// Blocking: none.
///
/// @param index      From 0.
/// @param attribute  Receives key and value; the texts end in NUL and are valid until the callback returns.
///     Left as it is without a result.
/// @return TELEMETRY_OK; TELEMETRY_ABSENT: there are not so many; TELEMETRY_ERROR_ARGUMENT for NULL;
///     TELEMETRY_ERROR_MEMORY.
/// @since 0.1.0
@_cdecl("telemetry_event_attribute")
public func telemetryEventAttribute(
    event: UnsafePointer<telemetry_event>?, index: Int, attribute: UnsafeMutablePointer<telemetry_attribute>?
) -> telemetry_status {
    guard let event, let attribute else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) { HandedEvent(event).attribute(index, attribute) }
}

/// Gives the number of arguments of a command that were recorded; see
/// telemetry_options_set_extended_collection().
///
/// Threads: the one that the callback runs on.
/// Blocking: none.
///
/// @return The number; 0 for NULL.
/// @since 0.1.0
@_cdecl("telemetry_event_argument_count")
public func telemetryEventArgumentCount(event: UnsafePointer<telemetry_event>?) -> Int {
    guard let event else { return 0 }
    return onCallersThread { HandedEvent(event).argumentCount }
}

/// Reads an argument of a command.
///
/// Threads: the one that the callback runs on.
/// Blocking: none.
///
/// @param index  From 0.
/// @return The text, valid until the callback returns; NULL: there are not so many, NULL, or no memory.
/// @since 0.1.0
@_cdecl("telemetry_event_argument")
public func telemetryEventArgument(event: UnsafePointer<telemetry_event>?, index: Int) -> UnsafePointer<CChar>? {
    guard let event else { return nil }
    return onCallersThread(exhausted: nil) { HandedEvent(event).argument(index) }
}
