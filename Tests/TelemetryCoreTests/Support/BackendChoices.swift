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
        return "\(choice.kind.name) \(choice.endpoint) \(choice.headers)"
    }
}

extension Options {
    /// Of a tool with one backend.
    var backend: BackendChoice {
        get { destinations[0].choice }
        set { setBackend(newValue) }
    }
}

extension NetworkChoice {
    /// Where a receiver with these settings is posted to; what is wrong with them otherwise.
    static func address(_ kind: Receiver, _ settings: [String: String]) -> String {
        let choice = NetworkChoice(kind)
        for (key, value) in settings {
            if let problem = choice.set(key, value) { return problem }
        }
        return choice.url
    }
}
