// SPDX-License-Identifier: Apache-2.0

/// For whom a process records; docs/own.md. What is kept for one is stored apart from what is kept for the other.
package enum Audience {
    /// The tool's author, if the user has agreed.
    case author
    /// The person at the machine, its administrator, or the operator of the program. Asking for it is the consent.
    case own
}

/// Those who can ask for a receiver of the user's own. The numbers are kept in segments: docs/spool-format.md.
enum Asker: UInt16 {
    case user = 1
    case machine = 2
    case variables = 4
    /// In the program's own configuration, which no other program knows.
    case programOperator = 8

    /// Before the receiver's name. The variables name only one.
    var prefix: StaticString {
        switch self {
        case .user: "own."
        case .machine: "machine."
        case .programOperator: "operator."
        case .variables: ""
        }
    }
}

/// What the operator of a program has asked for in the program's own configuration.
struct OperatorChoice {
    /// Metrics are kept for the operator, whether they are sent anywhere or not.
    var keepsMetrics = false
    var destinations: [Destination] = []
}

extension Options {
    /// What the tool's state directory is called, below that of all tools.
    var stateName: String {
        let name = audience == .own ? toolName + "/" + Self.ownDirectory : toolName
        return signal == .spans ? name + "/" + Self.spansDirectory : name
    }

    static let ownDirectory = "own"
    static let spansDirectory = "spans"

    /// The same tool, recorded for the user's own receivers: without keys, metadata and receivers of the author.
    package func own(_ destinations: [Destination]) -> Options {
        var settings = settings
        settings.audience = .own
        settings.metricsListener = nil
        settings.authorTakes = (
            chosenDestinations.contains { $0.takesMetrics },
            chosenDestinations.contains { $0.network?.takesSpans == true }
        )
        settings.setDestinations(destinations)
        settings.metadata = []
        settings.sampling = []
        settings.deletion = DeletionChoice()
        settings.notice = nil
        settings.events = nil
        return Options(settings)
    }

    package func addOperatorDestination(_ added: Destination) -> Bool {
        if let problem = Destination.problem(settings.operatorChoice.destinations, adding: added) {
            fail("backend " + added.name + ": " + problem)
            return false
        }
        guard let added = added.forOwn() else {
            let problem = added.problemForOwn
            fail("backend." + problem.key + ": " + problem.text)
            return false
        }
        settings.operatorChoice.destinations.append(added)
        settings.operatorChoice.keepsMetrics = true
        return true
    }

    /// Of what is kept for the user: not if every receiver that was asked for takes spans alone.
    var keepsOwnMetrics: Bool {
        operatorChoice.keepsMetrics || chosenDestinations.isEmpty || chosenDestinations.contains { $0.takesMetrics }
    }

    package func keepMetricsForOperator(_ isOn: Bool) { settings.operatorChoice.keepsMetrics = isOn }
}

extension Destination {
    /// What is wrong with a receiver of the user's own: the setting concerned, and a sentence.
    var problemForOwn: (key: String, text: String) {
        guard let network, network.kind.forMetrics != nil || network.kind.isForSpans else {
            return ("kind", "a receiver of this kind takes no metrics and no spans; expected otlp or zipkin")
        }
        return ("signals", "what is kept for you has no events; expected metrics, spans or both")
    }

    /// The same without events. Nil: it is meant for events, or takes nothing else.
    func forOwn() -> Destination? {
        guard let network, network.kind.forMetrics != nil || network.kind.isForSpans else { return nil }
        if network.takesMetrics || network.takesSpans { return network.takesEvents ? nil : self }
        let copy = network.copy()
        guard network.setting("signals").utf8.isEmpty, copy.set("signals", "metrics,spans") == nil else { return nil }
        return Destination(name: name, .network(copy))
    }
}
