// SPDX-License-Identifier: Apache-2.0

/// What the records of a spool are. Each has a spool apart: a request has one signal, and a receiver of traces that is
/// down delays no events.
package enum RecordedSignal {
    case events
    case spans
}

extension Options {
    /// The type that means spans where types of events are listed: in `sampling`, and in a registry.
    static let spanType = "span"

    /// The author's choice of what is sampled.
    var spanSampler: TraceSampler {
        for rule in sampling where rule.type == Self.spanType { return TraceSampler(ratio: rule.rate) }
        return .standard
    }

    /// The same tool, for its spans. Nil: nobody takes spans.
    package func spans() -> Options? { signal == .events ? spanDestinations.map { spans(to: $0) } : nil }

    /// The same tool, for the spans that were recorded for it, whether anybody takes more or not.
    package var ofSpans: Options { spans() ?? spans(to: []) }

    /// Spans of the tool leave for a receiver, or would with consent.
    package var takesSpans: Bool { spans()?.isDefault == false }

    /// Events and exemplars may have ids of spans: those who get them get the spans too. Where spans stay on this machine
    /// and the others leave it, they may not.
    var mayNameSpans: Bool {
        guard let spans = spans() else { return false }
        return spans.destinations.contains { $0.leaves } || !allDestinations.contains { $0.leaves }
    }

    /// What is recorded for this audience, if the decision is yes.
    package var signalNames: [String] {
        var names = audience == .author ? ["events"] : []
        if audience == .author || keepsOwnMetrics { names.append("metrics") }
        if spans() != nil { names.append("spans") }
        return names
    }

    /// All spools of the tool for this audience.
    var ofEachSignal: [Options] { signal == .events ? [self, ofSpans] : [self] }

    private func spans(to destinations: [Destination]) -> Options {
        var settings = settings
        settings.signal = .spans
        settings.metricsListener = nil
        settings.setDestinations(destinations)
        // Where the manifest names the receivers of the tool, it names those of its spans.
        settings.manifestMark = manifestMark?.hasDestinations(of: self) == true ? manifestMark?.with(destinations) : nil
        settings.sampling = []
        settings.events = settings.declaredSpans
        return Options(settings)
    }

    /// The same tool, for its events.
    var withoutSpans: Options {
        var settings = settings
        settings.signal = .events
        return Options(settings)
    }

    /// Empty: the log of this machine.
    private var spanDestinations: [Destination]? {
        if isDefault && chosenDestinations.isEmpty { return audience == .author ? [] : nil }
        let destinations = chosenDestinations.compactMap { $0.forSpans }
        return destinations.isEmpty ? nil : destinations
    }
}
