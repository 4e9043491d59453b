// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Sets what the events of one user on one machine have in common. Default:
/// TELEMETRY_IDENTITY_SALTED, never replaced. Ids of earlier rotations stay on this machine, for
/// `telemetry request-deletion`.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param kind           How machine_id is made.
/// @param rotation_days  Age at which the salt or the UUID is replaced, in days, at most 3650. The
///     new id has no relation to the old one. 0: never. Has no effect on the other kinds.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or a value out of range, with
///     the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_identity")
public func telemetryOptionsSetIdentity(
    options: UnsafeMutablePointer<telemetry_options>?, kind: telemetry_identity, rotation_days: UInt32
) -> telemetry_status {
    configure(options) { $0.setIdentity(kind, rotationDays: rotation_days) }
}

/// Sets when the identifier is only for this process. machine_id is then `ephemeral-` and 32 hex
/// digits, and nothing is stored. Default: TELEMETRY_EPHEMERAL_AUTO. TELEMETRY_IDENTITY_NONE still
/// means no identifier.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value, with the
///     text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_ephemeral")
public func telemetryOptionsSetEphemeral(
    options: UnsafeMutablePointer<telemetry_options>?, mode: telemetry_ephemeral
) -> telemetry_status {
    configure(options) { $0.setEphemeral(mode) }
}

/// Gives the identifier that this collector's events carry. If there is none yet, it is made, as the
/// first event makes it.
///
/// Threads: any number at once.
/// Blocking: as the first event: opens the state directory.
///
/// @param buffer  Receives the text, cut to `size` and always terminated. May be NULL if `size` is
///     0.
/// @param size    Bytes that `buffer` holds; 128 are enough.
/// @return Length of the whole text without its terminator; 0: the events carry none
///     (TELEMETRY_IDENTITY_NONE), nothing is recorded, or NULL.
/// @since 0.1.0
@_cdecl("telemetry_machine_id")
public func telemetryMachineID(
    collector: UnsafeMutablePointer<telemetry_collector>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        write(collector.map { Collector.from($0).presentMachineID } ?? "", to: buffer, size)
    }
}
