import CSystem
import XCTest

@testable import TelemetryCore

/// Decision 5: where a manifest is found, and reading it from there.
final class ManifestLookupTests: XCTestCase {
    private var home: ScratchHome!

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    func testOrder() {
        XCTAssertNil(ManifestLookup.find(tool: "mytool"))
        let own = home.write("", to: "data/telemetry/tools/mytool.yaml")
        XCTAssertEqual(ManifestLookup.find(tool: "mytool"), own)
        XCTAssertNil(ManifestLookup.find(tool: "other"))
        home.set("TELEMETRY_MANIFEST", "/no/such/file")
        XCTAssertEqual(ManifestLookup.find(tool: "mytool"), "/no/such/file", "an error, not another file")
        XCTAssertEqual(ManifestLookup.resolve(explicit: nil, tool: "mytool"), "/no/such/file")
        XCTAssertEqual(ManifestLookup.resolve(explicit: "", tool: "mytool"), "/no/such/file")
        XCTAssertEqual(ManifestLookup.resolve(explicit: "given.yaml", tool: "mytool"), "given.yaml")
        home.set("TELEMETRY_MANIFEST", "")
        XCTAssertEqual(ManifestLookup.find(tool: "mytool"), own)
    }

    func testCandidates() {
        XCTAssertEqual(
            ManifestLookup.candidates(tool: "mytool"),
            [
                home.path + "/data/telemetry/tools/mytool.yaml", "/usr/local/share/telemetry/tools/mytool.yaml",
                "/usr/share/telemetry/tools/mytool.yaml",
            ])
        XCTAssertEqual(ManifestLookup.candidates(tool: "../mytool"), [])
    }

    func testLoad() throws {
        let path = home.write("tool: {name: mytool}\nconsent: opt-out\n", to: "m.yaml")
        XCTAssertEqual(symlink(path, home.path + "/link.yaml"), 0)
        for given in [path, home.path + "/link.yaml"] {
            let options = Options(toolName: "mytool", toolVersion: "1")
            try Manifest.load(path: given, into: options)
            XCTAssertEqual(options.consent, TELEMETRY_OPT_OUT)
            XCTAssertEqual(options.manifestPath, given)
            XCTAssertNil(options.error)
        }
    }

    func testUnreadable() {
        let large = home.write(String(repeating: "#", count: (4 << 20) + 1), to: "large.yaml")
        let fifo = home.path + "/fifo"
        XCTAssertEqual(mkfifo(fifo, 0o600), 0)
        let table = [
            (home.path + "/none.yaml", "No such file or directory"), (home.path, "Is a directory"),
            (large, "File too large"), (fifo, "Invalid argument"), ("", "No such file or directory"),
        ]
        for (path, reason) in table {
            let options = Options(toolName: "mytool", toolVersion: "1")
            let expected = "\(path): cannot be read (\(reason)); expected a file of at most 4194304 bytes"
            XCTAssertThrowsError(try Manifest.load(path: path, into: options)) {
                XCTAssertEqual(($0 as? ManifestError)?.text, expected)
            }
            XCTAssertEqual(options.error, expected)
            XCTAssertNil(options.manifestPath)
        }
    }
}
