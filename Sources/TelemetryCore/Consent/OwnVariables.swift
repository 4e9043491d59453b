// SPDX-License-Identifier: Apache-2.0

/// `OTEL_METRICS_EXPORTER` and the endpoints `OTEL_EXPORTER_OTLP_*`: the OpenTelemetry specification, "Environment
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

    static let exporter = "OTEL_METRICS_EXPORTER"
    private static let endpoints = ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"]
    private static let protocols = ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]

    /// Nil: none of them is set. An empty variable counts as unset.
    static func read(_ lookup: (String) -> String?) -> OwnVariables? {
        let found = asked(lookup)
        guard let found, found.meaning == .otlp else { return found }
        for name in protocols {
            guard let value = lookup(name), !value.utf8.isEmpty else { continue }
            if value == "http/protobuf" || value == "http/json" { break }
            return OwnVariables(name: name, value: value, meaning: .unknown, isShown: true)
        }
        return found
    }

    private static func asked(_ lookup: (String) -> String?) -> OwnVariables? {
        if let value = lookup(exporter), !value.utf8.isEmpty {
            let meaning = Meaning(exporters: value)
            return OwnVariables(name: exporter, value: value, meaning: meaning, isShown: true)
        }
        for name in endpoints {
            if let value = lookup(name), !value.utf8.isEmpty {
                return OwnVariables(name: name, value: value, meaning: .otlp, isShown: false)
            }
        }
        return nil
    }

    /// The receiver that the variables name, as an `otlp` backend resolves it when it is made.
    static var destination: Destination? {
        guard let receiver = Receiver.named("otlp") else { return nil }
        let choice = NetworkChoice(receiver)
        _ = choice.set("environment", "override")
        _ = choice.set("signals", "metrics")
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
                case "", "none", "prometheus", "console", "logging", "otlp/stdout": break
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
