// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The members and the text that `status` has for every receiver, of events or of metrics.
extension ReceiverState {
    func add(to object: inout JSONObject) {
        object.add("last_success", optional: Self.time(lastSuccess))
        object.add("next_attempt", optional: Self.time(nextAttempt))
        object.add("consecutive_failures", UInt64(failures))
        object.add("last_error", optional: lastError.utf8.isEmpty ? nil : lastError)
        object.add("taken_by", optional: taker.utf8.isEmpty ? nil : taker)
    }

    /// Behind what was delivered.
    var text: String {
        var text = ""
        if !taker.utf8.isEmpty { text += "; taken by " + taker }
        if !lastError.utf8.isEmpty { text += "; " + lastError }
        if failures > 0, let next = Self.time(nextAttempt) { text += "; next attempt " + next }
        return text
    }

    static func time(_ nanoseconds: Int64) -> String? { nanoseconds > 0 ? Timestamp.text(nanoseconds) : nil }
}
