import CSystem
import XCTest

@testable import TelemetryCore

/// Decision 5: what is wrong with a manifest is said with file, line, column and key, and nothing
/// of a wrong manifest is taken.
final class ManifestErrorTests: XCTestCase {
    private static let tool = "tool: {name: mytool}\n"

    private func error(_ bytes: [UInt8], into options: Options) -> String? {
        do {
            try bytes.withUnsafeBytes { try Manifest.parse($0, name: "f.yaml", into: options) }
            return nil
        } catch {
            return (error as? ManifestError)?.text ?? "\(error)"
        }
    }

    private func dump(_ options: Options) -> String {
        var text = ""
        Swift.dump(options, to: &text)
        return text
    }

    private func check(_ text: String, _ expected: String, file: StaticString = #filePath, line: UInt = #line) {
        let options = Options(toolName: "mytool", toolVersion: "1")
        let failed = Options(toolName: "mytool", toolVersion: "1")
        XCTAssertEqual(error(Array(text.utf8), into: options), expected, text, file: file, line: line)
        failed.fail(expected)
        XCTAssertEqual(dump(options), dump(failed), "nothing but the error: \(text)", file: file, line: line)
    }

    func testTop() {
        let top =
            "tool, enabled, consent, force, local_only, storage, config, notice, extended_collection, sampling, metadata, identity, fields, deletion, backend, backends, delivery, heartbeat, limits, events, metrics, process_metrics, spans, command_spans"
        check("", "f.yaml:1:1: YAML: the file is empty; expected a mapping")
        check("# nothing\n", "f.yaml:2:1: YAML: the file is empty; expected a mapping")
        check("text", "f.yaml:1:1: manifest: a single value is not a mapping; expected a mapping")
        check("[1]", "f.yaml:1:1: manifest: a sequence is not a mapping; expected a mapping")
        check("enabled: true", "f.yaml:1:1: tool: missing; expected a mapping with a name")
        check(Self.tool + "enabeld: true", "f.yaml:2:1: enabeld: unknown key; expected 'enabled' or another of \(top)")
        check(
            Self.tool + "Consent: opt-in", "f.yaml:2:1: Consent: unknown key; expected 'consent' or another of \(top)")
        check(Self.tool + "\"a\\x1B\": 1", "f.yaml:2:1: a?: unknown key; expected 'tool' or another of \(top)")
    }

    /// A7, A9, A12
    func testConfig() {
        let at = Self.tool + "config: "
        check(at + "{key: k}", "f.yaml:2:9: config.file: missing; expected the user's configuration file")
        check(
            at + "{file: f, local_only_key: k}",
            "f.yaml:2:9: config.key: missing; expected a dotted key, as in telemetry.enabled")
        check(
            at + "{file: f, project_file: g}",
            "f.yaml:2:9: config.key: missing; expected a dotted key, as in telemetry.enabled")
        check(
            at + "{file: ../f, key: k}",
            "f.yaml:2:16: config.file: '../f' is not such a file name; expected a path that is absolute, begins with ~/, or is relative to $XDG_CONFIG_HOME, without '..'"
        )
        check(
            at + "{project_file: /f, key: k}",
            "f.yaml:2:24: config.project_file: '/f' is not such a file name; expected a path below the working directory, without '..'"
        )
        check(
            at + "{file: f, key: a..b}",
            "f.yaml:2:24: config.key: 'a..b' is not a key; expected 1 to 256 bytes, as in telemetry.enabled")
        check(
            at + "{file: [f], key: k}",
            "f.yaml:2:16: config.file: '' is not such a file name; expected a path that is absolute, begins with ~/, or is relative to $XDG_CONFIG_HOME, without '..'"
        )
        check(at + "on", "f.yaml:2:9: config: a single value is not a mapping; expected a mapping")
        check(Self.tool + "force: yes", "f.yaml:2:8: force: 'yes' is not a boolean; expected true or false")
        check(Self.tool + "local_only: 1", "f.yaml:2:13: local_only: '1' is not a boolean; expected true or false")
    }

