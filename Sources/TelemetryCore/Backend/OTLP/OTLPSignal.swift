// SPDX-License-Identifier: Apache-2.0

/// What is sent by OTLP/HTTP: each signal has a path and variables.
enum OTLPSignal: CaseIterable {
    case logs, metrics, traces

    var path: String {
        switch self {
        case .logs: "/v1/logs"
        case .metrics: "/v1/metrics"
        case .traces: "/v1/traces"
        }
    }

    /// Of variables for this signal alone.
    var variablePrefix: String {
        switch self {
        case .logs: "OTEL_EXPORTER_OTLP_LOGS_"
        case .metrics: "OTEL_EXPORTER_OTLP_METRICS_"
        case .traces: "OTEL_EXPORTER_OTLP_TRACES_"
        }
    }

    /// The member of a partial success in JSON that says how many were refused.
    var rejectedName: StaticString {
        switch self {
        case .logs: "rejectedLogRecords"
        case .metrics: "rejectedDataPoints"
        case .traces: "rejectedSpans"
        }
    }

    /// The whole URL for an endpoint that the common rule for endpoints does not complete. The URL of a signal never ends
    /// with a slash: an endpoint that does is a base, or the whole URL with a slash too many. The whole URL of another
    /// signal says where this one is, too.
    func complete(_ endpoint: String) -> String? {
        let bytes = Array(endpoint.utf8)
        if bytes.last == UInt8(ascii: "/") { return url(endpoint) }
        for other in Self.allCases where other != self {
            let theirs = Array(other.path.utf8)
            if bytes.count > theirs.count, bytes.suffix(theirs.count) == theirs[...] {
                return url(String(bytes: bytes.dropLast(theirs.count)))
            }
        }
        return nil
    }

    /// "Construct per-signal URLs relative to" the base: after its path, before its query.
    func url(_ base: String) -> String {
        let bytes = Array(base.utf8)
        let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
        var own = bytes[..<end]
        while own.last == UInt8(ascii: "/") { own.removeLast() }
        let isWhole = own.count >= path.utf8.count && Array(own.suffix(path.utf8.count)) == Array(path.utf8)
        return String(bytes: own) + (isWhole ? "" : path) + String(bytes: bytes[end...])
    }
}
