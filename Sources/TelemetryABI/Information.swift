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