    func testTool() {
        let name = "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        let version = "1 to 64 bytes without control characters"
        check("tool: mytool", "f.yaml:1:7: tool: a single value is not a mapping; expected a mapping")
        check("tool: {version: 1}", "f.yaml:1:7: tool.name: missing; expected \(name)")
        check("tool: {name: a/b}", "f.yaml:1:14: tool.name: 'a/b' is not a tool name; expected \(name)")
        check("tool: {name: }", "f.yaml:1:14: tool.name: '' is not text; expected \(name)")
        check("tool: {name: ''}", "f.yaml:1:14: tool.name: '' is not a tool name; expected \(name)")
        check("tool: {name: [a]}", "f.yaml:1:14: tool.name: a sequence is not text; expected \(name)")
        check("tool:\n  name: other\n", "f.yaml:2:9: tool.name: 'other' is another tool; expected 'mytool'")
        check(
            "tool: {name: mytool, versoin: 1}",
            "f.yaml:1:22: tool.versoin: unknown key; expected 'version' or another of name, version")
        check(
            "tool: {name: mytool, version: \"a\\n\"}",
            "f.yaml:1:31: tool.version: 'a?' is not a version; expected \(version)")
        check("tool: {name: mytool, version: ~}", "f.yaml:1:31: tool.version: '~' is not text; expected \(version)")
    }

    func testConsent() {
        check(Self.tool + "enabled: yes", "f.yaml:2:10: enabled: 'yes' is not a boolean; expected true or false")
        check(Self.tool + "enabled: \"true\"", "f.yaml:2:10: enabled: 'true' is not a boolean; expected true or false")
        check(Self.tool + "enabled: {}", "f.yaml:2:10: enabled: a mapping is not a boolean; expected true or false")
        check(Self.tool + "enabled:", "f.yaml:2:9: enabled: '' is not a boolean; expected true or false")
        check(Self.tool + "consent: optout", "f.yaml:2:10: consent: 'optout' is not known; expected opt-in or opt-out")
        check(
            Self.tool + "extended_collection: 1",
            "f.yaml:2:22: extended_collection: '1' is not a boolean; expected true or false")
    }

    /// C11
    func testSampling() {
        let s = Self.tool + "sampling:\n"
        check(Self.tool + "sampling: 0.5", "f.yaml:2:11: sampling: a single value is not a mapping; expected a mapping")
        check(
            s + "  a b: 0.5",
            "f.yaml:3:3: sampling.a b: no event type; expected 1 to 64 letters, digits, '.', '_' or '-'")
        for value in ["-0.1", "1.1", "\"0.5\"", "often", ".nan", "1e999"] {
            let shown = value.replacingOccurrences(of: "\"", with: "")
            check(
                s + "  x: " + value, "f.yaml:3:6: sampling.x: '\(shown)' is not a share; expected a number from 0 to 1")
        }
        check(s + "  x: [1]", "f.yaml:3:6: sampling.x: a sequence is not a share; expected a number from 0 to 1")
    }

    func testMetadata() {
        let m = Self.tool + "metadata:\n"
        check(Self.tool + "metadata: [a]", "f.yaml:2:11: metadata: a sequence is not a mapping; expected a mapping")
        check(
            m + "  a: [1]",
            "f.yaml:3:6: metadata.a: a sequence is not a value; expected a string, an integer, a number or a boolean")
        check(
            m + "  a: null",
            "f.yaml:3:6: metadata.a: 'null' is not a value; expected a string, an integer, a number or a boolean")
        check(
            m + "  a: 9223372036854775808",
            "f.yaml:3:6: metadata.a: '9223372036854775808' is out of range; expected an integer of 64 bits, or quotes around it"
        )
        check(
            m + "  a: 1e999",
            "f.yaml:3:6: metadata.a: '1e999' is out of range; expected a number of 64 bits, or quotes around it")
        check(m + "  os: linux", "f.yaml:3:3: metadata: 'os' is the name of an event field; expected another name")
        check(m + "  \"\": 1", "f.yaml:3:3: metadata: key '' of 0 bytes; expected 1 to 64 bytes")
        let many = (0..<33).map { "  k\($0): 1\n" }.joined()
        check(m + many, "f.yaml:3:3: metadata: 33 attributes; expected at most 32")
    }

