// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What `status` says about one backend.
extension DestinationReport {
    func json(_ guarantee: String, isEnabled: Bool) -> JSONObject {
        var object = JSONObject()
        object.add("name", name)
        object.add("kind", kind)
        object.add("info", info)
        object.add("guarantee", isUnacknowledged ? "at-most-once" : guarantee)
        object.add("recorded", recorded)
        object.add("delivered", delivered)
        object.add("pending", pending)
        object.add("dropped", dropped)
        state.add(to: &object, isEnabled: isEnabled)
        return object
    }

    /// The text for one of several backends.
    func text(isEnabled: Bool) -> String {
        "\(delivered) delivered, \(pending) pending, \(dropped) dropped" + state.text(isEnabled: isEnabled)
    }
}
