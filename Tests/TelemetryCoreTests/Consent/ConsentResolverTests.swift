import CSystem
import XCTest

@testable import TelemetryCore

/// Requirements A1 to A6 and A8, and their order.
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
        let on: Bool
        let source: String
        var warning: String?

        var inputs: ConsentInputs {
            ConsentInputs(
                toolName: "mytool", optionsError: error, authorGate: gate, noTelemetry: noTelemetry,
                doNotTrack: doNotTrack, noTelemetryVariable: kill, telemetryEnabledVariable: enabled,
                preference: preference, stance: optOut ? TELEMETRY_OPT_OUT : TELEMETRY_OPT_IN, noticeShown: notice)
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
        Row(kill: "garbage", preference: .on, on: true, source: file),
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
    ]

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
        let yes: Set<String> = ["1", "TRUE"], no: Set<String> = ["0", "No"]
        for bits in 0..<32 {
            for doNotTrack in words {
                for kill in words {
                    for enabled in words {
                        for preference in [PreferenceAnswer.absent, .on, .off, Self.broken] {
                            let row = Row(
                                error: bits & 1 == 0 ? nil : "bad", gate: bits & 2 == 0, noTelemetry: bits & 4 != 0,
                                doNotTrack: doNotTrack, kill: kill, enabled: enabled, preference: preference,
                                optOut: bits & 8 != 0, notice: bits & 16 != 0, on: false, source: "")
                            let refused = bits & 7 != 0 || yes.contains(kill ?? "")
                                || !(doNotTrack == nil || doNotTrack == "" || no.contains(doNotTrack ?? ""))
                            let byDefault = bits & 24 == 24
                            let agreed = enabled != nil
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

    func testReasonNamesTheVariableAndItsValue() {
        let row = Row(doNotTrack: "please", on: false, source: "")
        XCTAssertEqual(ConsentResolver.resolve(row.inputs).reason, "DO_NOT_TRACK is 'please'")
        let kill = Row(kill: "on", on: false, source: "")
        XCTAssertEqual(ConsentResolver.resolve(kill.inputs).reason, "MYTOOL_NO_TELEMETRY is 'on'")
    }
}
