// SPDX-License-Identifier: Apache-2.0

/// Decides from the inputs alone: the same inputs, the same answer.
///
/// The sources are asked in their order, highest first, and the first that says something which
/// counts decides; so a "no" is never turned into a "yes" by a source below it.
package enum ConsentResolver {
    package static func resolve(_ inputs: ConsentInputs) -> ConsentDecision {
        // The default always says something; should it ever not, silence is no consent.
        let winner = winner(inputs) ?? ConsentStatement(source: .defaultStance, says: .off, remark: "no one agreed")
        let local = LocalOnly.resolve(inputs)
        var warnings: [String] = []
        if let warning = winner.warning { warnings.append(warning) }
        if winner.says == .on, let warning = local.warning { warnings.append(warning) }
        if winner.source == .preferenceFile, let warning = contradiction(inputs) { warnings.append(warning) }
        return ConsentDecision(
            isEnabled: winner.says == .on, source: winner.source, reason: winner.reason, warnings: warnings,
            isLocalOnly: local.isOn,
            voidsWaiting: winner.says == .off && winner.voidsWaiting && !isClosed(inputs.preference)
                && !isClosed(inputs.everyToolPreference))
    }

    /// An answer behind a door that is closed to this user, who was another before perhaps, is none that has gone.
    private static func isClosed(_ answer: PreferenceAnswer) -> Bool {
        if case .unreachable = answer { return true }
        return false
    }

    /// The statement that decides; nil when no source down to `last` does.
    static func winner(_ inputs: ConsentInputs, downTo last: ConsentSource = .defaultStance) -> ConsentStatement? {
        var next: UInt8 = 0
        while next <= last.rawValue, let source = ConsentSource(rawValue: next) {
            let statement = ConsentRules.statement(of: source, inputs)
            if statement.decides { return statement }
            next &+= 1
        }
        return nil
    }

    /// A15: the user has answered twice, and differently. Only where the preference decides: what
    /// is overruled from above is settled.
    private static func contradiction(_ inputs: ConsentInputs) -> String? {
        if let config = inputs.projectConfig, contradicts(config, inputs.preference) {
            return contradiction(inputs, config)
        }
        if let config = inputs.toolConfig, contradicts(config, inputs.preference) {
            return contradiction(inputs, config)
        }
        return nil
    }

    private static func contradicts(_ config: FileAnswer, _ preference: PreferenceAnswer) -> Bool {
        switch (preference, config.answer) {
        case (.on, .off), (.on, .unusable): true
        case (.off, .on): !config.onlyLowers
        default: false
        }
    }

    private static func contradiction(_ inputs: ConsentInputs, _ config: FileAnswer) -> String {
        let isOn = inputs.preference == .on
        return Excerpt.path(inputs.preferencePath) + (isOn ? " says on, " : " says off, ") + Excerpt.path(config.path)
            + (isOn ? " says off" : " says on") + "; the first one counts"
    }
}
