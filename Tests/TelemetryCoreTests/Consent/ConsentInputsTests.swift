import CSystem
import XCTest

@testable import TelemetryCore

/// A1 to A6, A8: what is gathered, and from where.
final class ConsentInputsTests: XCTestCase {
    private var home: ScratchHome!

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    func testFreshHomeGathersNothingAndMakesNothing() throws {
        let inputs = ConsentInputs.gather(options: Options(toolName: "mytool", toolVersion: "1"))
        XCTAssertTrue(inputs.authorGate)
        XCTAssertFalse(inputs.noTelemetry)
        XCTAssertNil(inputs.doNotTrack)
        XCTAssertNil(inputs.noTelemetryVariable)
        XCTAssertNil(inputs.telemetryEnabledVariable)
        XCTAssertNil(inputs.optionsError)
        XCTAssertEqual(inputs.preference, .absent)
        XCTAssertEqual(inputs.stance, TELEMETRY_OPT_IN)
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: home.path), [])
    }

    func testEachSourceIsRead() {
        home.set("DO_NOT_TRACK", "a")
        home.set("MY_TOOL_2_NO_TELEMETRY", "b")
        home.set("MY_TOOL_2_TELEMETRY_ENABLED", "c")
        home.write("true\n", to: "config/telemetry/my.tool-2/enabled")
        let options = Options(toolName: "my.tool-2", toolVersion: "1")
        options[.authorGate] = 0
        options[.noTelemetry] = 1
        options[.consent] = Int64(TELEMETRY_OPT_OUT.rawValue)
        options.fail("broken")
        XCTAssertEqual(ConsentInputs.gather(options: options).preference, .absent, "not read: it is settled")
        let inputs = ConsentInputs.gather(options: options, complete: true)
        XCTAssertEqual(inputs.toolName, "my.tool-2")
        XCTAssertEqual(inputs.optionsError, "broken")
        XCTAssertFalse(inputs.authorGate)
        XCTAssertTrue(inputs.noTelemetry)
        XCTAssertEqual(inputs.doNotTrack, "a")
        XCTAssertEqual(inputs.noTelemetryVariable, "b")
        XCTAssertEqual(inputs.telemetryEnabledVariable, "c")
        XCTAssertEqual(inputs.preference, .on)
        XCTAssertEqual(inputs.stance, TELEMETRY_OPT_OUT)
    }

    /// A1: nothing is recorded by an opt-out tool before the notice's showing has been stored.
    func testNotice() {
        let options = Options(toolName: "mytool", toolVersion: "1")
        options[.consent] = Int64(TELEMETRY_OPT_OUT.rawValue)
        XCTAssertFalse(ConsentInputs.gather(options: options).noticeShown)
        home.write("", to: "config/telemetry/mytool/notice")
        XCTAssertFalse(ConsentInputs.gather(options: options).noticeShown, "an empty file stores nothing")
        home.write("1\n", to: "config/telemetry/mytool/notice")
        XCTAssertTrue(ConsentInputs.gather(options: options).noticeShown)
        XCTAssertFalse(ConsentInputs.gather(options: Options(toolName: "other", toolVersion: "1")).noticeShown)
    }

    func testInvalidToolNameIsOffAndReadsNothing() {
        home.write("true\n", to: "config/telemetry/enabled")
        let inputs = ConsentInputs.gather(options: Options(toolName: "..", toolVersion: "1"))
        XCTAssertEqual(inputs.preference, .absent)
        XCTAssertEqual(ConsentResolver.resolve(inputs).source, .options)
    }
}
