// SPDX-License-Identifier: Apache-2.0

/// One of the places where events go.
package final class Destination {
    /// Tells the destination from the others, in the spool too. By default the kind.
    package let name: String
    package let choice: BackendChoice
    package static let limit = 6
    /// Of a receiver of the user's own. Nil: one of the tool's author.
    let asker: Asker?

    static var defaultFile: Destination { Destination(name: "file", .defaultFile) }

    init(name: String, _ choice: BackendChoice, asker: Asker? = nil) {
        self.name = name
        self.choice = choice
        self.asker = asker
    }

    package var takesEvents: Bool { network?.takesEvents != false }
    package var takesMetrics: Bool { network?.takesMetrics == true }

    var network: NetworkChoice? {
        if case .network(let choice) = self.choice { return choice }
        return nil
    }

    /// What is wrong with one more destination of this name; nil: nothing.
    static func problem(_ others: [Destination], adding added: Destination) -> String? {
        let name = added.name
        if others.count >= limit { return "one too many; expected at most " + limit.description }
        for other in others {
            // An append that a crash interrupted is taken back, and there is only one note of it.
            if other.choice.kind == "file" && added.choice.kind == "file" { return "a second file; expected one" }
            if other.name == name { return "a second one of this name; expected another name" }
        }
        return nil
    }
}
