import CSystem
import XCTest

@testable import TelemetryCore

/// Decision 5: a tool described by data; what is right is taken, all of it.
final class ManifestTests: XCTestCase {
    private func options(_ tool: String = "mytool", version: String = "1.0") -> Options {
        Options(toolName: tool, toolVersion: version)
    }

    private func parse(_ text: String, into options: Options) throws {
        try Array(text.utf8).withUnsafeBytes { try Manifest.parse($0, name: "f.yaml", into: options) }
    }

    func testEveryKey() throws {
        let options = options(version: "")
        try parse(
            """
            tool: {name: mytool, version: 1.10}
            enabled: true
            consent: opt-out
            extended_collection: true
            process_metrics: true
            command_spans: true
            sampling: {span: 0.25}
            spans: {'build *': {description: A build., attributes: {files: {type: int, description: How many.}}}}
            metadata:
              channel: stable
              build: 42
              low: -9223372036854775808
              ratio: 0.5
              small: 1e-3
              beta: false
              quoted: "42"
              norway: no
              block: |
                two
                lines
            backend:
              kind: http
              endpoint: https://example.org/v1
              headers: {X-Api-Key: "k1 k2", Accept-Language: en}
              timeout_ms: 1500
            delivery: {mode: detached, guarantee: at-most-once, flush_interval_ms: 250}
            limits: {segment_bytes: 65536, spool_bytes: 1048576, spool_segments: 16, spool_age_s: 3600}
            """, into: options)
        XCTAssertNil(options.error)
        XCTAssertEqual(options.toolVersion, "1.10")
        XCTAssertTrue(options.authorGate)
        XCTAssertEqual(options.consent, TELEMETRY_OPT_OUT)
        XCTAssertTrue(options.extendedCollection)
        XCTAssertTrue(options.hasProcessMetrics)
        XCTAssertTrue(options.hasCommandSpans)
        XCTAssertEqual(options.spanSampler, TraceSampler(ratio: 0.25))
        XCTAssertNotNil(options.settings.declaredSpans)
        let expected: [(key: String, value: AttributeValue)] = [
            ("channel", .string("stable")), ("build", .int(42)), ("low", .int(.min)), ("ratio", .double(0.5)),
            ("small", .double(0.001)), ("beta", .bool(false)), ("quoted", .string("42")), ("norway", .string("no")),
            ("block", .string("two\nlines\n")),
        ]
        XCTAssertEqual(options.metadata.map { $0.key }, expected.map { $0.key })
        XCTAssertEqual(options.metadata.map { $0.value }, expected.map { $0.value })
        guard case .network(let choice) = options.backend else { return XCTFail("\(options.backend)") }
        XCTAssertEqual(choice.endpoint, "https://example.org/v1")
        XCTAssertEqual(choice.headers.map { $0.name + ": " + $0.value }, ["X-Api-Key: k1 k2", "Accept-Language: en"])
        XCTAssertEqual(choice.timeoutMilliseconds, 1500)
        XCTAssertEqual(options.delivery, TELEMETRY_DETACHED)
        XCTAssertEqual(options.guarantee, TELEMETRY_AT_MOST_ONCE)
        XCTAssertEqual(options.flushIntervalMilliseconds, 250)
        XCTAssertEqual(options.segmentBytes, 65_536)
        XCTAssertEqual(options.spoolLimitBytes, 1_048_576)
        XCTAssertEqual(options.spoolLimitSegments, 16)
        XCTAssertEqual(options.spoolLimitAgeSeconds, 3600)
    }

    func testWhatIsNotSaidStays() throws {
        let options = options()
        let untouched = Options(toolName: "mytool", toolVersion: "1.0")
        try parse("tool: {name: mytool, version: 2.0}", into: options)
        XCTAssertNotNil(options.manifestMark)
        options.settings.manifestMark = nil
        XCTAssertEqual(dump(options), dump(untouched), "the program's own version stands, too")
    }

    /// A2: closed in either place, and no manifest opens what the program closed.
    /// A7, A9, A12: and what the program has said of staying local stands.
    func testConsentKeys() throws {
        let options = options()
        try parse(
            "tool: {name: mytool}\nforce: true\nlocal_only: true\nconfig: {file: ~/.rc, key: a.b, local_only_key: a.c, project_file: p.json}",
            into: options)
        XCTAssertTrue(options.force)
        XCTAssertTrue(options.localOnly)
        XCTAssertEqual(options.config?.file, "~/.rc")
        XCTAssertEqual(options.config?.key, "a.b")
        XCTAssertEqual(options.config?.localOnlyKey, "a.c")
        XCTAssertEqual(options.projectConfig?.file, "p.json")
        XCTAssertEqual(options.projectConfig?.key, "a.b")
        try parse(
            "tool: {name: mytool}\nlocal_only: false\nforce: false\nconfig: {key: k, project_file: p, project_key: x.y}",
            into: options)
        XCTAssertTrue(options.localOnly)
        XCTAssertFalse(options.force)
        XCTAssertEqual(options.projectConfig?.key, "x.y")
        XCTAssertEqual(options.config?.file, "~/.rc", "what is not said stays")
    }

    func testGate() throws {
        for (program, manifest, open) in [
            (true, true, true), (true, false, false), (false, true, false), (false, false, false),
        ] {
            let options = options()
            options[.authorGate] = program ? 1 : 0
            try parse("tool: {name: mytool}\nenabled: \(manifest)", into: options)
            XCTAssertEqual(options.authorGate, open)
        }
    }

