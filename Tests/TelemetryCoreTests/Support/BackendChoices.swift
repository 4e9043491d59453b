@testable import TelemetryCore

extension BackendChoice {
    static func http(endpoint: String, headers: [(name: String, value: String)] = []) -> BackendChoice {
        let choice = NetworkChoice(.http)
        _ = choice.set("endpoint", endpoint)
        choice.headers = headers
        return .network(choice)
    }

    /// What tells two choices apart.
    var summary: String {
        guard case .network(let choice) = self else { return "\(self)" }
        return "\(choice.kind) \(choice.endpoint) \(choice.headers)"
    }
}

extension Options {
    /// Of a tool with one backend.
    var backend: BackendChoice {
        get { destinations[0].choice }
        set { setBackend(newValue) }
    }
}
