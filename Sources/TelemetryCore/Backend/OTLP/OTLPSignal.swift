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

    /// "Construct per-signal URLs relative to" the base: after its path, before its query. The whole URL of one signal
    /// says where the others are, too, so its end is replaced.
    func url(_ base: String) -> String {
        let bytes = Array(base.utf8)
        let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
        var own = bytes[..<end]
        while own.last == UInt8(ascii: "/") { own.removeLast() }
        for signal in Self.allCases where signal.isEnd(of: own) {
            own.removeLast(signal.path.utf8.count)
            break
        }
        return String(bytes: own) + path + String(bytes: bytes[end...])
    }

    /// A URL ends with the path of this signal.
    private func isEnd(of url: ArraySlice<UInt8>) -> Bool {
        let path = Array(self.path.utf8)
        guard url.suffix(path.count).elementsEqual(path) else { return false }
        // In http://v1/logs the first part is a host.
        return url.dropLast(path.count).reduce(0) { $0 &+ ($1 == UInt8(ascii: "/") ? 1 : 0) } >= 2
    }
}
