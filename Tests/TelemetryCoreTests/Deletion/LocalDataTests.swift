import CSystem
import XCTest

@testable import TelemetryCore

/// B2: what reset removes, and what it does not.
final class LocalDataTests: XCTestCase {
    private var home: ScratchHome!

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    private func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: home.path + "/" + path)) ?? []).sorted()
    }

    private let ours = [
        "0123456789abcdef.seg", "control", "destinations", "deliver.lock", "deliver.lease", "deliver.logs",
        "deliver.taken",
        "detached.lock", "heartbeat.json", ".heartbeat.json.0123456789abcdef", "salt", "machine-id", "uuid",
        "hashed-id",
        "events.jsonl", "events.jsonl.1", "events.jsonl.12", "sent.jsonl", "sent.jsonl.1", "sent.head",
        ".salt.0123456789abcdef", "metrics", "metrics.sent-0123abcd", "metrics.sent-0123abcd.next",
        "sent.metrics.jsonl", "sent.metrics.jsonl.1", "sent.metrics.head",
    ]
    private let others = ["deletion-receipts.jsonl", "salted", "notes", "123.seg", "eventsXjsonl"]

    func testRemovesOurFilesOnly() {
        for name in ours + others + ["past-ids"] { home.write("x", to: "state/telemetry/mytool/" + name) }
        home.write("1", to: "config/telemetry/mytool/notice")
        home.write("false\n", to: "config/telemetry/mytool/enabled")
        home.write("x", to: "state/telemetry/other/salt")
        let options = Options(toolName: "mytool", toolVersion: "1")
        XCTAssertEqual(LocalData.remove(options: options, keepingPastIDs: false), [])
        XCTAssertEqual(names("state/telemetry/mytool"), others.sorted())
        XCTAssertEqual(names("config/telemetry/mytool"), ["enabled"])
        XCTAssertEqual(names("state/telemetry/other"), ["salt"])
    }

    func testAnEmptyDirectoryGoes() {
        home.write("x", to: "state/telemetry/mytool/salt")
        XCTAssertEqual(
            LocalData.remove(options: Options(toolName: "mytool", toolVersion: ""), keepingPastIDs: false), [])
        XCTAssertEqual(names("state/telemetry"), [])
        XCTAssertEqual(
            LocalData.remove(options: Options(toolName: "mytool", toolVersion: ""), keepingPastIDs: false), [])
    }

    /// Erasure could not be asked for: the present id joins the past ones, and what it came from goes.
    func testKeepsIDs() throws {
        let path = home.path + "/state/telemetry/mytool"
        let directory = try Directory.openPrivate(path)
        defer { directory.close() }
        let id = MachineIdentity.obtain(IdentityPolicy(), tool: "mytool", directory: directory).id
        XCTAssertEqual(
            LocalData.remove(options: Options(toolName: "mytool", toolVersion: ""), keepingPastIDs: true), [])
        XCTAssertEqual(names("state/telemetry/mytool"), ["past-ids"])
        XCTAssertEqual(PastIDs.read(in: directory).map { $0.id }, [id])
    }

    /// A log elsewhere, with its older files: only what is one.
    func testLogOfTheAuthorsChoice() {
        let line = "{\"schema_version\": 1}\n"
        for name in ["log", "log.1", "log.22", "log.old", "log2"] { home.write(line, to: "logs/" + name) }
        home.write("important\n", to: "logs/log.3")
        symlink(home.path + "/logs/log2", home.path + "/logs/log.4")
        let options = Options(toolName: "mytool", toolVersion: "")
        options.backend = .file(path: home.path + "/logs/log", maxBytes: 4096, maxFiles: 3)
        XCTAssertEqual(LocalData.remove(options: options, keepingPastIDs: false), [])
        XCTAssertEqual(names("logs"), ["log.3", "log.4", "log.old", "log2"])
    }
}
