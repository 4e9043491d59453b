// SPDX-License-Identifier: Apache-2.0

/// For whom a process records; docs/own.md. What is kept for one is stored apart from what is kept for the other.
package enum Audience {
    /// The tool's author, if the user has agreed.
    case author
    /// The person at the machine, its administrator, or the operator of the program. Asking for it is the consent.
    case own
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
        settings.authorTakesMetrics = chosenDestinations.contains { $0.takesMetrics }
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
        guard let added = added.forMetricsOnly() else {
            let problem = added.problemForMetrics
            fail("backend." + problem.key + ": " + problem.text)
            return false
        }
        settings.operatorChoice.destinations.append(added)
        settings.operatorChoice.keepsMetrics = true
        return true
    }

    package func keepMetricsForOperator(_ isOn: Bool) { settings.operatorChoice.keepsMetrics = isOn }
}
