// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Gives the library's version, such as `0.1.0`.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return Static; never NULL.
/// @since 0.1.0
@_cdecl("telemetry_version")
public func telemetryVersion() -> UnsafePointer<CChar> { TelemetryVersion.staticText.cString }

/// Gives the `schema_version` of the events that this library records. TELEMETRY_SCHEMA_VERSION is that
/// of the header.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return 1 or more.
/// @since 0.1.0
@_cdecl("telemetry_schema_version")
public func telemetrySchemaVersion() -> UInt32 { UInt32(truncatingIfNeeded: EventSchema.version) }

/// Gives a sentence for a status.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return Static; never NULL, whatever the value.
/// @since 0.1.0
@_cdecl("telemetry_status_text")
public func telemetryStatusText(status: telemetry_status) -> UnsafePointer<CChar> {
    status.text.cString
}
