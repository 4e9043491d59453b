import CSystem
import XCTest

@testable import TelemetryCore

/// Requirements A1 to A6, A8 to A12, A15 and A16, and their order.
final class ConsentResolverTests: XCTestCase {
    private struct Row {
        var error: String?
        var gate = true
        var noTelemetry = false
        var doNotTrack: String?
        var kill: String?
        var enabled: String?
        var preference = PreferenceAnswer.absent
        var optOut = false
        var notice = false
        var policy = PreferenceAnswer.absent
        var force = false
        var caller: PreferenceAnswer?
        var everyTool = PreferenceAnswer.absent
        var outdated = false
        var project: PreferenceAnswer?
        var config: PreferenceAnswer?
        var ci: Bool?
        let on: Bool
        let source: String
        var warning: String?

        var inputs: ConsentInputs {
            let inputs = ConsentInputs(toolName: "mytool", preference: preference)
            inputs.optionsError = error
            inputs.authorGate = gate
            inputs.noTelemetry = noTelemetry
            inputs.doNotTrack = doNotTrack
            inputs.noTelemetryVariable = kill
            inputs.telemetryEnabledVariable = enabled
            inputs.preferencePath = "/p/enabled"
            inputs.stance = optOut ? TELEMETRY_OPT_OUT : TELEMETRY_OPT_IN
            inputs.noticeShown = notice
            inputs.policy = policy
            inputs.force = force
            inputs.invokingUser = caller.map { FileAnswer(path: "/u/enabled", answer: $0, onlyLowers: true) }
            inputs.everyToolPreference = everyTool
            inputs.everyToolPath = "/a/enabled"
            inputs.noticeOutdated = outdated
            inputs.projectConfig = project.map { FileAnswer(path: "project.json", answer: $0, onlyLowers: true) }
            inputs.toolConfig = config.map { FileAnswer(path: "/c/config.yaml", answer: $0) }
            inputs.continuousIntegration = ci.map { ContinuousIntegration(name: "CI", value: "x", isDetected: $0) }
            return inputs
        }
    }

    private static let broken = PreferenceAnswer.unusable(path: "/p/enabled", reason: "a symbolic link")
    private static let brokenWarning = "/p/enabled: a symbolic link; telemetry is off"
    private static let file = "preference file"
    private static let kill = "NO_TELEMETRY variable"
    private static let variable = "TELEMETRY_ENABLED variable"
    private static let option = "no-telemetry option"

    private static func garbage(_ shown: String) -> String {
        "MYTOOL_TELEMETRY_ENABLED is '\(shown)': expected 1, true, yes or on, or 0, false, no or off; telemetry is off"
    }

