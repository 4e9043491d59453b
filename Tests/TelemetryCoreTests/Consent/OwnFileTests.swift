import CSystem
import XCTest

@testable import TelemetryCore

/// H14: receivers of the user's own.
final class OwnFileTests: XCTestCase {
    private var home: ScratchHome!

    override func setUp() {
        home = ScratchHome()
        for name in [
            "OTEL_SDK_DISABLED", "OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "MY_TOOL_NO_TELEMETRY",
        ] { home.set(name, nil) }
    }
    override func tearDown() { home.restore() }

    private func parse(_ text: String) -> OwnFile {
        Array(text.utf8).withUnsafeBytes { OwnFile.parse($0, tool: "my.tool", path: "/o.yaml") }
    }

    func testWords() {
        let backend = "backends: [{kind: otlp, endpoint: 'http://localhost:4318'}]"
        let table: [(String, PreferenceAnswer, Int)] = [
            ("own: on", .on, 0), ("own: off", .off, 0), ("own: TRUE", .on, 0), ("own: 0", .off, 0), ("{}", .absent, 0),
            (backend, .on, 1), (backend + "\nown: off", .off, 0), ("backends: []", .absent, 0),
            (backend + "\ntools: {my.tool: off}", .off, 0), (backend + "\ntools: {'*': off, my.tool: on}", .on, 1),
            (backend + "\ntools: {'*': off}", .off, 0), (backend + "\ntools: {other: off}", .on, 1),
            ("own: off\ntools: {my.tool: on}", .on, 0), ("tools: {other: on}", .absent, 0),
            ("tools: {my.tool: on}", .on, 0),
        ]
        for (text, expected, count) in table {
            let file = parse(text)
            XCTAssertEqual(file.answer, expected, text)
            XCTAssertEqual(file.destinations.count, count, text)
        }
    }

    /// Whatever is wrong with it, nothing is kept or sent, and the reason says where.
    func testMalformed() {
        for text in [
            "", "own", "own:", "own: maybe", "own: [on]", "owned: on", "tools: off", "tools: {my.tool: perhaps}",
            "tools: {'my*': on}", "tools: {_all: on}", "own: on\nown: on", "backends: {kind: otlp}", "backends: [otlp]",
            "backends: [{kind: otlp}]", "backends: [{kind: nothing}]", "own: {", "\u{0}",
            "backends: [{kind: otlp, endpoint: 'http://example.com'}]",
        ] {
            let file = parse(text)
            guard case .unusable(_, let reason) = file.answer else {
                XCTFail("\(text): \(file.answer)")
                continue
            }
            XCTAssertTrue(reason.hasPrefix(":"), reason)
            XCTAssertEqual(file.destinations.count, 0, text)
        }
    }

    private func decide(_ options: Options = Options(toolName: "my.tool", toolVersion: "1")) -> ConsentDecision {
        ConsentResolver.decide(options.own([]))
    }

    private func writeFile(_ text: String, mode: mode_t = 0o600) {
        home.write(text, to: "config/telemetry/own.yaml")
        chmod(home.path + "/config/telemetry/own.yaml", mode)
    }

    /// Nobody is asked for consent again who has asked for it, and nobody else's answer counts.
    func testWhoDecides() {
        XCTAssertEqual(decide().source, .defaultStance)
        XCTAssertNil(OwnChoice.options(Options(toolName: "my.tool", toolVersion: "")))
        writeFile("own: on")
        XCTAssertTrue(decide().isEnabled)
        XCTAssertEqual(decide().source, .ownFile)
        home.set("DO_NOT_TRACK", "1")
        home.set("CI", "1")
        home.write("false", to: "config/telemetry/my.tool/enabled")
        home.write("false", to: "config/telemetry/_all/enabled")
        XCTAssertTrue(decide().isEnabled, "these answers are about the author")
        XCTAssertFalse(ConsentResolver.decide(Options(toolName: "my.tool", toolVersion: "1")).isEnabled)
        for (name, source) in [
            ("OTEL_SDK_DISABLED", ConsentSource.sdkDisabled), ("MY_TOOL_NO_TELEMETRY", .noTelemetryVariable),
        ] {
            home.set(name, "true")
            XCTAssertFalse(decide().isEnabled, name)
            XCTAssertEqual(decide().source, source)
            XCTAssertFalse(decide().voidsWaiting)
            home.set(name, nil)
        }
        let closed = Options(toolName: "my.tool", toolVersion: "1")
        closed.set(.authorGate, 0)
        XCTAssertEqual(decide(closed).source, .authorGate)
        writeFile("own: off")
        XCTAssertFalse(decide().isEnabled)
        home.set("OTEL_METRICS_EXPORTER", "otlp")
        XCTAssertFalse(decide().isEnabled, "the user's no is above what the environment asks for")
        writeFile("own: perhaps")
        XCTAssertEqual(decide().warnings.count, 1)
        writeFile("own: on", mode: 0o666)
        XCTAssertFalse(decide().isEnabled, "anybody could have written that")
    }

