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
        state.add(to: &object)
        return object
    }

    var text: String {
        var text = info + ", " + (isDelta ? "delta" : "cumulative") + ", every \(intervalMilliseconds) ms; "
        text += ReceiverState.time(state.lastSuccess).map { "last " + $0 } ?? "never sent"
        text += ", \(accepted) points accepted"
        if rejected > 0 { text += ", \(rejected) rejected" }
        if unconfirmed > 0 { text += ", \(unconfirmed) unconfirmed" }
        return text + state.text
    }
}
