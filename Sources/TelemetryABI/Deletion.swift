// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Asks for the erasure of what was sent about this user, as `telemetry request-deletion` does: by the
/// program's `request`, or else by the manifest's `deletion.endpoint`; if neither is there or it fails, by
/// an event through every backend that can carry one, also one that was chosen in code. It sends no
/// e-mail and starts no program: where the manifest has only an address, the report says which command
/// the user has to run. Call it when the user has asked for it: it needs no consent, but the
/// administrator's policy and "local only" forbid it. Each request leaves a receipt, which `telemetry
/// request-deletion --list` shows. What is on this machine stays there.
///
/// Threads: one at a time for the same options. A custom backend is called on a thread of the library, also
///     while a collector that has it is open.
/// Blocking: up to `timeout_ms`, and at most 50 ms more.
///
/// @param options     As for telemetry_open(). Not changed.
/// @param deletion    NULL: every identifier that is known on this machine, as the manifest says. Copied.
/// @param timeout_ms  Longest time to wait, in milliseconds.
/// @return TELEMETRY_OK: everybody was asked for every identifier; TELEMETRY_ABSENT: there is no identifier
///     to ask for; TELEMETRY_ERROR_DELIVERY: not everybody could be asked; TELEMETRY_ERROR_TIMEOUT: the
///     time was not enough; TELEMETRY_ERROR_SYSTEM: no thread could be started;
///     TELEMETRY_ERROR_ARGUMENT for NULL, options with an error, a size of 0 or a malformed identifier;
///     TELEMETRY_ERROR_MEMORY.
/// @since 0.1.0
@_cdecl("telemetry_request_deletion")
public func telemetryRequestDeletion(
    options: UnsafePointer<telemetry_options>?, deletion: UnsafePointer<telemetry_deletion>?, timeout_ms: UInt32
) -> telemetry_status {
    guard let options else { return TELEMETRY_ERROR_ARGUMENT }
    if let deletion, deletion.pointee.size == 0 { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread {
        guard Allocation.isAvailableForPass else { return TELEMETRY_ERROR_MEMORY }
        var given = telemetry_deletion()
        if let deletion {
            memcpy(&given, deletion, min(deletion.pointee.size, MemoryLayout<telemetry_deletion>.size))
        }
        let (call, context) = (given.request, given.context)
        let request = call.map { call in { (id: String) -> Bool in id.withCString { call(context, $0) } } }
        let done = ProgramDeletion(object(options), id: given.machine_id.map(string), request: request)
            .run(timeoutMilliseconds: timeout_ms)
        _ = write(done.report, to: given.report, given.report_size)
        return done.status
    }
}
