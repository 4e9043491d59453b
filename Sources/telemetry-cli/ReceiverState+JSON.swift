// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The members and the text that `status` has for every receiver, of events or of metrics.
extension ReceiverState {
    /// `isEnabled`: telemetry is on. Nothing is tried while it is off.
    func add(to object: inout JSONObject, isEnabled: Bool) {
        object.add("last_success", optional: Self.time(lastSuccess))
        object.add("next_attempt", optional: isEnabled ? Self.time(nextAttempt) : nil)
        object.add("consecutive_failures", UInt64(failures))
        object.add("last_error", optional: lastError.utf8.isEmpty ? nil : lastError)
        object.add("taken_by", optional: taker.utf8.isEmpty ? nil : taker)
    }

    /// Behind what was delivered.
    func text(isEnabled: Bool) -> String {
        var text = ""
        if !taker.utf8.isEmpty { text += "; taken by " + taker }
        if !lastError.utf8.isEmpty { text += "; " + lastError }
        if isEnabled, failures > 0, let next = Self.time(nextAttempt) { text += "; next attempt " + next }
        return text
    }

    static func time(_ nanoseconds: Int64) -> String? { nanoseconds > 0 ? Timestamp.text(nanoseconds) : nil }
}