    private static let table: [Row] = [
        // A1: what stands when no one says anything
        Row(on: false, source: "default"),
        Row(notice: true, on: false, source: "default"),
        Row(optOut: true, on: false, source: "default"),
        Row(optOut: true, notice: true, on: true, source: "default"),
        // Invalid options: off, above everything
        Row(error: "bad", on: false, source: "options"),
        Row(error: "bad", enabled: "1", preference: .on, optOut: true, notice: true, on: false, source: "options"),
        Row(error: "bad", gate: false, doNotTrack: "1", on: false, source: "options"),
        // A2: no source opens a closed gate
        Row(gate: false, on: false, source: "author gate"),
        Row(gate: false, enabled: "1", on: false, source: "author gate"),
        Row(gate: false, preference: .on, on: false, source: "author gate"),
        Row(gate: false, optOut: true, notice: true, on: false, source: "author gate"),
        Row(gate: false, doNotTrack: "1", kill: "1", enabled: "bad", on: false, source: "author gate"),
        // A4: anything but empty, 0, false, no, off
        Row(doNotTrack: "1", enabled: "1", on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: "true", enabled: "1", on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: "TRUE", preference: .on, on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: "yes", preference: .on, on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: "on", optOut: true, notice: true, on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: "2", enabled: "1", on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: "00", enabled: "1", on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: " ", enabled: "1", on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: " 0", enabled: "1", on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: "nope", enabled: "1", on: false, source: "DO_NOT_TRACK"),
        Row(doNotTrack: "", enabled: "1", on: true, source: variable),
        Row(doNotTrack: "0", enabled: "1", on: true, source: variable),
        Row(doNotTrack: "false", enabled: "1", on: true, source: variable),
        Row(doNotTrack: "False", enabled: "1", on: true, source: variable),
        Row(doNotTrack: "NO", preference: .on, on: true, source: file),
        Row(doNotTrack: "oFf", preference: .on, on: true, source: file),
        Row(doNotTrack: "0", on: false, source: "default"),
        Row(noTelemetry: true, doNotTrack: "1", on: false, source: "DO_NOT_TRACK"),
        // A3: off for this run
        Row(noTelemetry: true, on: false, source: option),
        Row(noTelemetry: true, enabled: "1", on: false, source: option),
        Row(noTelemetry: true, preference: .on, on: false, source: option),
        Row(noTelemetry: true, kill: "1", optOut: true, notice: true, on: false, source: option),
        // A5: one way
        Row(kill: "1", enabled: "1", on: false, source: kill),
        Row(kill: "true", preference: .on, on: false, source: kill),
        Row(kill: "YES", preference: .on, on: false, source: kill),
        Row(kill: "On", optOut: true, notice: true, on: false, source: kill),
        Row(kill: "0", on: false, source: "default"),
        Row(kill: "false", on: false, source: "default"),
        Row(kill: "false", optOut: true, notice: true, on: true, source: "default"),
        Row(kill: "", preference: .on, on: true, source: file),
        Row(kill: "garbage", preference: .on, on: false, source: kill),
        Row(kill: "1 ", preference: .on, on: false, source: kill),
        Row(kill: " 0\t", preference: .on, on: true, source: file),
        Row(kill: "0", enabled: "1", on: true, source: variable),
        Row(kill: "no", preference: .off, on: false, source: file),
        // A6: two ways, above the preference; anything else is off, with a warning
        Row(enabled: "1", on: true, source: variable),
        Row(enabled: "true", on: true, source: variable),
        Row(enabled: "Yes", on: true, source: variable),
        Row(enabled: "ON", on: true, source: variable),
        Row(enabled: "1", preference: .off, on: true, source: variable),
        Row(enabled: "1", preference: broken, on: true, source: variable),
        Row(enabled: "1", optOut: true, on: true, source: variable),
        Row(enabled: "0", preference: .on, on: false, source: variable),
        Row(enabled: "FALSE", preference: .on, on: false, source: variable),
        Row(enabled: "no", optOut: true, notice: true, on: false, source: variable),
        Row(enabled: "off", preference: .on, on: false, source: variable),
        Row(enabled: "2", preference: .on, on: false, source: variable, warning: garbage("2")),
        Row(enabled: "", preference: .on, on: false, source: variable, warning: garbage("")),
        Row(enabled: "enabled", on: false, source: variable, warning: garbage("enabled")),
        Row(enabled: "1 ", optOut: true, notice: true, on: false, source: variable, warning: garbage("1 ")),
        Row(enabled: "\u{1B}[2J\n", on: false, source: variable, warning: garbage("?[2J?")),
        Row(doNotTrack: "1", enabled: "2", on: false, source: "DO_NOT_TRACK"),
        // A8
        Row(preference: .on, on: true, source: file),
        Row(preference: .on, optOut: true, on: true, source: file),
        Row(preference: .off, on: false, source: file),
        Row(preference: .off, optOut: true, notice: true, on: false, source: file),
        Row(preference: broken, on: false, source: file, warning: brokenWarning),
        Row(preference: broken, optOut: true, notice: true, on: false, source: file, warning: brokenWarning),
        Row(enabled: "0", preference: broken, on: false, source: variable),
        Row(preference: .on, outdated: true, on: false, source: file),
        Row(preference: .off, optOut: true, notice: true, outdated: true, on: false, source: file),
        Row(enabled: "1", preference: .on, outdated: true, on: true, source: variable),
        // A10: below the author's gate, above everything else; it can only lower
        Row(gate: false, policy: .off, on: false, source: "author gate"),
        Row(doNotTrack: "1", policy: .off, on: false, source: "admin policy"),
        Row(policy: .off, force: true, on: false, source: "admin policy"),
        Row(enabled: "1", policy: .off, on: false, source: "admin policy"),
        Row(
            enabled: "1", policy: malformed("/etc/telemetry/policy.yaml"), on: false, source: "admin policy",
            warning: "/etc/telemetry/policy.yaml:1:1: x; telemetry is off"),
        Row(policy: .on, on: false, source: "default"),
        Row(preference: .on, policy: .on, on: true, source: file),
        // A12: above what the user has set, below what refuses outright
        Row(force: true, on: true, source: "force"),
        Row(enabled: "0", force: true, on: true, source: "force"),
        Row(enabled: "garbage", force: true, on: true, source: "force"),
        Row(
            preference: .off, force: true, caller: .off, everyTool: .off, project: .off, config: .off, ci: true,
            on: true, source: "force"),
        Row(gate: false, force: true, on: false, source: "author gate"),
        Row(error: "bad", force: true, on: false, source: "options"),
        Row(doNotTrack: "1", force: true, on: false, source: "DO_NOT_TRACK"),
        Row(noTelemetry: true, force: true, on: false, source: option),
        Row(kill: "1", force: true, on: false, source: kill),
        // A16: only lowers
        Row(preference: .on, caller: .off, on: false, source: "invoking user"),
        Row(preference: .on, caller: .on, on: true, source: file),
        Row(preference: .on, caller: .absent, on: true, source: file),
        Row(caller: .on, on: false, source: "default"),
        Row(enabled: "1", caller: .off, on: true, source: variable),
        Row(
            preference: .on, caller: .unusable(path: "/u/enabled", reason: "a symbolic link"), on: false,
            source: "invoking user", warning: "/u/enabled: a symbolic link; telemetry is off"),
        Row(caller: .off, everyTool: .off, on: false, source: "invoking user"),
        // A8 for all tools: only lowers
        Row(preference: .on, everyTool: .off, on: false, source: "all-tools preference"),
        Row(preference: .on, everyTool: .on, on: true, source: file),
        Row(everyTool: .on, on: false, source: "default"),
        Row(optOut: true, notice: true, everyTool: .off, on: false, source: "all-tools preference"),
        Row(
            preference: .on, everyTool: .unusable(path: "/a/enabled", reason: "empty"), on: false,
            source: "all-tools preference", warning: "/a/enabled: empty; telemetry is off"),
        // A9
        Row(config: .on, on: true, source: "tool config"),
        Row(config: .off, on: false, source: "tool config"),
        Row(optOut: true, notice: true, config: .off, on: false, source: "tool config"),
        Row(optOut: true, config: .on, on: true, source: "tool config"),
        Row(config: .absent, on: false, source: "default"),
        Row(
            config: malformed("/c/config.yaml"), on: false, source: "tool config",
            warning: "/c/config.yaml:1:1: x; telemetry is off"),
        Row(project: .off, config: .on, on: false, source: "project config"),
        Row(project: .on, on: false, source: "default"),
        Row(project: .on, config: .off, on: false, source: "tool config"),
        Row(project: .on, config: .on, on: true, source: "tool config"),
        Row(
            project: malformed("project.json"), config: .on, on: false, source: "project config",
            warning: "project.json:1:1: x; telemetry is off"),
        Row(preference: .on, project: .absent, config: .on, on: true, source: file),
        // A15: one warning, whichever way round, where the preference decides
        Row(
            preference: .on, config: .off, on: true, source: file,
            warning: "/p/enabled says on, /c/config.yaml says off; the first one counts"),
        Row(
            preference: .off, config: .on, on: false, source: file,
            warning: "/p/enabled says off, /c/config.yaml says on; the first one counts"),
        Row(
            preference: .on, project: .off, config: .off, on: true, source: file,
            warning: "/p/enabled says on, project.json says off; the first one counts"),
        Row(preference: .off, project: .on, on: false, source: file),
        Row(preference: .off, config: .off, on: false, source: file),
        Row(preference: .off, config: malformed("/c/config.yaml"), on: false, source: file),
        Row(
            preference: .on, config: malformed("/c/config.yaml"), on: true, source: file,
            warning: "/p/enabled says on, /c/config.yaml says off; the first one counts"),
        Row(doNotTrack: "1", preference: .on, config: .off, on: false, source: "DO_NOT_TRACK"),
        // A11: below what a person has said, above a file that is checked out
        Row(ci: true, on: false, source: "CI"),
        Row(optOut: true, notice: true, ci: true, on: false, source: "CI"),
        Row(optOut: true, notice: true, ci: false, on: true, source: "default"),
        Row(enabled: "1", ci: true, on: true, source: variable),
        Row(preference: .on, ci: true, on: true, source: file),
        Row(config: .on, ci: true, on: false, source: "CI"),
        Row(config: .on, ci: false, on: true, source: "tool config"),
        Row(config: .off, ci: true, on: false, source: "tool config"),
    ]

