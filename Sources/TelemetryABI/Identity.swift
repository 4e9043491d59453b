import CSystem
import TelemetryCore

/// What the events of one user on one machine have in common. Default: TELEMETRY_IDENTITY_SALTED,
/// never replaced.
///
/// @param kind           What machine_id is.
/// @param rotation_days  Age at which the salt or the UUID is replaced, in days, at most 3650; an id
///                       before and after is unrelated. 0: never. Of no effect on the other kinds.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or a value out of range, with
///         the text in telemetry_options_error().
///
/// Does not block. Ids of earlier rotations stay on this machine, for `telemetry request-deletion`.
@_cdecl("telemetry_options_set_identity")
public func telemetryOptionsSetIdentity(
    options: UnsafeMutablePointer<telemetry_options>?, kind: telemetry_identity, rotation_days: UInt32
) -> telemetry_status {
    configure(options) { $0.setIdentity(kind, rotationDays: rotation_days) }
}

/// Whether the identifier lives no longer than the process: machine_id is then `ephemeral-` and 32 hex
/// digits, and nothing is stored. Default: TELEMETRY_EPHEMERAL_AUTO. TELEMETRY_IDENTITY_NONE stays none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value, with the text
///         in telemetry_options_error().
///
/// Does not block.
@_cdecl("telemetry_options_set_ephemeral")
public func telemetryOptionsSetEphemeral(
    options: UnsafeMutablePointer<telemetry_options>?, mode: telemetry_ephemeral
) -> telemetry_status {
    configure(options) { $0.setEphemeral(mode) }
}
