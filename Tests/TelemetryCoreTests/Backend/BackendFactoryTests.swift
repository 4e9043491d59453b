import CSystem
import XCTest

@testable import TelemetryCore

final class BackendFactoryTests: XCTestCase {
    private func make(_ choice: BackendChoice, state: String? = "/state/mytool") -> any Backend {
        makeBackend(choice, toolName: "mytool", stateDirectory: state)
    }

    func testInfoDescribesWithoutSecrets() {
        let http = BackendChoice.http(
            endpoint: "https://example.com:8443/in?key=s3cret", headers: [("Authorization", "Bearer s3cret")])
        let cases: [(BackendChoice, kind: String, info: String, isLocal: Bool)] = [
            (.noop, "noop", "noop: events are discarded", true),
            (.stdout(.standard), "stdout", "stdout: pretty JSON on standard output", true),
            (.defaultFile, "file", "file: /state/mytool/events.jsonl, at most 3 files of 10485760 bytes", true),
            (
                .file(path: "/var/x.jsonl", maxBytes: -1, maxFiles: 0), "file",
                "file: /var/x.jsonl, at most 1 files of 4096 bytes", true
            ),
            (http, "http", "http: POST https://example.com:8443/in", false),
        ]
        for (choice, kind, info, isLocal) in cases {
            let backend = make(choice)
            XCTAssertEqual(backend.kind, kind)
            XCTAssertEqual(backend.info, info)
            XCTAssertEqual(backend.isLocal, isLocal)
            XCTAssertGreaterThan(backend.batchLimit.events, 0)
        }
    }

    func testChoiceThatCannotWorkKeepsTheEventsAndSaysWhy() {
        let cases: [(BackendChoice, says: String)] = [
            (.http(endpoint: "http://example.com/?key=s3cret", headers: []), "expected https"),
            (.http(endpoint: "", headers: []), "missing"),
            (.file(path: nil, maxBytes: 0, maxFiles: 0), "no state directory for mytool"),
            (.file(path: "", maxBytes: 0, maxFiles: 0), "not the path of a file"),
            (.file(path: "/tmp/", maxBytes: 0, maxFiles: 0), "not the path of a file"),
        ]
        for (choice, says) in cases {
            let backend = make(choice, state: nil)
            let outcome = Batch(count: 1).send(to: backend)
            XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
            XCTAssertTrue(outcome.reason.contains(says), outcome.reason)
            XCTAssertTrue(backend.info.contains(outcome.reason))
            XCTAssertFalse(backend.info.contains("s3cret"))
        }
    }

    /// A log of spans is never the log of events: both are written at the same time.
    func testLogOfSpans() {
        func info(_ path: String?) -> String {
            let events = Destination(name: "file", .file(path: path, maxBytes: 4096, maxFiles: 1))
            return makeBackend(
                events.forSpans?.choice ?? .noop, toolName: "mytool", stateDirectory: "/state/spans", signal: .spans
            ).info
        }
        for (path, expected) in [
            (nil, "/state/spans/spans.jsonl"), ("/a/b.jsonl", "/a/b-spans.jsonl"), ("/a.d/b", "/a.d/b-spans"),
            ("/a/.b", "/a/.b-spans"), ("/a/b.c.d", "/a/b.c-spans.d"), ("/a/b.", "/a/b-spans."),
        ] as [(String?, String)] {
            XCTAssertTrue(info(path).hasPrefix("file: " + expected + ","), info(path))
        }
    }

    func testNoopAccepts() {
        XCTAssertEqual(Batch(count: 5).send(to: make(.noop)).verdict, .accepted)
    }
}