    func testBackend() {
        let b = Self.tool + "backend: "
        let url = "an http or https URL of at most 2048 bytes"
        let like = "expected a URL such as https://host/path"
        let kinds =
            "noop, stdout, file, http, otlp, datadog, posthog, segment, splunk_hec, splunk_udp, clickhouse or zipkin"
        let absolute = "an absolute path of at most 4095 bytes"
        check(b + "file", "f.yaml:2:10: backend: a single value is not a mapping; expected a mapping")
        check(
            Self.tool + "backends: []", "f.yaml:2:11: backends: the list is empty; expected one backend or more")
        check(
            Self.tool + "backends: {}", "f.yaml:2:11: backends: a mapping is not a list; expected a list of backends")
        check(
            b + "{kind: noop}\nbackends: [{kind: noop}]",
            "f.yaml:3:11: backends: of no use beside backend; expected one of the two")
        check(b + "{path: /x}", "f.yaml:2:10: backend.kind: missing; expected \(kinds)")
        check(b + "{kind: ftp}", "f.yaml:2:17: backend.kind: the value is not known; expected \(kinds)")
        check(
            b + "{kind: noop, path: /x}", "f.yaml:2:29: backend.path: does not go with this kind; expected kind: file")
        check(
            b + "{kind: zipkin, endpoint: 'https://h', signals: events}",
            "f.yaml:2:57: backend.signals: does not go with kind: zipkin, which takes spans and nothing else")
        check(
            b + "{kind: otlp, endpoint: 'https://h', signals: traces}",
            "f.yaml:2:55: backend.signals: the value is not known; expected each of events metrics spans at most once")
        check(
            b + "{kind: file, endpoint: x}",
            "f.yaml:2:33: backend.endpoint: does not go with this kind; expected kind: one that sends")
        check(
            b + "{kind: file, path: x.jsonl}",
            "f.yaml:2:29: backend.path: not such a path; expected \(absolute)")
        check(
            b + "{kind: file, path: \"/a\\0b\"}",
            "f.yaml:2:29: backend.path: not such a path; expected \(absolute)")
        check(
            b + "{kind: file, max_files: 0}",
            "f.yaml:2:34: backend.max_files: the value is out of range; expected an integer from 1 to 1000")
        check(
            b + "{kind: file, max_bytes: 1k}",
            "f.yaml:2:34: backend.max_bytes: the value is not an integer; expected an integer from 4096 to 1099511627776"
        )
        check(b + "{kind: http}", "f.yaml:2:10: backend.endpoint: missing; expected \(url)")
        check(
            b + "{kind: http, endpoint: 'ftp://u:secret@h'}",
            "f.yaml:2:33: backend.endpoint: the endpoint's scheme is neither https nor http; \(like)")
        check(
            b + "{kind: http, endpoint: 'https://'}", "f.yaml:2:33: backend.endpoint: the endpoint has no host; \(like)"
        )
        check(
            b + "{kind: http, endpoint: \"https://h/\\n\"}",
            "f.yaml:2:33: backend.endpoint: the endpoint holds a space or a control character; expected them percent-encoded"
        )
        check(b + "{kind: http, endpoint: ''}", "f.yaml:2:33: backend.endpoint: the endpoint is empty; \(like)")
        check(
            b + "{kind: http, endpoint: 'https://h', timeout_ms: 0}",
            "f.yaml:2:58: backend.timeout_ms: the value is out of range; expected an integer from 1 to 600000")
    }

