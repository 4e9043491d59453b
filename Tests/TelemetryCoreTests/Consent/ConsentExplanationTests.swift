import CSystem
import XCTest

@testable import TelemetryCore

/// A14: one line per source, in order, and which won.
final class ConsentExplanationTests: XCTestCase {
    private static let names = [
        "options", "author gate", "admin policy", "DO_NOT_TRACK", "all-tools TELEMETRY_ENABLED",
        "OTEL_SDK_DISABLED", "no-telemetry option",
        "NO_TELEMETRY variable", "force",
        "TELEMETRY_ENABLED variable", "invoking user", "all-tools preference", "preference file", "project config",
        "tool config", "CI", "default",
    ]

    private func object(_ inputs: ConsentInputs) throws -> [String: Any] {
        let text = ConsentExplanation(inputs).json
        XCTAssertEqual(text.filter { $0 == "\n" }.count, 1)
        XCTAssertEqual(text.last, "\n")
        return try XCTUnwrap(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    func testJSON() throws {
        let inputs = ConsentInputs(toolName: "mytool", preference: .on)
        inputs.preferencePath = "/p/enabled"
        inputs.doNotTrack = "0"
        inputs.telemetryEnabledVariable = "\u{1B}\"\n"
        inputs.localVariable = "1"
        inputs.projectConfig = FileAnswer(path: "p.json", answer: .on, onlyLowers: true)
        let object = try object(inputs)
        XCTAssertEqual(
            Set(object.keys),
            [
                "tool", "enabled", "source", "reason", "local_only", "local_only_reason", "signals", "sources",
                "warnings",
            ])
        XCTAssertEqual(object["enabled"] as? Bool, false)
        XCTAssertEqual(object["source"] as? String, "TELEMETRY_ENABLED variable")
        XCTAssertEqual(object["local_only"] as? Bool, true)
        XCTAssertEqual((object["warnings"] as? [String])?.count, 1)
        let sources = try XCTUnwrap(object["sources"] as? [[String: Any]])
        XCTAssertEqual(sources.map { $0["source"] as? String }, Self.names)
        XCTAssertEqual(
            sources.filter { $0["counted"] as? Bool == true }.map { $0["source"] as? String },
            ["TELEMETRY_ENABLED variable"])
        let says = Dictionary(uniqueKeysWithValues: sources.map { ($0["source"] as? String ?? "", $0) })
        XCTAssertEqual(says["DO_NOT_TRACK"]?["says"] as? String, "nothing")
        XCTAssertEqual(says["DO_NOT_TRACK"]?["value"] as? String, "0")
        XCTAssertTrue(says["force"]?["value"] is NSNull)
        XCTAssertEqual(says["TELEMETRY_ENABLED variable"]?["value"] as? String, "?\"?")
        XCTAssertEqual(says["preference file"]?["says"] as? String, "on")
        XCTAssertEqual(
            says["preference file"]?["note"] as? String, "the user enabled it; overruled by TELEMETRY_ENABLED variable")
        XCTAssertEqual(says["project config"]?["says"] as? String, "on")
        XCTAssertEqual(says["project config"]?["counted"] as? Bool, false)
        XCTAssertEqual(
            says["default"]?["note"] as? String,
            "off until the user enables it; already decided by TELEMETRY_ENABLED variable")
    }

    /// What a yes is about, by the receivers that were chosen.
    func testSignals() throws {
        let table = [
            ("", ["events", "metrics", "spans"]),
            ("backend: {kind: http, endpoint: 'https://h'}", ["events", "metrics"]),
            ("backend: {kind: otlp, endpoint: 'https://h', signals: [spans]}", ["events", "metrics", "spans"]),
        ]
        for (backend, expected) in table {
            let options = Options(toolName: "mytool", toolVersion: "1")
            try Array("tool: {name: mytool}\n\(backend)\n".utf8).withUnsafeBytes {
                try Manifest.parse($0, name: "f.yaml", into: options)
            }
            let explanation = ConsentExplanation(options: options)
            let object = try JSONSerialization.jsonObject(with: Data(explanation.json.utf8)) as? [String: Any]
            XCTAssertEqual(object?["signals"] as? [String], expected)
            XCTAssertTrue(
                explanation.text.contains("\nit is about: " + expected.joined(separator: ", ") + "\n"), explanation.text
            )
        }
    }

    func testText() {
        let inputs = ConsentInputs(toolName: "mytool", preference: .off)
        let lines = ConsentExplanation(inputs).text.split(separator: "\n", omittingEmptySubsequences: false).map(
            String.init)
        XCTAssertEqual(lines.first, "telemetry for mytool is off: the user disabled it")
        XCTAssertEqual(
            lines.dropFirst(2).prefix(17).map { $0.dropFirst(2).prefix(28).trimmingCharacters(in: .whitespaces) },
            Self.names)
        XCTAssertEqual(
            lines.filter { $0.hasPrefix("> ") }, ["> preference file             off      the user disabled it"])
        XCTAssertEqual(lines.suffix(3), ["", "local only: no", ""])
    }

    /// What opening a collector decides after a glance is what the whole explanation says.
    func testExplainsTheDecision() {
        let home = ScratchHome()
        defer { home.restore() }
        home.write("k: true\nl: true\n", to: "config/c.yaml")
        for bits in 0..<64 {
            let options = Options(toolName: "mytool", toolVersion: "")
            if bits & 1 != 0 {
                options.settings.config = ConfigLocation(
                    file: "c.yaml", key: "k", localOnlyKey: bits & 2 != 0 ? "l" : nil)
            }
            home.set("MYTOOL_TELEMETRY_ENABLED", bits & 4 != 0 ? "1" : nil)
            home.set("DO_NOT_TRACK", bits & 8 != 0 ? "1" : nil)
            options[.force] = bits & 16 != 0 ? 1 : 0
            home.write(bits & 32 != 0 ? "true" : "false", to: "config/telemetry/mytool/enabled")
            let decision = ConsentResolver.resolve(ConsentInputs.gather(options: options))
            let complete = ConsentResolver.resolve(ConsentInputs.gather(options: options, complete: true))
            XCTAssertEqual(decision.isEnabled, complete.isEnabled, "\(bits)")
            XCTAssertEqual(decision.source, complete.source, "\(bits)")
            XCTAssertEqual(decision.warnings, complete.warnings, "\(bits)")
            if decision.isEnabled { XCTAssertEqual(decision.isLocalOnly, complete.isLocalOnly, "\(bits)") }
        }
    }
}
