import CSystem

/// Decides from the inputs alone: the same inputs, the same answer.
///
/// Each rule is one source, which votes or abstains (nil). They stand in the order of the
/// requirements, highest first, and the first vote decides; so a "no" is never turned into a
/// "yes" by a rule below it. A new source is a new function and its place in `rules`.
package enum ConsentResolver {
    typealias Rule = (ConsentInputs) -> ConsentVote?

    static let rules: [Rule] = [
        invalidOptions, authorGate, doNotTrack, noTelemetryOption, noTelemetryVariable,
        telemetryEnabledVariable, preferenceFile, defaultStance,
    ]

    package static func resolve(_ inputs: ConsentInputs) -> ConsentDecision {
        for rule in rules {
            guard let vote = rule(inputs) else { continue }
            return ConsentDecision(
                isEnabled: vote.isEnabled, source: vote.source, reason: vote.reason,
                warnings: vote.warning.map { [$0] } ?? [])
        }
        // `defaultStance` always votes; should the list ever lack it, silence is no consent.
        return ConsentDecision(isEnabled: false, source: .defaultStance, reason: "no one agreed", warnings: [])
    }

    /// A tool that is set up wrongly collects nothing.
    static func invalidOptions(_ inputs: ConsentInputs) -> ConsentVote? {
        guard let error = inputs.optionsError else { return nil }
        return ConsentVote(isEnabled: false, source: .options, reason: error)
    }

    /// A2
    static func authorGate(_ inputs: ConsentInputs) -> ConsentVote? {
        if inputs.authorGate { return nil }
        return ConsentVote(isEnabled: false, source: .authorGate, reason: "the tool's author has closed it")
    }

    /// A4: https://consoledonottrack.com, read as widely as anyone may have meant it.
    static func doNotTrack(_ inputs: ConsentInputs) -> ConsentVote? {
        guard let value = inputs.doNotTrack else { return nil }
        switch AnswerWord(value) {
        case .empty, .no: return nil
        case .yes, .other: return refusal(.doNotTrack, "DO_NOT_TRACK", value)
        }
    }

    /// A3
    static func noTelemetryOption(_ inputs: ConsentInputs) -> ConsentVote? {
        if !inputs.noTelemetry { return nil }
        return ConsentVote(isEnabled: false, source: .noTelemetryOption, reason: "switched off for this run")
    }

    /// A5: one way; whatever does not say yes says nothing.
    static func noTelemetryVariable(_ inputs: ConsentInputs) -> ConsentVote? {
        guard let value = inputs.noTelemetryVariable, AnswerWord(value) == .yes else { return nil }
        return refusal(.noTelemetryVariable, ConsentInputs.noTelemetryVariableName(inputs.toolName), value)
    }

    /// A6
    static func telemetryEnabledVariable(_ inputs: ConsentInputs) -> ConsentVote? {
        guard let value = inputs.telemetryEnabledVariable else { return nil }
        let name = ConsentInputs.telemetryEnabledVariableName(inputs.toolName)
        switch AnswerWord(value) {
        case .yes:
            return ConsentVote(
                isEnabled: true, source: .telemetryEnabledVariable, reason: setting(name, value))
        case .no:
            return refusal(.telemetryEnabledVariable, name, value)
        case .empty, .other:
            var vote = refusal(.telemetryEnabledVariable, name, value)
            vote.warning = setting(name, value)
                + ": expected 1, true, yes or on, or 0, false, no or off; telemetry is off"
            return vote
        }
    }

    /// A8
    static func preferenceFile(_ inputs: ConsentInputs) -> ConsentVote? {
        switch inputs.preference {
        case .absent:
            return nil
        case .on:
            return ConsentVote(isEnabled: true, source: .preferenceFile, reason: "the user enabled it")
        case .off:
            return ConsentVote(isEnabled: false, source: .preferenceFile, reason: "the user disabled it")
        case .unusable(let path, let reason):
            return ConsentVote(
                isEnabled: false, source: .preferenceFile, reason: "the preference file is unusable: " + reason,
                warning: Excerpt.of(path, limitBytes: Excerpt.pathLimitBytes) + ": " + reason + "; telemetry is off")
        }
    }

    /// A1
    static func defaultStance(_ inputs: ConsentInputs) -> ConsentVote? {
        let reason: String
        if inputs.stance != TELEMETRY_OPT_OUT {
            reason = "off until the user enables it"
        } else if inputs.noticeShown {
            reason = "on until the user disables it; the notice has been shown"
        } else {
            reason = "on only after the notice has been shown"
        }
        let isEnabled = inputs.stance == TELEMETRY_OPT_OUT && inputs.noticeShown
        return ConsentVote(isEnabled: isEnabled, source: .defaultStance, reason: reason)
    }

    private static func refusal(_ source: ConsentSource, _ name: String, _ value: String) -> ConsentVote {
        ConsentVote(isEnabled: false, source: source, reason: setting(name, value))
    }

    private static func setting(_ name: String, _ value: String) -> String {
        name + " is '" + Excerpt.of(value) + "'"
    }
}