    func testJSONIsAManifest() throws {
        let options = options()
        try parse(
            #"{"tool": {"name": "mytool"}, "backend": {"kind": "noop"}, "metadata": {"n": 1, "s": "1"}}"#, into: options
        )
        guard case .noop = options.backend else { return XCTFail("\(options.backend)") }
        XCTAssertEqual(options.metadata.map { $0.value }, [.int(1), .string("1")])
    }

    func testBackends() throws {
        let table: [(String, BackendChoice)] = [
            ("kind: noop", .noop), ("kind: stdout", .stdout(.standard)), ("kind: file", .defaultFile),
            ("kind: file, path: /var/log/x.jsonl", .file(path: "/var/log/x.jsonl", maxBytes: 10 << 20, maxFiles: 3)),
            ("kind: file, max_bytes: 4096, max_files: 1", .file(path: nil, maxBytes: 4096, maxFiles: 1)),
            ("kind: http, endpoint: 'http://localhost:1'", .http(endpoint: "http://localhost:1", headers: [])),
        ]
        for (text, expected) in table {
            let options = options()
            try parse("tool: {name: mytool}\nbackend: {\(text)}", into: options)
            XCTAssertEqual(options.backend.summary, expected.summary, text)
        }
    }

    /// The number's text decides, not the host's locale: here one with a decimal comma, made for the test.
    func testDoublesInAnotherLocale() throws {
        let home = ScratchHome()
        let localedef = Process()
        localedef.executableURL = URL(fileURLWithPath: "/usr/bin/localedef")
        localedef.arguments = ["-c", "-i", "de_DE", "-f", "UTF-8", home.path + "/de_DE.UTF-8"]
        localedef.standardError = FileHandle.nullDevice
        if (try? localedef.run()) != nil { localedef.waitUntilExit() }
        home.set("LOCPATH", home.path)
        let before = setlocale(LC_NUMERIC, nil).map { String(cString: $0) } ?? "C"
        defer {
            setlocale(LC_NUMERIC, before)
            home.restore()
        }
        try XCTSkipIf(setlocale(LC_NUMERIC, "de_DE.UTF-8") == nil, "no locale sources are installed")
        XCTAssertEqual(strtod("1,5", nil), 1.5, "the locale is in force")
        let options = options()
        try parse("tool: {name: mytool}\nmetadata: {x: 1.5}", into: options)
        XCTAssertEqual(options.metadata.map { $0.value }, [.double(1.5)])
        try parse("tool: {name: mytool}\nsampling: {feature.used: 0.25, update.check: 1, x: 0}", into: options)
        XCTAssertEqual(options.sampling.map { $0.type }, ["feature.used", "update.check", "x"])
        XCTAssertEqual(options.sampling.map { $0.rate }, [0.25, 1, 0])
    }

    func testManifestAloneNamesItsTool() throws {
        let manifest = try Array("tool: {name: mytool}".utf8).withUnsafeBytes { try Manifest.parse($0, name: "f.yaml") }
        XCTAssertEqual(manifest.toolName, "mytool")
        XCTAssertEqual(manifest.values[.authorGate], 1)
    }

    /// Any bytes are an error or a manifest: each prefix of a good one, and each with a byte changed.
    func testDamagedManifestsNeverTrap() {
        let good = Array(
            """
            tool: {name: "my\\x74ool"}
            metadata: {a: 1, b: [x, {y: z}], "c": 1.5e300}
            backend: {kind: file, path: /x}
            """.utf8)
        for count in 0...good.count {
            good[..<count].withUnsafeBytes { try? Manifest.parse($0, name: "f", into: options()) }
        }
        for index in good.indices {
            for byte: UInt8 in [0, 0x09, 0x0A, 0x22, 0x26, 0x2A, 0x3A, 0x5B, 0x7B, 0x7D, 0x80, 0xC3, 0xF5, 0xFF] {
                var bytes = good
                bytes[index] = byte
                bytes.withUnsafeBytes { try? Manifest.parse($0, name: "f", into: options()) }
            }
        }
        try? Manifest.parse(UnsafeRawBufferPointer(start: nil, count: 0), name: "f", into: options())
    }

    private func dump(_ options: Options) -> String {
        var text = ""
        Swift.dump(options, to: &text)
        return text
    }

    /// D3, D4
    func testIdentity() throws {
        let options = options()
        try parse("tool: {name: mytool}\nidentity: {kind: random, rotation_days: 90, ephemeral: never}", into: options)
        XCTAssertEqual(options.identity, TELEMETRY_IDENTITY_RANDOM)
        XCTAssertEqual(options.rotationDays, 90)
        XCTAssertEqual(options.ephemeral, TELEMETRY_EPHEMERAL_NEVER)
        let kinds = [
            ("salted", TELEMETRY_IDENTITY_SALTED), ("none", TELEMETRY_IDENTITY_NONE),
            ("hashed", TELEMETRY_IDENTITY_HASHED),
        ]
        for (name, kind) in kinds {
            try parse("tool: {name: mytool}\nidentity: {kind: \(name)}", into: options)
            XCTAssertEqual(options.identity, kind)
            XCTAssertEqual(options.rotationDays, 90, "what is not said stays")
        }
    }

    /// Section G.
    func testDeletion() throws {
        let options = options()
        try parse(
            """
            tool: {name: mytool}
            deletion:
              endpoint: https://example.org/erase
              headers: {X-Api-Key: k}
              email: privacy@example.org
              subject: Erase, please
            """, into: options)
        XCTAssertEqual(options.deletion.endpoint, "https://example.org/erase")
        XCTAssertEqual(options.deletion.headers.map { $0.name + ": " + $0.value }, ["X-Api-Key: k"])
        XCTAssertEqual(options.deletion.email, "privacy@example.org")
        XCTAssertEqual(options.deletion.subject, "Erase, please")
    }
}
