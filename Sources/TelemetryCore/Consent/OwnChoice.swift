// SPDX-License-Identifier: Apache-2.0

/// H14: what is recorded for receivers that the user, the administrator or the program's operator has chosen.
package enum OwnChoice {
    /// Nil: nobody has asked for any, or they are switched off.
    package static func options(_ author: Options) -> Options? {
        author.audience == .author ? look(author).options : nil
    }

    /// The same, and why.
    package static func look(_ author: Options) -> (options: Options?, decision: ConsentDecision) {
        let inputs = ConsentInputs.gather(options: author.own([]))
        let decision = ConsentResolver.resolve(inputs)
        return (decision.isEnabled ? author.own(inputs.ownDestinations) : nil, decision)
    }
}

extension ConsentInputs {
    /// Those of everyone who asked, each with its origin in its name.
    var ownDestinations: [Destination] {
        var result: [Destination] = []
        for (asker, destinations) in [
            (Asker.user, ownFile.destinations), (.machine, machineFile.destinations),
            (.programOperator, operatorChoice.destinations), (.variables, exporterDestinations),
        ] {
            for found in destinations where result.count < Destination.limit {
                result.append(Destination(name: asker.prefix.text + found.name, found.choice, asker: asker))
            }
        }
        return result
    }

    private var exporterDestinations: [Destination] {
        let statement = ConsentRules.statement(of: .exporterVariables, self)
        guard statement.decides, statement.says == .on, let destination = exporter?.destination else { return [] }
        return [destination]
    }
}
