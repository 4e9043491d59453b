// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What `status` says about one backend.
extension DestinationReport {
    func json(_ guarantee: String) -> JSONObject {
        var object = JSONObject()
        object.add("name", name)
        object.add("kind", kind)
        object.add("info", info)
        object.add("guarantee", isUnacknowledged ? "at-most-once" : guarantee)
        object.add("recorded", recorded)
        object.add("delivered", delivered)
        object.add("pending", pending)
        object.add("dropped", dropped)
        object.add("last_success", optional: Self.time(lastSuccess))
        object.add("next_attempt", optional: Self.time(nextAttempt))
        object.add("consecutive_failures", UInt64(failures))
        object.add("last_error", optional: lastError.utf8.isEmpty ? nil : lastError)
        object.add("taken_by", optional: taker.utf8.isEmpty ? nil : taker)
        return object
    }

    /// The text for one of several backends.
    var text: String {
        var text = "\(delivered) delivered, \(pending) pending, \(dropped) dropped"
        if !taker.utf8.isEmpty { text += "; taken by " + taker }
        if !lastError.utf8.isEmpty { text += "; " + lastError }
        if failures > 0, let next = Self.time(nextAttempt) { text += "; next attempt " + next }
        return text
    }

    private static func time(_ nanoseconds: Int64) -> String? { nanoseconds > 0 ? Timestamp.text(nanoseconds) : nil }
}
