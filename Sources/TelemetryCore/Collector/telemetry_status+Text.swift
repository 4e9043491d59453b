// SPDX-License-Identifier: Apache-2.0
import CSystem

extension telemetry_status {
    /// A sentence for people.
    package var text: StaticString {
        switch self {
        case TELEMETRY_OK: "done"
        case TELEMETRY_ADJUSTED: "recorded, with a part shortened, repaired or left out"
        case TELEMETRY_DISABLED: "telemetry is off, or the span has ended or is not recorded"
        case TELEMETRY_OVERRULED: "the answer is stored, but another source decides otherwise"
        case TELEMETRY_ABSENT: "there is no such value"
        case TELEMETRY_ERROR_ARGUMENT: "an argument is missing, malformed or out of range"
        case TELEMETRY_ERROR_UNDECLARED: "the event is not declared in the tool's manifest, or has expired"
        case TELEMETRY_ERROR_DROPPED: "the event could not be stored"
        case TELEMETRY_ERROR_TIMEOUT: "the deadline passed; what was not delivered is kept"
        case TELEMETRY_ERROR_DELIVERY: "the backend did not accept the events; they are kept"
        case TELEMETRY_ERROR_MANIFEST: "the manifest cannot be used"
        case TELEMETRY_ERROR_SYSTEM: "the operating system refused"
        case TELEMETRY_ERROR_MEMORY: "out of memory"
        default: "unknown status"
        }
    }
}
