// SPDX-License-Identifier: Apache-2.0

/// What one check of `doctor` has found.
struct DoctorFinding {
    enum State: Int {
        case ok, warning, problem

        var name: String {
            switch self {
            case .ok: "ok"
            case .warning: "warning"
            case .problem: "problem"
            }
        }
    }

    let check: String
    let state: State
    let detail: String
    /// What to do; nil: nothing.
    var advice: String? = nil

    var line: String {
        let label = state.name + String(repeating: " ", count: 9 - state.name.utf8.count)
        let name = check + String(repeating: " ", count: max(1, 18 - check.utf8.count))
        return label + name + detail + (advice.map { " (" + $0 + ")" } ?? "") + "\n"
    }

    var json: JSONObject {
        var object = JSONObject()
        object.add("check", check)
        object.add("state", state.name)
        object.add("detail", detail)
        object.add("advice", optional: advice)
        return object
    }
}