    func testVariables() {
        let table: [([String: String], Bool, Bool)] = [
            ([:], false, false), (["OTEL_METRICS_EXPORTER": "otlp"], true, false),
            (["OTEL_METRICS_EXPORTER": "prometheus, otlp"], true, false),
            (["OTEL_METRICS_EXPORTER": "none"], false, false), (["OTEL_METRICS_EXPORTER": ""], false, false),
            (
                ["OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:1"], false,
                false
            ),
            (["OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"], true, false),
            (
                [
                    "OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none",
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
                ], false, false
            ),
            (["OTEL_TRACES_EXPORTER": "otlp"], true, false), (["OTEL_TRACES_EXPORTER": "zipkin"], false, false),
            (["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"], true, false),
            (["OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"], false, true),
            (["OTEL_METRICS_EXPORTER": "prometheus"], false, false),
            (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"], true, false),
            (["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:4318/v1/metrics"], true, false),
            (["OTEL_EXPORTER_OTLP_ENDPOINT": ""], false, false),
            (["OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"], true, false),
            (["OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"], false, true),
            (
                [
                    "OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
                ], true, false
            ),
            (["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"], false, false),
            (["OTEL_METRICS_EXPORTER": "otpl"], false, true),
            (["OTEL_METRICS_EXPORTER": "otpl, otlp"], true, false),
            (["OTEL_METRICS_EXPORTER": "console,none"], false, false),
        ]
        for (variables, isOn, warns) in table {
            for (name, value) in variables { home.set(name, value) }
            let decision = decide()
            XCTAssertEqual(decision.isEnabled, isOn, "\(variables)")
            XCTAssertEqual(decision.warnings.count, warns ? 1 : 0, "\(variables): \(decision.warnings)")
            for name in variables.keys { home.set(name, nil) }
        }
    }

    /// What is off is what is kept for the user, and a protocol is none of the words for yes and no.
    func testWarnings() {
        home.set("OTEL_METRICS_EXPORTER", "otlp")
        home.set("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        XCTAssertEqual(
            decide().warnings,
            [
                "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', which is not spoken here; expected http/protobuf or http/json; nothing is kept for you"
            ])
        home.set("OTEL_EXPORTER_OTLP_PROTOCOL", nil)
        home.set("OTEL_METRICS_EXPORTER", "otpl")
        XCTAssertEqual(
            decide().warnings,
            [
                "OTEL_METRICS_EXPORTER is 'otpl', which asks for nothing; expected otlp, none, or another exporter of OpenTelemetry"
            ])
        writeFile("own: maybe")
        XCTAssertEqual(decide().warnings.first?.hasSuffix("; nothing is kept for you"), true)
    }

    /// At the place of what is wrong, and no two sentences that contradict each other.
    func testSignals() {
        let table = [
            (
                "kind: otlp\n    signals: [events, metrics]",
                ":4:14: backends[0].signals: what is kept for you has no events; expected metrics, spans or both"
            ),
            (
                "kind: http",
                ":2:11: backends[0].kind: a receiver of this kind takes no metrics and no spans; expected otlp or zipkin"
            ),
        ]
        for (text, expected) in table {
            let endpoint = "\n    endpoint: https://h"
            let parts = text.split(separator: "\n", maxSplits: 1)
            let rest = parts.count > 1 ? "\n" + parts[1] : ""
            guard case .unusable(_, let reason) = parse("backends:\n  - " + parts[0] + endpoint + rest).answer else {
                XCTFail(text)
                continue
            }
            XCTAssertEqual(reason, expected)
        }
    }

    /// Of several copies of a variable, one that refuses counts.
    func testCopies() {
        XCTAssertEqual(OwnVariables.Meaning(exporters: "otlp"), .otlp)
        for value in ["none", "prometheus", "otpl", "OTLP"] {
            XCTAssertNotEqual(OwnVariables.Meaning(exporters: value), .otlp, value)
        }
    }

    /// A variable that does not count says nothing.
    func testWhatDoesNotCount() {
        let inputs = ConsentInputs(toolName: "my.tool")
        inputs.audience = .own
        inputs.exporter = OwnVariables.read { $0 == "OTEL_METRICS_EXPORTER" ? "otlp" : nil }
        inputs.exporter?.leave(metrics: true, spans: true)
        let statement = ConsentRules.statement(of: .exporterVariables, inputs)
        XCTAssertEqual(statement.says, .nothing)
        XCTAssertTrue(statement.reason.contains("does not count"))
    }

    /// Each signal has a clause, so that a mistake about one is not hidden by a wish for the other.
    func testWhatEachSignalAsks() {
        let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
        let (metrics, spans) = ("OTEL_METRICS_EXPORTER", "OTEL_TRACES_EXPORTER")
        let misspelt = "which asks for nothing; expected otlp, none, or another exporter of OpenTelemetry"
        let table: [([String: String], ConsentAnswer, warns: Bool, String)] = [
            ([:], .nothing, false, "\(metrics), \(spans) and \(endpoint) are not set"),
            ([endpoint: "http://CANARY"], .on, false, "\(endpoint) is set, which asks for metrics and spans"),
            ([spans: "otlp"], .on, false, "\(spans) is 'otlp', which asks for spans"),
            (
                [metrics: "otlp", spans: "otlp"], .on, false,
                "\(metrics) is 'otlp', which asks for metrics; \(spans) is 'otlp', which asks for spans"
            ),
            (
                [metrics: "otlp", spans: "olpt"], .on, true,
                "\(metrics) is 'otlp', which asks for metrics; \(spans) is 'olpt', \(misspelt)"
            ),
            (
                [endpoint: "http://CANARY", metrics: "none"], .on, false,
                "\(endpoint) is set, which asks for spans; \(metrics) is 'none', which asks for nothing"
            ),
            (
                [metrics: "otlp", spans: "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"], .on, true,
                "\(metrics) is 'otlp', which asks for metrics; OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is 'grpc', which is not"
                    + " spoken here; expected http/protobuf or http/json"
            ),
        ]
        for (variables, says, warns, reason) in table {
            let inputs = ConsentInputs(toolName: "my.tool")
            inputs.audience = .own
            inputs.exporter = OwnVariables.read { variables[$0] }
            let statement = ConsentRules.statement(of: .exporterVariables, inputs)
            XCTAssertEqual(statement.says, says, "\(variables)")
            XCTAssertEqual(statement.warns, warns, "\(variables)")
            XCTAssertEqual(statement.reason, reason)
        }
        let inputs = ConsentInputs(toolName: "my.tool")
        inputs.audience = .own
        inputs.exporter = OwnVariables.read { $0 == endpoint ? "http://CANARY" : nil }
        inputs.exporter?.leave(metrics: false, spans: true)
        XCTAssertEqual(
            ConsentRules.statement(of: .exporterVariables, inputs).reason,
            "\(endpoint) is set, which asks for metrics; \(endpoint) does not count: the tool's author has chosen a"
                + " receiver for spans")
    }

    /// Neither the author's receiver nor what the author adds to events goes along.
    func testNothingOfTheAuthors() throws {
        writeFile("backends: [{kind: otlp, endpoint: 'http://localhost:4318', headers: {x-key: mine}}]")
        let author = Options(toolName: "my.tool", toolVersion: "1")
        author.settings.metadata = [("team", .string("CANARY"))]
        XCTAssertTrue(author.setHTTPBackend(endpoint: "https://author.example/CANARY", headerLines: ["x-key: CANARY"]))
        let own = try XCTUnwrap(OwnChoice.options(author))
        XCTAssertEqual(own.metricDestinations.map { $0.name }, ["own.otlp"])
        XCTAssertTrue(own.metadata.isEmpty)
        guard case .network(let choice) = own.metricDestinations[0].choice else { return XCTFail("another kind") }
        XCTAssertEqual(choice.headers.map { $0.value }, ["mine"])
        XCTAssertEqual(own.stateName, "my.tool/own")
        XCTAssertEqual(author.destinations.map { $0.name }, ["http"])
    }

    /// A value that may hold a secret is not shown.
    func testExplanation() throws {
        home.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:CANARY@localhost:4318")
        let explanation = ConsentExplanation(options: Options(toolName: "my.tool", toolVersion: "1"))
        XCTAssertFalse(explanation.json.contains("CANARY"))
        XCTAssertFalse(explanation.text.contains("CANARY"))
        let object = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(explanation.json.utf8)) as? [String: Any])
        let own = try XCTUnwrap(object["own"] as? [String: Any])
        XCTAssertEqual(own["enabled"] as? Bool, true)
        XCTAssertEqual(own["source"] as? String, "OTEL variables")
        XCTAssertEqual(
            (own["sources"] as? [[String: Any]])?.map { $0["source"] as? String },
            [
                "options", "author gate", "admin policy", "OTEL_SDK_DISABLED", "no-telemetry option",
                "NO_TELEMETRY variable", "own.yaml", "machine's own.yaml", "OTEL variables", "operator", "default",
            ])
    }
}
