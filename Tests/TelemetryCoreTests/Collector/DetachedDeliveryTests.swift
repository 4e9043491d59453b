import CSystem
import XCTest

@testable import TelemetryCore

/// Decision 4: another process delivers only if the manifest tells it all that it must know.
final class DetachedDeliveryTests: XCTestCase {
    private func options(_ manifest: String, before: (Options) -> Void = { _ in }, after: (Options) -> Void = { _ in })
        throws -> Bool?
    {
        let options = Options(toolName: "mytool", toolVersion: "")
        before(options)
        try Array(manifest.utf8).withUnsafeBytes { try Manifest.parse($0, name: "mytool.yaml", into: options) }
        after(options)
        return Options(options.settings).manifestMark?.isAll(of: options)
    }

    private let plain = "tool: {name: mytool}\nbackend: {kind: http, endpoint: 'http://127.0.0.1:9/'}\n"

    func testManifestAlone() throws {
        XCTAssertEqual(try options(plain), true)
        XCTAssertEqual(try options(plain + "delivery: {guarantee: at-most-once}\n"), true)
        XCTAssertNil(Options(toolName: "mytool", toolVersion: "").manifestMark)
    }

    func testCodeBeside() throws {
        let setters: [(String, (Options) -> Void)] = [
            ("backend", { _ = $0.setHTTPBackend(endpoint: "http://127.0.0.1:9/", headerLines: []) }),
            ("guarantee", { $0[.guarantee] = Int64(TELEMETRY_AT_MOST_ONCE.rawValue) }),
            ("consent", { $0[.consent] = Int64(TELEMETRY_OPT_OUT.rawValue) }),
            ("force", { $0[.force] = 1 }),
            ("config", { _ = $0.setConfig(file: "/etc/mytool.yaml", key: "telemetry") }),
        ]
        for (name, setter) in setters { XCTAssertEqual(try options(plain, after: setter), false, name) }
        // What was set before stands where the manifest is silent.
        for (name, setter) in setters.dropFirst() { XCTAssertEqual(try options(plain, before: setter), false, name) }
        XCTAssertEqual(try options("tool: {name: mytool}\n", before: setters[0].1), false)
    }

    func testHelperPath() {
        let options = Options(toolName: "mytool", toolVersion: "")
        XCTAssertTrue(options.setHelper("/opt/telemetry"))
        XCTAssertEqual(Options(options.settings).helper, "/opt/telemetry")
        XCTAssertTrue(options.setHelper(nil))
        XCTAssertFalse(options.setHelper("telemetry"))
        XCTAssertFalse(options.setHelper(""))
        XCTAssertNil(options.helper)
    }
}
