// SPDX-License-Identifier: Apache-2.0

// What an author has chosen about metrics, for a kind that takes them.
extension NetworkChoice {
    func has(signal: String) -> Bool {
        (" " + setting("signals") + " ").utf8.split(separator: 0x20).contains { Array($0) == Array(signal.utf8) }
    }

    /// By default a backend takes events alone.
    package var takesEvents: Bool {
        !kind.isForSpans && (setting("signals").utf8.isEmpty || has(signal: "events"))
    }
    package var takesMetrics: Bool { kind.forMetrics != nil && has(signal: "metrics") }

    /// The same choice for metrics: another address. Nil: the kind takes none.
    package var forMetrics: NetworkChoice? {
        guard takesMetrics, let receiver = kind.forMetrics else { return nil }
        return copy(as: receiver)
    }

    /// OpenTelemetry's OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE. `lowmemory` differs from `delta` for what is
    /// asked when it is exported, and nothing here is.
    package var isDelta: Bool {
        let preference = setting("temporality")
        return preference == "delta" || preference == "lowmemory"
    }

    /// The time between two requests.
    package var metricsIntervalMilliseconds: Int64 {
        let given = setting("metrics_interval_ms")
        return given.utf8.isEmpty ? Self.usualMetricsInterval : YAMLNumber.integer(given) ?? Self.usualMetricsInterval
    }

    static let usualMetricsInterval: Int64 = 60_000
    static let metricsIntervals = NumberRange(1000, 86_400_000)
}

extension Destination {
    /// What goes there leaves this machine, or the program alone knows.
    var leaves: Bool {
        switch choice {
        case .noop, .stdout, .file: false
        case .network, .custom: true
        }
    }

    /// The same for metrics alone, of the same name. Nil: it takes none.
    package var forMetrics: Destination? {
        network?.forMetrics.map { Destination(name: name, .network($0), asker: asker) }
    }

    /// What a person is shown of it: without events, where the rest goes.
    package var shownChoice: BackendChoice {
        guard !takesEvents, let other = network?.forMetrics ?? network?.forSpans else { return choice }
        return .network(other)
    }

    /// Whom `doctor` asks, as it applies in this process: the receiver of each signal, unless that of another one is at the
    /// same host.
    package var askedChoices: [NetworkChoice] {
        guard let network else { return [] }
        var result: [NetworkChoice] = []
        var known: [String] = []
        for choice in [network.takesEvents ? network : nil, network.forMetrics, network.forSpans] {
            guard let choice = choice?.resolved, choice.problem() == nil else { continue }
            let origin = (try? Endpoint.parse(choice.url, allowingHTTP: choice.allowsHTTP))?.origin ?? choice.url
            if known.contains(origin) { continue }
            known.append(origin)
            result.append(choice)
        }
        return result
    }
}
