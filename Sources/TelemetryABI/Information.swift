import CSystem
import TelemetryCore

/// The library's version, as `0.1.0`. Static; never NULL.
@_cdecl("telemetry_version")
public func telemetryVersion() -> UnsafePointer<CChar> { csystem_text(TelemetryVersion.staticText) }

/// A sentence for a status. Static; never NULL, whatever the value.
@_cdecl("telemetry_status_text")
public func telemetryStatusText(status: telemetry_status) -> UnsafePointer<CChar> {
    csystem_text(status.text)
}

/// The bytes of a literal, which are terminated and live as long as the library.
func csystem_text(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