    /// A credential in a header is never shown.
    func testHeaders() {
        let h = Self.tool + "backend:\n  kind: http\n  endpoint: https://h\n  headers:"
        let characters = "value with other characters; expected visible ASCII, spaces and tabs"
        check(h + " x", "f.yaml:5:12: backend.headers: a single value is not a mapping; expected a mapping")
        check(h + "\n    X-Key: \"secret\\r\\nEvil: 1\"", "f.yaml:6:12: backend.headers.X-Key: \(characters)")
        check(h + "\n    X-Key: \"sécret\"", "f.yaml:6:12: backend.headers.X-Key: \(characters)")
        check(
            h + "\n    X-Key: {a: secret}",
            "f.yaml:6:12: backend.headers.X-Key: a mapping is not text; expected the header's value")
        check(
            h + "\n    X Key: secret",
            "f.yaml:6:12: backend.headers: not a header name; expected 1 to 64 letters, digits or hyphens")
        check(
            h + "\n    content-LENGTH: 5",
            "f.yaml:6:21: backend.headers.content-LENGTH: set by the library; expected another header")
        check(
            h + "\n    X-Key: \(String(repeating: "v", count: 8193))",
            "f.yaml:6:12: backend.headers.X-Key: value of 8193 bytes; expected at most 8192")
        let many = (0..<33).map { "\n    X-\($0): v" }.joined()
        check(h + many, "f.yaml:6:5: backend.headers: 33 headers; expected at most 32")
    }

    /// The line of what is wrong, not that of the metric.
    func testMetrics() {
        let m = Self.tool + "metrics:\n  m:\n    description: M.\n"
        check(
            m + "    type: counter\n    unit: a b",
            "f.yaml:6:11: metrics.m.unit: 'a b' is not a unit; expected at most 63 printable ASCII characters without a blank"
        )
        check(
            m + "    type: histogram\n    bounds: [1, 3, 2]",
            "f.yaml:6:20: metrics.m.bounds: '2' is not above the bound before it; expected a sequence of ascending numbers"
        )
        check(
            m + "    type: counter\n    bounds: [1]",
            "f.yaml:6:13: metrics.m.bounds: does not go with type: counter; expected type: histogram")
        check(
            m + "    type: counter\n    combine: sum",
            "f.yaml:6:14: metrics.m.combine: does not go with type: counter; expected type: gauge")
    }

    /// A key in the place of something else is not repeated.
    func testNoSecretIsShown() {
        for line in [
            "SEKRIT", "{kind: SEKRIT}", "{kind: http, endpoint: https://h, headers: 'Authorization: Bearer SEKRIT'}",
            "{kind: http, endpoint: https://h, headers: {Bearer SEKRIT: x}}",
            "{kind: http, endpoint: https://h, headers: {Bearer SEKRIT: 1, Bearer SEKRIT: 2}}",
            "{kind: http, endpoint: https://h, api_key_env: SEKRIT.}",
            "{kind: http, endpoint: https://h, api_key_file: SEKRIT}",
            "{kind: http, endpoint: https://h, compression: SEKRIT}",
            "{kind: http, endpoint: https://h, timeout_ms: SEKRIT}",
            "{kind: http, endpoint: https://h, allow_http: SEKRIT}", "{kind: http, endpoint: https://h, name: SEKRIT!}",
            "{kind: http, endpoint: https://h, api_key_header: SEKRIT X}", "{kind: file, path: SEKRIT}",
            "{kind: file, max_bytes: SEKRIT}", "{kind: otlp, endpoint: https://h, signals: [SEKRIT]}",
            "{kind: datadog, api_key: x, site: SEKRIT}", "{kind: http, endpoint: SEKRIT}",
            "{kind: http, 'SEKRIT 1': x}",
        ] {
            let options = Options(toolName: "", toolVersion: "")
            let text = Self.tool + "backend: " + line
            XCTAssertThrowsError(
                try Array(text.utf8).withUnsafeBytes { try Manifest.parse($0, name: "f.yaml", into: options) }, line)
            XCTAssertFalse(options.error?.contains("SEKRIT") ?? true, "\(line): \(options.error ?? "")")
        }
    }

