// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What `status` says about one receiver of metrics.
extension MetricDestinationReport {
    var json: JSONObject {
        var object = JSONObject()
        object.add("name", name)
        object.add("info", info)
        object.add("temporality", isDelta ? "delta" : "cumulative")
        object.add("interval_ms", intervalMilliseconds)
        object.add("points_accepted", accepted)
        object.add("points_rejected", rejected)
        object.add("points_unconfirmed", unconfirmed)
        object.add("requests_without_copy", uncopied)
        object.add("last_success", optional: Self.time(lastSuccess))
        object.add("next_attempt", optional: Self.time(nextAttempt))
        object.add("consecutive_failures", UInt64(failures))
        object.add("last_error", optional: lastError.utf8.isEmpty ? nil : lastError)
        object.add("taken_by", optional: taker.utf8.isEmpty ? nil : taker)
        return object
    }

    var text: String {
        var text = info + ", " + (isDelta ? "delta" : "cumulative") + ", every \(intervalMilliseconds) ms; "
        text += Self.time(lastSuccess).map { "last " + $0 } ?? "never sent"
        text += ", \(accepted) points accepted"
        if rejected > 0 { text += ", \(rejected) rejected" }
        if unconfirmed > 0 { text += ", \(unconfirmed) unconfirmed" }
        if !taker.utf8.isEmpty { text += "; taken by " + taker }
        if !lastError.utf8.isEmpty { text += "; " + lastError }
        if failures > 0, let next = Self.time(nextAttempt) { text += "; next attempt " + next }
        return text
    }

    private static func time(_ nanoseconds: Int64) -> String? {
        nanoseconds > 0 && nanoseconds < .max ? Timestamp.text(nanoseconds) : nil
    }
}
