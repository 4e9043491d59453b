// SPDX-License-Identifier: Apache-2.0

/// `OTEL_METRICS_EXPORTER`, `OTEL_TRACES_EXPORTER` and the endpoints `OTEL_EXPORTER_OTLP_*`: the OpenTelemetry
/// specification, "Environment Variable Specification". Without one of them nothing is sent: the default of the
/// specification, to send to this machine, would have every tool try.
struct OwnVariables {
    /// `unknown`: a protocol that is not spoken here. `misspelt`: a name that no exporter has.
    enum Meaning { case otlp, none, unknown, misspelt }

    /// What is said of a signal. A class: the code that copies a structure would be repeated wherever one is passed on.
    final class Wish {
        /// The variable that says most.
        let name: String
        let value: String
        let meaning: Meaning
        /// The value of an endpoint may hold a secret.
        let isShown: Bool
        /// The tool's author has chosen a receiver for the signal, so the variables do not count.
        fileprivate(set) var isOfAuthor = false

        init(name: String, value: String, meaning: Meaning, isShown: Bool) {
            (self.name, self.value, self.meaning, self.isShown) = (name, value, meaning, isShown)
        }

        var asks: Bool { meaning == .otlp && !isOfAuthor }

        /// A wish says more than a mistake, and a mistake more than nothing.
        fileprivate var weight: Int {
            if isOfAuthor { return 0 }
            switch meaning {
            case .otlp: return 4
            case .unknown: return 3
            case .misspelt: return 2
            case .none: return 1
            }
        }
    }

    let metrics: Wish?
    let spans: Wish?

    static let exporter = "OTEL_METRICS_EXPORTER"
    static let spanExporter = "OTEL_TRACES_EXPORTER"

    /// Nil: none of them is set. An empty variable counts as unset.
    static func read(_ lookup: (String) -> String?) -> OwnVariables? {
        let metrics = read(exporter, "METRICS_", lookup)
        let spans = read(spanExporter, "TRACES_", lookup)
        return metrics == nil && spans == nil ? nil : OwnVariables(metrics: metrics, spans: spans)
    }

    /// What one signal's variables say.
    private static func read(
        _ exporter: String, _ infix: String, _ lookup: (String) -> String?
    ) -> Wish? {
        let found = asked(exporter, infix, lookup)
        guard let found, found.meaning == .otlp else { return found }
        for name in ["OTEL_EXPORTER_OTLP_" + infix + "PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            guard let value = lookup(name), !value.utf8.isEmpty else { continue }
            if value == "http/protobuf" || value == "http/json" { break }
            return Wish(name: name, value: value, meaning: .unknown, isShown: true)
        }
        return found
    }

    private static func asked(
        _ exporter: String, _ infix: String, _ lookup: (String) -> String?
    ) -> Wish? {
        if let value = lookup(exporter), !value.utf8.isEmpty {
            let meaning = Meaning(exporters: value)
            return Wish(name: exporter, value: value, meaning: meaning, isShown: true)
        }
        for name in ["OTEL_EXPORTER_OTLP_" + infix + "ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
            if let value = lookup(name), !value.utf8.isEmpty {
                return Wish(name: name, value: value, meaning: .otlp, isShown: false)
            }
        }
        return nil
    }

    /// The author has chosen a receiver for these signals.
    func leave(metrics: Bool, spans: Bool) {
        self.metrics?.isOfAuthor = metrics
        self.spans?.isOfAuthor = spans
    }

    /// One variable says the same of both signals.
    var isOfBoth: Bool {
        guard let metrics, let spans else { return false }
        return metrics.name == spans.name && metrics.weight == spans.weight
    }

    /// The one of spans says more than the one of metrics.
    var areSpansFirst: Bool { (spans?.weight ?? -1) > (metrics?.weight ?? -1) }

    /// The receiver that the variables name, as an `otlp` backend resolves it when it is made. Nil: they ask for nothing.
    var destination: Destination? {
        let (takesMetrics, takesSpans) = (metrics?.asks == true, spans?.asks == true)
        guard takesMetrics || takesSpans, let receiver = Receiver.named("otlp") else { return nil }
        let choice = NetworkChoice(receiver)
        _ = choice.set("environment", "override")
        _ = choice.set("signals", !takesSpans ? "metrics" : takesMetrics ? "metrics,spans" : "spans")
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
