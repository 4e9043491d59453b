// SPDX-License-Identifier: Apache-2.0

/// H14: what is recorded for receivers that the user, the administrator or the program's operator has chosen.
package enum OwnChoice {
    /// Nil: nobody has asked for any, or they are switched off.
    package static func options(_ author: Options) -> Options? {
        guard author.audience == .author else { return nil }
        let inputs = ConsentInputs.gather(options: author.own([]))
        guard ConsentResolver.resolve(inputs).isEnabled else { return nil }
        return author.own(inputs.ownDestinations)
    }
}

extension ConsentInputs {
    /// Those of everyone who asked, each with its origin in its name.
    var ownDestinations: [Destination] {
        var result: [Destination] = []
        for (whose, destinations) in [
            ("own", ownFile.destinations), ("machine", machineFile.destinations),
            ("operator", operatorChoice.destinations), ("", exporterDestinations),
        ] {
            for found in destinations where result.count < Destination.limit {
                result.append(
                    whose.isEmpty ? found : Destination(name: whose + "." + found.name, found.choice))
            }
        }
        return result
    }

    private var exporterDestinations: [Destination] {
        let statement = ConsentRules.statement(of: .exporterVariables, self)
        guard statement.decides, statement.says == .on, let destination = OwnVariables.destination else { return [] }
        return [destination]
    }
}