    private static func malformed(_ path: String) -> PreferenceAnswer { .unusable(path: path, reason: ":1:1: x") }

    /// Each source that refuses against each that agrees below it, and the other way round.
    func testEachPairOfSources() {
        // Nil: the source cannot agree.
        let no: [(ConsentInputs) -> Void] = [
            { $0.optionsError = "bad" }, { $0.authorGate = false }, { $0.policy = .off }, { $0.doNotTrack = "1" },
            { $0.everyToolVariable = "0" },
            { $0.sdkDisabled = "true" }, { $0.noTelemetry = true }, { $0.noTelemetryVariable = "1" }, { _ in },
            { $0.telemetryEnabledVariable = "0" },
            { $0.invokingUser = FileAnswer(path: "/u", answer: .off, onlyLowers: true) },
            { $0.everyToolPreference = .off },
            { $0.preference = .off }, { $0.projectConfig = FileAnswer(path: "p", answer: .off, onlyLowers: true) },
            { $0.toolConfig = FileAnswer(path: "/c", answer: .off) },
            { $0.continuousIntegration = ContinuousIntegration(name: "CI", value: "1", isDetected: true) }, { _ in },
        ]
        let yes: [Int: (ConsentInputs) -> Void] = [
            8: { $0.force = true }, 9: { $0.telemetryEnabledVariable = "1" }, 12: { $0.preference = .on },
            14: { $0.toolConfig = FileAnswer(path: "/c", answer: .on) },
            16: {
                $0.stance = TELEMETRY_OPT_OUT
                $0.noticeShown = true
            },
        ]
        let sources = (0...UInt8.max).compactMap { ConsentSource(rawValue: $0) }.filter { $0.speaks(to: .author) }
        XCTAssertEqual(sources.count, no.count)
        for (agreeing, agree) in yes {
            for refusing in 0..<16 where refusing != 8 && refusing != agreeing {
                let inputs = ConsentInputs(toolName: "mytool")
                agree(inputs)
                no[refusing](inputs)
                let decision = ConsentResolver.resolve(inputs)
                // A11: in CI a config's yes does not count, though CI stands below it.
                let refused = refusing < agreeing || agreeing == 14 && refusing == 15
                XCTAssertEqual(decision.isEnabled, !refused, "\(refusing) against \(agreeing)")
                XCTAssertEqual(
                    decision.source, sources[refused ? refusing : agreeing], "\(refusing) against \(agreeing)")
            }
        }
    }

