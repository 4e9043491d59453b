import XCTest

@testable import TelemetryCore

/// A9: one dotted key in a document that may hold anything else.
final class ConfigKeyFinderTests: XCTestCase {
    private func find(_ text: String, _ key: String = "telemetry.enabled") -> ConfigKeyFinder.Finding {
        Array(text.utf8).withUnsafeBytes { ConfigKeyFinder.find(key, in: $0) }
    }

    func testFound() {
        let table: [(String, String, String)] = [
            ("telemetry:\n  enabled: true\n", "telemetry.enabled", "true"),
            ("telemetry: {enabled: no}", "telemetry.enabled", "no"),
            ("enabled: \"false\"", "enabled", "false"),
            (#"{"telemetry":{"enabled":false}}"#, "telemetry.enabled", "false"),
            ("{\n\t\"telemetry\": {\n\t\t\"enabled\": true\n\t}\n}", "telemetry.enabled", "true"),
            ("\u{FEFF}telemetry: {enabled: true}", "telemetry.enabled", "true"),
            ("a: {b: {c: {d: 1}}}", "a.b.c.d", "1"),
            ("a: {x: {c: 2}, b: {c: 1}}", "a.b.c", "1"),
            ("telemetry: {other: {enabled: false}, enabled: true}", "telemetry.enabled", "true"),
            (
                "enabled: false\nother: {telemetry: {enabled: false}}\ntelemetry: {enabled: true}", "telemetry.enabled",
                "true"
            ),
            (
                "x: &a [1, {telemetry: 1}]\ny: *a\nz: !mine {k: v}\ntelemetry: &t {enabled: &e true}\nw: *t",
                "telemetry.enabled", "true"
            ),
            ("? [complex, {a: b}]\n: {enabled: false}\ntelemetry: {enabled: true}", "telemetry.enabled", "true"),
            ("base: &b {k: v}\n<<: *b\ntelemetry: {enabled: true}", "telemetry.enabled", "true"),
            ("telemetry:\n  <<: {x: y}\n  enabled: off", "telemetry.enabled", "off"),
            ("a b: {'c d': on}", "a b.c d", "on"),
            ("telemetry: {enabled: 'maybe'}", "telemetry.enabled", "maybe"),
            ("telemetry: {enabled: ''}", "telemetry.enabled", ""),
        ]
        for (text, key, expected) in table { XCTAssertEqual(find(text, key), .value(expected), text) }
    }

    func testAbsent() {
        for text in [
            "", "# nothing\n", "---\n", "null", "~", "{}", "telemetry:", "telemetry: ~", "telemetry: {}",
            "telemetry: null",
            "telemetry: {enabled: }", "telemetry: {enabled: null}", "telemetry: {Enabled: true}", "enabled: true",
            "telemetry.enabled: true", "x: {telemetry: {enabled: true}}", "telemetryx: {enabled: true}",
            "telemetr: {enabled: 1}",
            "[telemetry]: {enabled: true}", "{telemetry: y}: {enabled: true}", "a: telemetry\nb: [enabled, true]",
        ] { XCTAssertEqual(find(text), .absent, text) }
    }

    func testUnusable() {
        let table: [(String, String)] = [
            ("telemetry: true", "no mapping on the way"), ("telemetry: [enabled]", "no mapping on the way"),
            ("[1]", "no mapping on the way"), ("word", "no mapping on the way"),
            ("telemetry: {enabled: [true]}", "no plain value"), ("telemetry: {enabled: {a: b}}", "no plain value"),
            ("x: &a true\ntelemetry: {enabled: *a}", "no plain value"),
            ("telemetry: {enabled: !!bool true}", "no plain value"),
            ("x: &a {enabled: true}\ntelemetry: *a", "no mapping on the way"),
            ("x: &a telemetry\n*a : {enabled: false}", "an alias on the way"),
            ("x: &a {enabled: true}\ntelemetry: {<<: *a}", "a merge key"),
            ("x: &a {telemetry: {enabled: false}}\n<<: *a", "a merge key"),
            ("telemetry: {enabled: true}\ntelemetry: {enabled: false}", "line 2: the key is there a second time"),
            ("telemetry: {enabled: true, enabled: true}", "a second time"),
            ("telemetry: {enabled: ~, enabled: true}", "a second time"),
            ("telemetry: {enabled: true}\n---\ntelemetry: {enabled: false}", "a second document"),
            ("telemetry: {enabled: true", "line 2: "), ("telemetry:\n\tenabled: true", "line 2: "),
            ("\u{0}", "line 1: "),
            ("x: " + String(repeating: "[", count: 65), "nested too deeply"),
            ("x:\n  " + String(repeating: "- ", count: 70) + "x", "nested too deeply"),
            ("x: " + String(repeating: "{a: ", count: 70), "nested too deeply"),
            ("x:\n" + String(repeating: "- 1\n", count: 100_001), "too many values"),
        ]
        for (text, expected) in table {
            guard case .unusable(let reason) = find(text) else {
                XCTFail("\(text.prefix(60)): \(find(text))")
                continue
            }
            XCTAssertTrue(reason.contains(expected), "\(text.prefix(60)): \(reason)")
        }
    }

    /// Neither random bytes nor damaged documents trap, and no damage turns a refusal into a yes by
    /// anything but writing a yes.
    func testNoInputTraps() {
        let seed = Array(
            "# c\ntelemetry:\n  enabled: false\nx: &a [1, {b: *a}]\n? {k: v}\n: \"\\u00e9\"\n<<: *a\n".utf8)
        var generator = SystemRandomNumberGenerator()
        for round in 0..<4_000 {
            var bytes = round % 2 == 0 ? seed : (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch round % 3 {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1:
                    bytes.remove(at: at)
                    if bytes.isEmpty { bytes = [0] }
                default: bytes.insert(Array("{}[]:,&*!|>'\"\n -?".utf8).randomElement(using: &generator) ?? 0, at: at)
                }
            }
            let finding = bytes.withUnsafeBytes { ConfigKeyFinder.find("telemetry.enabled", in: $0) }
            if case .value(let text) = finding { XCTAssertNotEqual(text, "true") }
        }
    }
}
