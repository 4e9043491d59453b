// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Endpoints that may be used and are hardly meant.
struct EndpointWarnings {
    private let choice: NetworkChoice
    private let endpoint: Endpoint
    private(set) var texts: [String] = []

    static func all(_ options: Options) -> [String] {
        var texts: [String] = []
        for destination in options.allDestinations {
            guard case .network(let choice) = destination.choice,
                let endpoint = try? Endpoint.parse(choice.endpoint, allowingHTTP: true)
            else { continue }
            texts += Self(choice, endpoint).texts.map { "endpoint of backend " + destination.name + ": " + $0 }
        }
        return texts
    }

    private init(_ choice: NetworkChoice, _ endpoint: Endpoint) {
        (self.choice, self.endpoint) = (choice, endpoint)
        lookAtAny()
        if ArgumentParser.same(choice.kind.name, "otlp") { lookAtOTLP() }
    }

    private mutating func lookAtAny() {
        if Self.hasDoubledSlash(endpoint.path) { texts.append("its path has a doubled slash: is one meant?") }
        if ArgumentParser.same(choice.kind.name, "http"), ["logs", "metrics", "traces"].contains(where: ends) {
            texts.append("kind http posts a JSON array, which no receiver of OTLP takes: is kind: otlp meant?")
        }
    }

    private mutating func lookAtOTLP() {
        if endpoint.port == 4317 {
            texts.append("port 4317 is that of OTLP by gRPC, which is not spoken here; OTLP by HTTP has port 4318")
        }
        for signal in ["log", "metric", "trace"] where ends(signal) {
            texts.append("it ends with /v1/" + signal + ": is /v1/" + signal + "s meant?")
        }
        let isWhole = ArgumentParser.same(choice.setting("endpoint_is_whole"), "true")
        for (end, isTaken) in [
            ("logs", choice.takesEvents), ("metrics", choice.takesMetrics), ("traces", choice.takesSpans),
        ] {
            if ends(end) {
                guard !isTaken || isWhole && hasSeveral else { continue }
                let others = isWhole ? "something else is posted there" : "what is sent goes to the path of its signal"
                texts.append(
                    "/v1/" + end + " is for "
                        + (ArgumentParser.same(end, "logs")
                            ? "events" : ArgumentParser.same(end, "traces") ? "spans" : end) + ", and " + others)
            } else if !isWhole && Self.hasEnd(endpoint.path, "/" + end) {
                texts.append(
                    "/v1/ and the name of the signal are appended to it: set endpoint_is_whole: true if it is a whole URL"
                )
            }
        }
    }

    private var hasSeveral: Bool {
        [choice.takesEvents, choice.takesMetrics, choice.takesSpans].filter { $0 }.count > 1
    }

    private func ends(_ signal: String) -> Bool { Self.hasEnd(endpoint.path, "/v1/" + signal) }

    /// Slashes behind it do not count.
    private static func hasEnd(_ path: String, _ end: String) -> Bool {
        var bytes = Array(path.utf8)[...]
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return bytes.suffix(end.utf8.count).elementsEqual(end.utf8)
    }

    private static func hasDoubledSlash(_ path: String) -> Bool {
        zip(path.utf8, path.utf8.dropFirst()).contains { $0 == UInt8(ascii: "/") && $1 == UInt8(ascii: "/") }
    }
}