    /// A7: anyone's yes keeps events here; no one's no sends them away.
    func testLocalOnly() {
        let table: [(option: Bool, variable: String?, config: PreferenceAnswer, isOn: Bool, warns: Bool)] = [
            (false, nil, .absent, false, false), (true, nil, .absent, true, false), (true, "0", .off, true, false),
            (false, "1", .absent, true, false), (false, "YES", .off, true, false), (false, "0", .on, true, false),
            (false, "", .absent, false, false), (false, "off", .absent, false, false),
            (false, "maybe", .absent, true, true),
            (false, nil, .on, true, false), (false, nil, .off, false, false),
            (false, nil, Self.malformed("/c"), true, true),
        ]
        for row in table {
            let inputs = ConsentInputs(toolName: "mytool", preference: .on)
            inputs.localOnly = row.option
            inputs.localVariable = row.variable
            inputs.configLocalOnly = row.config
            let decision = ConsentResolver.resolve(inputs)
            XCTAssertEqual(decision.isLocalOnly, row.isOn, "\(row)")
            XCTAssertEqual(decision.warnings.count, row.warns ? 1 : 0, "\(row)")
            XCTAssertTrue(decision.isEnabled, "it does not switch off: \(row)")
        }
    }

    func testMatrix() {
        XCTAssertGreaterThanOrEqual(Self.table.count, 60)
        for (index, row) in Self.table.enumerated() {
            let decision = ConsentResolver.resolve(row.inputs)
            XCTAssertEqual(decision.isEnabled, row.on, "row \(index): \(row)")
            XCTAssertEqual(decision.source.name, row.source, "row \(index): \(row)")
            XCTAssertEqual(decision.warnings, row.warning.map { [$0] } ?? [], "row \(index): \(row)")
            XCTAssertFalse(decision.reason.isEmpty, "row \(index)")
        }
    }

