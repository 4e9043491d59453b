// SPDX-License-Identifier: Apache-2.0

/// Decides from the inputs alone: the same inputs give the same answer.
///
/// The sources are asked in their order, highest first. The first one that says something which counts decides. So a
/// source below never turns a "no" into a "yes".
package enum ConsentResolver {
    /// The decision at this moment.
    package static func decide(_ options: Options) -> ConsentDecision {
        resolve(ConsentInputs.gather(options: options))
    }

    /// The same. Nil: it cannot be known, because this process can open no file. Nothing is sent then, and nothing is
    /// withdrawn.
    static func decideIfKnown(_ options: Options) -> ConsentDecision? {
        let first = decide(options)
        if first.isEnabled { return first }
        // A no counts if it was read with a free descriptor before and after.
        guard Descriptor.isAvailable else { return nil }
        let second = decide(options)
        return second.isEnabled || Descriptor.isAvailable ? second : nil
    }

    package static func resolve(_ inputs: ConsentInputs) -> ConsentDecision {
        // The default always says something. If it ever did not, silence must not count as consent.
        let winner = winner(inputs) ?? ConsentStatement(source: .defaultStance, says: .off, remark: "no one agreed")
        let local = LocalOnly.resolve(inputs)
        var warnings: [String] = []
        if let warning = winner.warning { warnings.append(warning) }
        if inputs.audience == .own, winner.source != .exporterVariables,
            let warning = ConsentRules.statement(of: .exporterVariables, inputs).warning
        {
            warnings.append(warning)
        }
        if winner.says == .on, let warning = local.warning { warnings.append(warning) }
        if winner.source == .preferenceFile, let warning = contradiction(inputs) { warnings.append(warning) }
        return ConsentDecision(
            isEnabled: winner.says == .on, source: winner.source, reason: winner.reason, warnings: warnings,
            isLocalOnly: local.isOn,
            voidsWaiting: inputs.audience == .author && winner.says == .off && winner.voidsWaiting
                && !isClosed(inputs.preference) && !isClosed(inputs.everyToolPreference))
    }

    /// An answer in a directory that is closed to this user has not gone: the user may have been another before.
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

    /// A15: the user has answered twice, and differently. This matters only where the preference decides: an answer
    /// that is overruled from above is settled.
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
