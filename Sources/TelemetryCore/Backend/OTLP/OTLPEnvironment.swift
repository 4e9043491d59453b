// SPDX-License-Identifier: Apache-2.0

/// How the variables `OTEL_EXPORTER_OTLP_*` change an author's choice, if the author allows it: the OpenTelemetry
/// specification, "OpenTelemetry Protocol Exporter". `fill`: they supply what the author has not given. `override`:
/// they win. Variables for logs have priority over those for every signal. An empty variable counts as unset.
///
/// Credentials stay with the endpoint they were given for: headers from the environment never go to the author's
/// endpoint, and the author's headers and key never go to an endpoint that replaces it.
enum OTLPEnvironment {
    /// Where a collector listens by default.
    static let defaultEndpoint = "http://localhost:4318/v1/logs"

    static func resolve(_ choice: NetworkChoice, lookup: (String) -> String?) -> NetworkChoice {
        let mode = choice.setting("environment")
        guard mode == "fill" || mode == "override" else { return choice }
        let isOverriding = mode == "override"
        let resolved = choice.copy()
        if isOverriding || choice.endpoint.utf8.isEmpty { setEndpoint(resolved, isOverriding, lookup) }
        if isOverriding || choice.setting("protocol").utf8.isEmpty { set(resolved, "protocol", "PROTOCOL", lookup) }
        if isOverriding || choice.timeoutMilliseconds == 0 { set(resolved, "timeout_ms", "TIMEOUT", lookup) }
        if isOverriding || !choice.isCompressionSet { set(resolved, "compression", "COMPRESSION", lookup) }
        return resolved
    }

    private struct Variable {
        let name: String
        let value: String
        /// It is the variable for logs only.
        let isOfSignal: Bool
    }

    @inline(never)
    private static func find(_ suffix: String, _ lookup: (String) -> String?) -> Variable? {
        var prefix = "OTEL_EXPORTER_OTLP_LOGS_"
        for isOfSignal in [true, false] {
            if let value = lookup(prefix + suffix), !value.utf8.isEmpty {
                return Variable(name: prefix + suffix, value: value, isOfSignal: isOfSignal)
            }
            prefix = "OTEL_EXPORTER_OTLP_"
        }
        return nil
    }

    @inline(never)
    private static func note(_ choice: NetworkChoice, _ variable: Variable, _ problem: String?) {
        guard let problem, choice.environmentProblem.utf8.isEmpty else { return }
        choice.environmentProblem = variable.name + ": " + problem
    }

    /// A value that is not understood is ignored.
    @inline(never)
    private static func set(_ choice: NetworkChoice, _ key: String, _ suffix: String, _ lookup: (String) -> String?) {
        guard let variable = find(suffix, lookup) else { return }
        note(choice, variable, choice.set(key, variable.value))
    }

    /// An endpoint that cannot be used is kept nevertheless: nothing is sent then. Otherwise events would go to a host
    /// that the user meant to replace.
    private static func setEndpoint(_ choice: NetworkChoice, _ isOverriding: Bool, _ lookup: (String) -> String?) {
        if let variable = find("ENDPOINT", lookup) {
            if !choice.endpoint.utf8.isEmpty { choice.dropCredentials() }
            choice.redirect(to: variable.isOfSignal ? variable.value : logsURL(variable.value))
            note(choice, variable, Endpoint.problem(choice.endpoint, allowingHTTP: choice.allowsHTTP))
        } else if choice.endpoint.utf8.isEmpty {
            choice.redirect(to: defaultEndpoint)
        } else {
            return
        }
        guard let variable = find("HEADERS", lookup), isOverriding || (choice.headers.isEmpty && choice.key == .none)
        else { return }
        choice.dropCredentials()
        addHeaders(choice, variable)
    }

    /// "Construct per-signal URLs relative to" the base: after its path, before its query.
    static func logsURL(_ base: String) -> String {
        let bytes = Array(base.utf8)
        let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
        var path = bytes[..<end]
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        let signal = "/v1/logs"
        let isWhole = path.count >= signal.utf8.count && Array(path.suffix(signal.utf8.count)) == Array(signal.utf8)
        return String(bytes: path) + (isWhole ? "" : signal) + String(bytes: bytes[end...])
    }

    /// `name=value,name=value`, percent-encoded; W3C Baggage without its properties.
    private static func addHeaders(_ choice: NetworkChoice, _ variable: Variable) {
        var line: [UInt8] = []
        var isInValue = false
        for byte in Array(variable.value.utf8) + [UInt8(ascii: ",")] {
            switch byte {
            case UInt8(ascii: ","):
                if !line.isEmpty { note(choice, variable, add(line, to: choice)) }
                line = []
                isInValue = false
            case UInt8(ascii: "=") where !isInValue:
                line.append(UInt8(ascii: ":"))
                isInValue = true
            case 0x20 where !isInValue, 0x09 where !isInValue: break
            default: line.append(byte)
            }
        }
    }

    /// Nil: done. A problem is described without the value, which may be a credential.
    private static func add(_ line: [UInt8], to choice: NetworkChoice) -> String? {
        guard choice.headers.count < HTTPHeader.limitCount,
            let header = HTTPHeader.parse(String(bytes: PercentEncoding.decoded(line[...])))
        else {
            return "an entry that is not a header; expected name=value,name=value, at most "
                + HTTPHeader.limitCount.description
        }
        choice.headers.append(header)
        return nil
    }
}
