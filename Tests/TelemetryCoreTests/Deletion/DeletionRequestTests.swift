import CSystem
import XCTest

@testable import TelemetryCore

/// Section G: which way is taken, what is left to the next, and the receipts.
final class DeletionRequestTests: XCTestCase {
    private var home: ScratchHome!

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    /// Port 9 of this machine is closed.
    private func options(endpoint: String? = nil, email: String? = nil, backend: BackendChoice = .defaultFile)
        -> Options
    {
        let options = Options(toolName: "mytool", toolVersion: "1")
        options.settings.deletion.endpoint = endpoint
        options.settings.deletion.email = email
        options.backend = backend
        return options
    }

    private func run(_ options: Options, refusal: String? = nil, opens: Bool = false) -> DeletionRequest.Result {
        DeletionRequest(options: options, networkRefusal: refusal) { _ in opens }.run(["id1", "id2"])
    }

    private var receipts: [String] {
        ((try? DeletionReceipts.lines(options: options())) ?? []).map { String(decoding: $0, as: UTF8.self) }
    }

    func testNothingToAskFor() {
        let result = DeletionRequest(options: options(email: "a@b"), networkRefusal: nil) { _ in true }.run([])
        XCTAssertEqual(result.receipts.count, 0)
        XCTAssertNil(result.mailto)
        XCTAssertFalse(FileManager.default.fileExists(atPath: home.path + "/state"))
    }

    func testMail() throws {
        for opens in [true, false] {
            let result = run(options(email: "a@b"), opens: opens)
            XCTAssertEqual(result.unasked, [])
            XCTAssertEqual(result.isMailOpened, opens)
            XCTAssertEqual(
                result.mailto,
                "mailto:a@b?subject=Data%20deletion%20request%3A%20mytool&body=Please%20erase%20all%20telemetry%20data%20of%20mytool"
                    + "%20with%20these%20identifiers%3A%0D%0A%0D%0Aid1%0D%0Aid2%0D%0A")
            XCTAssertEqual(result.receipts.map { $0.machineID }, ["id1", "id2"])
        }
        XCTAssertEqual(receipts.count, 4)
        XCTAssertTrue(
            receipts[0].hasSuffix(
                #""method":"email","target":"a@b","machine_id":"id1","outcome":"opened for the user to send"}"#),
            receipts[0])
        XCTAssertTrue(
            receipts[3].hasSuffix(#""machine_id":"id2","outcome":"printed for the user to send"}"#), receipts[3])
    }

    /// An endpoint that fails leaves it to the mail, and says so in a receipt without the query.
    func testFallback() {
        let result = run(options(endpoint: "http://127.0.0.1:9/erase?key=secret", email: "a@b"))
        XCTAssertEqual(result.unasked, [])
        XCTAssertNotNil(result.mailto)
        XCTAssertEqual(result.problems.count, 1)
        XCTAssertEqual(result.receipts.map { $0.method }, [.http, .email, .email])
        XCTAssertEqual(result.receipts[0].target, "http://127.0.0.1:9/erase")
        XCTAssertTrue(result.receipts[0].outcome.hasPrefix("failed: "))
        XCTAssertFalse(receipts.joined().contains("secret"))
    }

    /// The event is the last way; a backend that cannot erase is named as such.
    func testBackends() {
        let http = run(options(backend: .http(endpoint: "http://127.0.0.1:9/events", headers: [])))
        XCTAssertEqual(http.unasked, ["id1", "id2"])
        XCTAssertEqual(http.receipts.map { $0.method }, [.event], "who has refused one is not bothered with the next")
        let table: [(BackendChoice, DeletionRecipient.Reach, String)] = [
            (.noop, .local, "the backend 'noop' keeps nothing: there is nobody to ask"),
            (.stdout(.standard), .local, "the backend 'stdout' only prints: there is nobody to ask"),
            (
                .file(path: "/x/log", maxBytes: 4096, maxFiles: 1), .local,
                "the backend 'file' sends nothing: the events are in /x/log, which 'telemetry reset' removes"
            ),
        ]
        for (backend, reach, text) in table {
            let options = options(backend: backend)
            let result = run(options)
            XCTAssertEqual(result.unasked, ["id1", "id2"])
            XCTAssertEqual(result.problems, [text])
            XCTAssertEqual(result.receipts.count, 0)
            XCTAssertEqual(DeletionRecipient(options).reach, reach)
        }
    }

    /// What somebody may collect gets the event, unless it is about to be removed.
    func testLogs() throws {
        let log = home.path + "/log.jsonl"
        let options = options(backend: .file(path: log, maxBytes: 4096, maxFiles: 1))
        XCTAssertEqual(run(options).unasked, ["id1", "id2"])
        let result = DeletionRequest(options: options, networkRefusal: nil, withLogs: true) { _ in false }
            .run(["id1", "id2"])
        XCTAssertEqual(result.unasked, [])
        XCTAssertEqual(result.receipts.map { $0.target }, [log, log])
        XCTAssertEqual(try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").count, 2)
    }

    func testForm() {
        for (text, isForm) in [
            ("0123456789abcdef", true), (String(repeating: "a", count: 32), true),
            ("ephemeral-" + String(repeating: "0", count: 32), true), (RandomID.make(), true), ("", false),
            ("0123456789abcde", false), ("0123456789abcdeg", false), ("ephemeral-0123456789abcdef", false),
            (String(repeating: "a", count: 36), false), (RandomID.make() + "\n", false),
        ] { XCTAssertEqual(KnownIDs.isForm(text), isForm, text) }
    }

    /// A7, A10: what forbids the network forbids it here, too; a mail may still be written.
    func testNetworkRefused() {
        let backend = BackendChoice.http(endpoint: "http://127.0.0.1:9/events", headers: [])
        let result = run(options(endpoint: "http://127.0.0.1:9/", backend: backend), refusal: "no")
        XCTAssertEqual(result.unasked, ["id1", "id2"])
        XCTAssertEqual(result.problems, ["no"])
        XCTAssertEqual(result.receipts.count, 0)
        XCTAssertEqual(run(options(endpoint: "http://127.0.0.1:9/", email: "a@b"), refusal: "no").unasked, [])
    }

    func testReceiptsAreBounded() throws {
        let directory = try Directory.openPrivate(home.path + "/state/telemetry/mytool")
        defer { directory.close() }
        let made = (0..<300).map {
            DeletionReceipt(time: Int64($0), method: .http, target: "t", machineID: "id\($0)", outcome: "accepted")
        }
        try DeletionReceipts.add(Array(made[..<150]), in: directory)
        try DeletionReceipts.add(Array(made[150...]), in: directory)
        XCTAssertEqual(receipts.count, 256)
        XCTAssertTrue(receipts.last?.contains("\"id299\"") ?? false)
        var status = stat()
        XCTAssertEqual(stat(home.path + "/state/telemetry/mytool/deletion-receipts.jsonl", &status), 0)
        XCTAssertEqual(status.st_mode & 0o7777, 0o600)
    }
}