    func testDeliveryAndLimits() {
        check(
            Self.tool + "delivery: {mode: agents}",
            "f.yaml:2:18: delivery.mode: 'agents' is not known; expected in-process, detached or agent")
        check(
            Self.tool + "delivery: {guarantee: once}",
            "f.yaml:2:23: delivery.guarantee: 'once' is not known; expected at-least-once or at-most-once")
        check(
            Self.tool + "delivery: {flush_interval_ms: 1.5}",
            "f.yaml:2:31: delivery.flush_interval_ms: '1.5' is not an integer; expected an integer from 1 to 86400000")
        check(
            Self.tool + "delivery: {flush_interval: 1}",
            "f.yaml:2:12: delivery.flush_interval: unknown key; expected 'flush_interval_ms' or another of mode, guarantee, flush_interval_ms, at_exit_ms"
        )
        let segment = "expected an integer from 8192 to 16777216, a multiple of 4096"
        check(
            Self.tool + "limits: {segment_bytes: 4096}",
            "f.yaml:2:25: limits.segment_bytes: '4096' is out of range; \(segment)")
        check(
            Self.tool + "limits: {segment_bytes: 10000}",
            "f.yaml:2:25: limits.segment_bytes: '10000' is out of range; \(segment)")
        check(
            Self.tool + "limits: {segment_bytes: '8192'}",
            "f.yaml:2:25: limits.segment_bytes: '8192' is not an integer; \(segment)")
        check(
            Self.tool + "limits: {segment_bytes: 16777216, spool_bytes: 65536}",
            "f.yaml:2:48: limits.spool_bytes: '65536' is out of range; expected an integer from 16777216 to 1099511627776"
        )
        check(
            Self.tool + "limits: {spool_bytes: 8192}",
            "f.yaml:2:23: limits.spool_bytes: '8192' is out of range; expected an integer from 262144 to 1099511627776")
        check(
            Self.tool + "limits: {spool_segments: 0}",
            "f.yaml:2:26: limits.spool_segments: '0' is out of range; expected an integer from 1 to 65536")
        check(
            Self.tool + "limits: {spool_age_s: -99999999999999999999}",
            "f.yaml:2:23: limits.spool_age_s: '-99999999999999999999' is out of range; expected an integer from 1 to 315360000"
        )
    }

    func testYAML() {
        let well = "; expected well-formed YAML in UTF-8"
        check("tool: [", "f.yaml:2:1: YAML: did not find expected node content\(well)")
        check("a: b: c", "f.yaml:1:5: YAML: mapping values are not allowed in this context\(well)")
        check("tool: \"x", "f.yaml:1:9: YAML: found unexpected end of stream\(well)")
        check("ä: 1\näb: \u{1}", "f.yaml:2:5: YAML: control characters are not allowed\(well)")
        check(
            "tool: &t {name: mytool}",
            "f.yaml:1:7: YAML: anchors and aliases are not supported; expected the value itself")
        check("tool: *t", "f.yaml:1:7: YAML: anchors and aliases are not supported; expected the value itself")
        check("&k tool: 1", "f.yaml:1:1: YAML: anchors and aliases are not supported; expected the value itself")
        check("tool: !!str x", "f.yaml:1:7: YAML: tags are not supported; expected a plain value")
        check("{a: 1}: b", "f.yaml:1:1: YAML: a key that is not text; expected a name")
        check(Self.tool + "---\na: 1\n", "f.yaml:2:1: YAML: a second document; expected one")
        check(
            Self.tool + "enabled: true\nenabled: false",
            "f.yaml:3:1: enabled: is there a second time, first in line 2; expected each key once")
        check(
            "tool: {name: mytool, \"name\": x}",
            "f.yaml:1:22: name: is there a second time, first in line 1; expected each key once")
    }

