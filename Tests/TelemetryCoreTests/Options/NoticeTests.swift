import CSystem
import XCTest

@testable import TelemetryCore

/// A13: the texts of a notice, how they are shown, and from where they come.
final class NoticeTests: XCTestCase {
    private func manifest(_ notice: String) throws -> Options {
        let options = Options(toolName: "mytool", toolVersion: "")
        try Array("tool: {name: mytool}\nnotice: \(notice)\n".utf8).withUnsafeBytes {
            try Manifest.parse($0, name: "f.yaml", into: options)
        }
        return options
    }

    private func assertRefused(_ notice: String, _ expected: String, file: StaticString = #filePath, line: UInt = #line)
    {
        XCTAssertThrowsError(try manifest(notice), notice, file: file, line: line) {
            XCTAssertEqual(($0 as? ManifestError)?.text, expected, file: file, line: line)
        }
    }

    func testEveryKeyOfTheManifest() throws {
        let options = try manifest(
            "{version: 2.10, collector: c, data: d, purpose: p, recipient: r, policy_url: 'https://e.org/#p', contact: m, retention: t}"
        )
        let members: [Notice.Member] = [
            .version, .collector, .data, .purpose, .recipient, .policyURL, .contact, .retention,
        ]
        XCTAssertEqual(members.map { options.notice?[$0] }, ["2.10", "c", "d", "p", "r", "https://e.org/#p", "m", "t"])
        XCTAssertEqual(options.noticeVersion, "2.10")
        XCTAssertEqual(Options(options.settings).notice?[.data], "d")
        XCTAssertEqual(Options(options.settings).noticeVersion, "2.10")
    }

    func testTheLeast() throws {
        let options = try manifest("\n  collector: c\n  data: >\n    two\n    lines\n  purpose: p")
        XCTAssertEqual(options.noticeVersion, "1")
        XCTAssertEqual(options.notice?[.data], "two lines")
        XCTAssertEqual(options.notice?[.contact], "")
    }

    func testWhatIsWrong() {
        let text = "expected 1 to 1000 bytes without control characters"
        assertRefused("{data: d, purpose: p}", "f.yaml:2:9: notice.collector: missing; \(text)")
        assertRefused("{collector: c, purpose: p}", "f.yaml:2:9: notice.data: missing; \(text)")
        assertRefused("{collector: c, data: d}", "f.yaml:2:9: notice.purpose: missing; \(text)")
        assertRefused("{collector: '', data: d, purpose: p}", "f.yaml:2:21: notice.collector: empty; \(text)")
        assertRefused("{collector: ~, data: d, purpose: p}", "f.yaml:2:21: notice.collector: '~' is not text; \(text)")
        assertRefused(
            "{collector: [c], data: d, purpose: p}", "f.yaml:2:21: notice.collector: a sequence is not text; \(text)")
        let rest = ", collector: c, data: d, purpose: p}"
        let long = String(repeating: "x", count: 1001)
        assertRefused("{contact: \(long)\(rest)", "f.yaml:2:19: notice.contact: too long; \(text)")
        for control in [
            "\\n", "\\x1B[31m", "\\x7F", "\\u009B", "\\u202E", "\\u2066", "\\u2028", "\\u200F", "\\uFEFF",
            "\\U000E0041",
        ] {
            assertRefused(
                "{contact: \"a\(control)b\"\(rest)", "f.yaml:2:19: notice.contact: a control character; \(text)")
        }
        let version = "f.yaml:2:19: notice.version: too long; expected 1 to 64 bytes without control characters"
        assertRefused("{version: \(String(repeating: "x", count: 65))\(rest)", version)
        for url in ["http://e.org", "https://", "ftp://e.org", "'https://e .org'", "https://\u{E9}.org"] {
            assertRefused(
                "{policy_url: \(url)\(rest)",
                "f.yaml:2:22: notice.policy_url: no such URL; expected an https URL of at most 2048 bytes")
        }
    }

    private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

    func testEveryLineFits() throws {
        let texts = [
            String(repeating: "x", count: 1000), String(repeating: "word ", count: 199) + "word",
            String(repeating: "\u{65E5}\u{672C}", count: 160), String(repeating: "\u{1F600} ", count: 190) + ".",
            "a  b",
        ]
        for text in texts {
            let options = Options(toolName: String(repeating: "t", count: 64), toolVersion: "")
            XCTAssertTrue(
                options.setNotice(Notice(["1", text, text, text, text, "", text, text])), "\(options.error ?? "")")
            let shown = NoticeText.make(options, isLocalOnly: false)
            for line in lines(shown) {
                let columns = line.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x3000 ? 2 : 1) }
                XCTAssertLessThanOrEqual(columns, 79, line)
            }
            let squeezed = { (text: String) in text.filter { $0 != " " && $0 != "\n" } }
            XCTAssertTrue(squeezed(shown).contains(squeezed(text)), "nothing of a text is lost: \(shown)")
        }
    }

    func testWhereItGoes() {
        let options = Options(toolName: "mytool", toolVersion: "")
        options.backend = .http(endpoint: "https://events.example.org/v1", headers: [(name: "X-Key", value: "secret")])
        XCTAssertTrue(NoticeText.make(options, isLocalOnly: false).contains("https://events.example.org/v1"))
        XCTAssertFalse(NoticeText.make(options, isLocalOnly: false).contains("secret"))
        XCTAssertTrue(options.setNotice(Notice(["1", "c", "d", "p", "the moon"])))
        XCTAssertTrue(NoticeText.make(options, isLocalOnly: false).contains("Goes to:  the moon\n"))
        let local = NoticeText.make(options, isLocalOnly: true)
        XCTAssertTrue(local.contains("Goes to:  nobody: it stays on this machine\n"), local)
        XCTAssertFalse(local.contains("the moon"))
    }

    func testMetricsAreNamedWhereTheyAreSent() throws {
        let unsent = Options(toolName: "mytool", toolVersion: "")
        XCTAssertFalse(NoticeText.make(unsent, isLocalOnly: false).contains("metrics"))
        let sent = Options(toolName: "mytool", toolVersion: "")
        let backend = "backend: {kind: otlp, endpoint: 'https://o.example.org', signals: [metrics]}\n"
        try Array("tool: {name: mytool}\n\(backend)".utf8).withUnsafeBytes {
            try Manifest.parse($0, name: "f.yaml", into: sent)
        }
        XCTAssertTrue(NoticeText.make(sent, isLocalOnly: false).contains("metrics: counts"))
    }

    func testSpansAreNamedWhereTheyAreSent() throws {
        let show = "telemetry show --signal spans --tool mytool"
        for (backend, rest, isNamed, isShown) in [
            ("", "", false, false), ("backend: {kind: http, endpoint: 'https://o.example.org'}", "", false, false),
            ("backend: {kind: otlp, endpoint: 'https://o.example.org', signals: [events, spans]}", "", true, true),
            ("backend: {kind: zipkin, endpoint: 'https://o.example.org'}", "", true, true),
            ("", "spans: {build: {description: d}}", false, true),
        ] {
            let options = Options(toolName: "mytool", toolVersion: "")
            try Array("tool: {name: mytool}\n\(backend)\n\(rest)\n".utf8).withUnsafeBytes {
                try Manifest.parse($0, name: "f.yaml", into: options)
            }
            let text = lines(NoticeText.make(options, isLocalOnly: false)).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            XCTAssertEqual(
                text.joined(separator: " ").contains("spans: the steps of what the tool does"), isNamed, backend)
            XCTAssertEqual(text.contains(show), isShown, backend)
            XCTAssertEqual(text.contains("telemetry show --sent --signal spans --tool mytool"), isShown, backend)
        }
    }

    func testHeadingSaysWhetherItAsks() {
        let options = Options(toolName: "mytool", toolVersion: "")
        XCTAssertEqual(lines(NoticeText.make(options, isLocalOnly: false))[0], "mytool asks to collect usage data.")
        options[.consent] = Int64(TELEMETRY_OPT_OUT.rawValue)
        XCTAssertEqual(lines(NoticeText.make(options, isLocalOnly: false))[0], "mytool collects usage data.")
    }
}
