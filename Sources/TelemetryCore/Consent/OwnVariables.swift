// SPDX-License-Identifier: Apache-2.0

/// `OTEL_METRICS_EXPORTER`, `OTEL_TRACES_EXPORTER` and the endpoints `OTEL_EXPORTER_OTLP_*`: the OpenTelemetry specification, "Environment
/// Variable Specification". Without one of them nothing is sent: the default of the specification, to send to this
/// machine, would have every tool try.
struct OwnVariables {
    /// `unknown`: a protocol that is not spoken here. `misspelt`: a name that no exporter has.
    enum Meaning { case otlp, none, unknown, misspelt }

    /// The variable that says most.
    let name: String
    let value: String
    let meaning: Meaning
    /// The value of an endpoint may hold a secret.
    let isShown: Bool

    /// The signals that are asked for.
    private(set) var metrics = false
    private(set) var spans = false

    static let exporter = "OTEL_METRICS_EXPORTER"
    static let spanExporter = "OTEL_TRACES_EXPORTER"

    /// Nil: none of them is set. An empty variable counts as unset.
    static func read(_ lookup: (String) -> String?) -> OwnVariables? {
        let metrics = read(exporter, "METRICS_", lookup)
        let spans = read(spanExporter, "TRACES_", lookup)
        // One that asks for something says more than one that does not, and a mistake more than nothing.
        guard var found = [metrics, spans].compactMap({ $0 }).max(by: { $0.weight < $1.weight }) else { return nil }
        found.metrics = metrics?.meaning == .otlp
        found.spans = spans?.meaning == .otlp
        return found
    }

    private var weight: Int {
        switch meaning {
        case .otlp: 3
        case .unknown: 2
        case .misspelt: 1
        case .none: 0
        }
    }

    /// What one signal's variables say.
    private static func read(_ exporter: String, _ signal: String, _ lookup: (String) -> String?) -> OwnVariables? {
        let found = asked(exporter, signal, lookup)
        guard let found, found.meaning == .otlp else { return found }
        for name in ["OTEL_EXPORTER_OTLP_" + signal + "PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            guard let value = lookup(name), !value.utf8.isEmpty else { continue }
            if value == "http/protobuf" || value == "http/json" { break }
            return OwnVariables(name: name, value: value, meaning: .unknown, isShown: true)
        }
        return found
    }

    private static func asked(_ exporter: String, _ signal: String, _ lookup: (String) -> String?) -> OwnVariables? {
        if let value = lookup(exporter), !value.utf8.isEmpty {
            let meaning = Meaning(exporters: value)
            return OwnVariables(name: exporter, value: value, meaning: meaning, isShown: true)
        }
        for name in ["OTEL_EXPORTER_OTLP_" + signal + "ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
            if let value = lookup(name), !value.utf8.isEmpty {
                return OwnVariables(name: name, value: value, meaning: .otlp, isShown: false)
            }
        }
        return nil
    }

    /// Without the signals for which the author has chosen a receiver.
    func leaving(metrics: Bool, spans: Bool) -> OwnVariables {
        var result = self
        if metrics { result.metrics = false }
        if spans { result.spans = false }
        return result
    }

    var asksForAny: Bool { metrics || spans }

    /// The receiver that the variables name, as an `otlp` backend resolves it when it is made. Nil: they ask for nothing.
    var destination: Destination? {
        guard asksForAny, let receiver = Receiver.named("otlp") else { return nil }
        let choice = NetworkChoice(receiver)
        _ = choice.set("environment", "override")
        _ = choice.set("signals", metrics && spans ? "metrics,spans" : metrics ? "metrics" : "spans")
        return Destination(name: "otel", .network(choice))
    }
}

extension OwnVariables.Meaning {
    /// A list of names, such as `otlp,prometheus`. Other exporters are ignored.
    init(exporters list: String) {
        var word: [UInt8] = []
        var (hasOTLP, hasOther) = (false, false)
        for byte in Array(list.utf8) + [UInt8(ascii: ",")] {
            switch byte {
            case UInt8(ascii: ","):
                switch String(bytes: word) {
                case "otlp": hasOTLP = true
                // The specification's, and those that SDKs have had.
                case "", "none", "prometheus", "zipkin", "console", "logging", "otlp/stdout": break
                default: hasOther = true
                }
                word = []
            case 0x20, 0x09: break
            default: word.append(byte)
            }
        }
        self = hasOTLP ? .otlp : hasOther ? .misspelt : .none
    }
}