    /// Every combination, against the requirements said in one sentence.
    func testEveryCombination() {
        let words: [String?] = [nil, "", "0", "No", "1", "TRUE", "x"]
        let yes: Set<String> = ["1", "TRUE"]
        let no: Set<String> = ["0", "No"]
        for bits in 0..<32 {
            for doNotTrack in words {
                for kill in words {
                    for enabled in words {
                        for preference in [PreferenceAnswer.absent, .on, .off, Self.broken] {
                            let row = Row(
                                error: bits & 1 == 0 ? nil : "bad", gate: bits & 2 == 0, noTelemetry: bits & 4 != 0,
                                doNotTrack: doNotTrack, kill: kill, enabled: enabled, preference: preference,
                                optOut: bits & 8 != 0, notice: bits & 16 != 0, on: false, source: "")
                            let refused =
                                bits & 7 != 0
                                || [doNotTrack, kill].contains { !($0 == nil || $0 == "" || no.contains($0 ?? "")) }
                            let byDefault = bits & 24 == 24
                            let agreed =
                                enabled != nil
                                ? yes.contains(enabled ?? "")
                                : preference == .on || preference == .absent && byDefault
                            XCTAssertEqual(
                                ConsentResolver.resolve(row.inputs).isEnabled, !refused && agreed, "\(row)")
                        }
                    }
                }
            }
        }
    }

    /// A4: without a tool's name, a yes says nothing and everything else refuses.
    func testEveryToolVariable() {
        for (value, isNo, warns) in [
            ("0", true, false), ("False", true, false), ("", true, true), ("maybe", true, true), (" 1", true, true),
            ("1", false, false), ("YES", false, false),
        ] {
            let inputs = ConsentInputs(toolName: "mytool", preference: .on)
            inputs.telemetryEnabledVariable = "1"
            inputs.force = true
            inputs.everyToolVariable = value
            let decision = ConsentResolver.resolve(inputs)
            XCTAssertEqual(decision.isEnabled, !isNo, value)
            XCTAssertEqual(decision.source.name, isNo ? "all-tools TELEMETRY_ENABLED" : "force", value)
            XCTAssertEqual(
                decision.warnings,
                warns
                    ? [
                        "TELEMETRY_ENABLED is '\(value)': expected 1, true, yes or on, or 0, false, no or off; telemetry is off"
                    ] : [])
            inputs.audience = .own
            XCTAssertNotEqual(ConsentResolver.resolve(inputs).source, .everyToolVariable)
        }
        let inputs = ConsentInputs(toolName: "mytool")
        inputs.everyToolVariable = "true"
        XCTAssertEqual(ConsentResolver.resolve(inputs).source, .defaultStance, "it agrees to nothing")
    }

    func testReasonNamesTheVariableAndItsValue() {
        let row = Row(doNotTrack: "please", on: false, source: "")
        XCTAssertEqual(ConsentResolver.resolve(row.inputs).reason, "DO_NOT_TRACK is 'please'")
        let kill = Row(kill: "on", on: false, source: "")
        XCTAssertEqual(ConsentResolver.resolve(kill.inputs).reason, "MYTOOL_NO_TELEMETRY is 'on'")
    }
}
