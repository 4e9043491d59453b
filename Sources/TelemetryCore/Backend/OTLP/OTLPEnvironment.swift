// SPDX-License-Identifier: Apache-2.0

/// How the variables `OTEL_EXPORTER_OTLP_*` change an author's choice, if the author allows it: the OpenTelemetry
/// specification, "OpenTelemetry Protocol Exporter". `fill`: they supply what the author has not given. `override`:
/// they win. Variables for one signal have priority over those for every
/// signal. An empty variable counts as unset.
///
/// Credentials stay with the endpoint they were given for: headers from the environment never go to the author's
/// endpoint, and the author's headers and key never go to an endpoint that replaces it.
enum OTLPEnvironment {
    /// Where a collector listens by default.
    private static let defaultBase = "http://localhost:4318"

    static func resolve(
        _ choice: NetworkChoice, _ signal: OTLPSignal = .logs, lookup: (String) -> String?
    ) -> NetworkChoice {
        let mode = choice.setting("environment")
        guard mode == "fill" || mode == "override" else { return choice }
        let isOverriding = mode == "override"
        let resolved = choice.copy()
        if isOverriding || choice.endpoint.utf8.isEmpty { setEndpoint(resolved, signal, isOverriding, lookup) }
        if isOverriding || choice.setting("protocol").utf8.isEmpty {
            set(resolved, "protocol", signal, "PROTOCOL", lookup)
        }
        if isOverriding || choice.timeoutMilliseconds == 0 { set(resolved, "timeout_ms", signal, "TIMEOUT", lookup) }
        if isOverriding || !choice.isCompressionSet { set(resolved, "compression", signal, "COMPRESSION", lookup) }
        if signal == .metrics, isOverriding || choice.setting("temporality").utf8.isEmpty {
            setTemporality(resolved, lookup)
        }
        if signal == .metrics && isOverriding { setInterval(resolved, lookup) }
        setService(resolved, isOverriding, lookup)
        return resolved
    }

    private struct Variable {
        let name: String
        let value: String
        /// It is the variable for logs only.
        let isOfSignal: Bool
    }

    @inline(never)
    private static func find(_ signal: OTLPSignal, _ suffix: String, _ lookup: (String) -> String?) -> Variable? {
        var prefix = signal.variablePrefix
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
        guard let problem else { return }
        let former = choice.environmentProblem
        choice.environmentProblem = (former.utf8.isEmpty ? "" : former + "; ") + variable.name + ": " + problem
    }

    /// A value that is not understood is ignored.
    @inline(never)
    private static func set(
        _ choice: NetworkChoice, _ key: String, _ signal: OTLPSignal, _ suffix: String, _ lookup: (String) -> String?
    ) {
        guard let variable = find(signal, suffix, lookup) else { return }
        note(choice, variable, choice.set(key, variable.value))
    }

    /// "The values are case-insensitive."
    private static func setTemporality(_ choice: NetworkChoice, _ lookup: (String) -> String?) {
        let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
        guard let value = lookup(name), !value.utf8.isEmpty else { return }
        let lower = String(bytes: value.utf8.map { Authority.lowercase($0) })
        note(choice, Variable(name: name, value: value, isOfSignal: true), choice.set("temporality", lower))
    }

    /// "A value that cannot be parsed is ignored", with a warning.
    private static func setInterval(_ choice: NetworkChoice, _ lookup: (String) -> String?) {
        let name = "OTEL_METRIC_EXPORT_INTERVAL"
        guard let value = lookup(name), !value.utf8.isEmpty else { return }
        note(choice, Variable(name: name, value: value, isOfSignal: true), choice.set("metrics_interval_ms", value))
    }

    /// An endpoint that cannot be used is kept nevertheless: nothing is sent then. Otherwise events would go to a host
    /// that the user meant to replace.
    private static func setEndpoint(
        _ choice: NetworkChoice, _ signal: OTLPSignal, _ isOverriding: Bool, _ lookup: (String) -> String?
    ) {
        if let variable = find(signal, "ENDPOINT", lookup) {
            if !choice.endpoint.utf8.isEmpty { choice.dropCredentials() }
            choice.redirect(to: variable.isOfSignal ? variable.value : signal.url(variable.value))
            note(choice, variable, Endpoint.problem(choice.endpoint, allowingHTTP: choice.allowsHTTP))
        } else if choice.endpoint.utf8.isEmpty {
            choice.redirect(to: defaultBase + signal.path)
        } else {
            return
        }
        guard let variable = find(signal, "HEADERS", lookup),
            isOverriding || (choice.headers.isEmpty && choice.key == .none)
        else { return }
        choice.dropCredentials()
        addHeaders(choice, variable)
    }

    /// "`OTEL_SERVICE_NAME` takes precedence over `service.name` defined with the `OTEL_RESOURCE_ATTRIBUTES` variable."
    /// The other attributes there are not the tool's to send.
    private static func setService(_ choice: NetworkChoice, _ isOverriding: Bool, _ lookup: (String) -> String?) {
        let (list, own) = ("OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME")
        let chosen = (name: choice.setting("service"), version: choice.setting("service_version"))
        let attributes = Variable(name: list, value: lookup(list) ?? "", isOfSignal: false)
        forEachPair(attributes.value) { line in
            for (key, setting, former) in [
                ("service.name:", "service", chosen.name), ("service.version:", "service_version", chosen.version),
            ] where line.starts(with: key.utf8) && (isOverriding || former.utf8.isEmpty) {
                let value = String(bytes: PercentEncoding.decoded(line.dropFirst(key.utf8.count)))
                note(choice, attributes, choice.set(setting, value))
            }
        }
        guard isOverriding || chosen.name.utf8.isEmpty, let value = lookup(own), !value.utf8.isEmpty else { return }
        note(choice, Variable(name: own, value: value, isOfSignal: false), choice.set("service", value))
    }

    private static func addHeaders(_ choice: NetworkChoice, _ variable: Variable) {
        forEachPair(variable.value) { note(choice, variable, add($0, to: choice)) }
    }

    /// `name=value,name=value`, percent-encoded; W3C Baggage without its properties. Each pair has a colon in place of
    /// its first `=`.
    private static func forEachPair(_ text: String, _ body: ([UInt8]) -> Void) {
        var line: [UInt8] = []
        var isInValue = false
        for byte in Array(text.utf8) + [UInt8(ascii: ",")] {
            switch byte {
            case UInt8(ascii: ","):
                if !line.isEmpty { body(line) }
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
