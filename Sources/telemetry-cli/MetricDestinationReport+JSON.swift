// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What `status` says about one receiver of metrics.
extension MetricDestinationReport {
    func json(isEnabled: Bool) -> JSONObject {
        var object = JSONObject()
        object.add("name", name)
        object.add("info", info)
        object.add("temporality", isDelta ? "delta" : "cumulative")
        object.add("interval_ms", intervalMilliseconds)
        object.add("points_accepted", accepted)
        object.add("points_rejected", rejected)
        object.add("points_unconfirmed", unconfirmed)
        object.add("requests_without_copy", uncopied)
        state.add(to: &object, isEnabled: isEnabled)
        return object
    }

    func text(isEnabled: Bool) -> String {
        var text = info + ", " + (isDelta ? "delta" : "cumulative") + ", every \(intervalMilliseconds) ms; "
        text += ReceiverState.time(state.lastSuccess).map { "last " + $0 } ?? "never sent"
        text += ", " + counted(accepted, "point") + " accepted"
        if rejected > 0 { text += ", \(rejected) rejected" }
        if unconfirmed > 0 { text += ", \(unconfirmed) unconfirmed" }
        return text + state.text(isEnabled: isEnabled)
    }
}