    func testEncodings() {
        let table: [([UInt8], String)] = [
            ([0xFF, 0xFE, 0x61, 0x00], "1:1: YAML: invalid leading UTF-8 octet"),
            ([0x61, 0x3A, 0x20, 0xC3], "1:4: YAML: incomplete UTF-8 octet sequence"),
            ([0x0A, 0x61, 0x3A, 0x20, 0xC0, 0x80], "2:4: YAML: invalid length of a UTF-8 sequence"),
            ([0x61, 0x00], "1:2: YAML: control characters are not allowed"),
        ]
        for (bytes, expected) in table {
            let options = Options(toolName: "mytool", toolVersion: "1")
            XCTAssertEqual(error(bytes, into: options), "f.yaml:\(expected); expected well-formed YAML in UTF-8")
        }
    }

    func testLimits() {
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        check(deep, "f.yaml:1:17: YAML: nested too deeply; expected at most 16 levels")
        let fits = String(repeating: "[", count: 16) + String(repeating: "]", count: 16)
        check(fits, "f.yaml:1:1: manifest: a sequence is not a mapping; expected a mapping")
        let nodes = "[" + String(repeating: "1,", count: 499_999) + "]"
        check(nodes, "f.yaml:1:1: manifest: a sequence is not a mapping; expected a mapping")
        check(
            "[" + String(repeating: "1,", count: 500_000) + "]",
            "f.yaml:1:1000000: YAML: too many values; expected at most 500000")
        let keys = (0...1_000).map { "k\($0): 1\n" }.joined()
        check(keys, "f.yaml:1001:1: YAML: too many keys; expected at most 1000 in one mapping")
        let large = String(repeating: "#", count: (4 << 20) + 1)
        check(large, "f.yaml: 4194305 bytes; expected at most 4194304")
        check(String(large.dropLast()), "f.yaml:2:1: YAML: the file is empty; expected a mapping")
        // Deeper than the parser would follow, were it asked to.
        check(
            String(repeating: "[", count: 4 << 20), "f.yaml:1:17: YAML: nested too deeply; expected at most 16 levels")
    }

    func testIdentityAndDeletion() {
        check(
            Self.tool + "identity: {kind: salty}",
            "f.yaml:2:18: identity.kind: 'salty' is not known; expected salted, none, random or hashed")
        check(
            Self.tool + "identity: {rotation_days: 3651}",
            "f.yaml:2:27: identity.rotation_days: '3651' is out of range; expected an integer from 0 to 3650")
        check(
            Self.tool + "identity: {ephemeral: true}",
            "f.yaml:2:23: identity.ephemeral: 'true' is not known; expected auto, never or always")
        check(
            Self.tool + "deletion: {email: 'a@b?bcc=c@d'}",
            "f.yaml:2:19: deletion.email: not such an address; expected one address such as privacy@example.org"
        )
        check(
            Self.tool + "deletion: {email: a@b, subject: \"a\\r\\nBcc: c@d\"}",
            "f.yaml:2:33: deletion.subject: not a subject; expected 1 to 200 bytes without control characters"
        )
        check(
            Self.tool + "deletion: {subject: x}",
            "f.yaml:2:21: deletion.subject: of no use alone; expected email beside it")
        check(
            Self.tool + "deletion: {headers: {A: b}}",
            "f.yaml:2:21: deletion.headers: of no use alone; expected endpoint beside it")
        check(
            Self.tool + "deletion: {endpoint: 'ftp://example.org'}",
            "f.yaml:2:22: deletion.endpoint: the endpoint's scheme is neither https nor http; expected a URL such as https://host/path"
        )
    }
}
