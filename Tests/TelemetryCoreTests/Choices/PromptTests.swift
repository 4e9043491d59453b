import CSystem
import XCTest

@testable import TelemetryCore

/// A13: when there is a question, and what counts as an answer. Tests/prompt has the terminal.
final class PromptTests: XCTestCase {
    private var home: ScratchHome!

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    func testAnswers() {
        let table: [(String, Bool?)] = [
            ("y", true), ("Y", true), ("yes", true), ("YES", true), ("yEs", true), (" y ", true), ("\tyes\t ", true),
            ("", false), (" ", false), ("\t", false), ("n", false), ("N", false), ("no", false), ("No", false),
            (" nO", false),
            ("ye", nil), ("yess", nil), ("y es", nil), ("y y", nil), ("yn", nil), ("nope", nil), ("non", nil),
            ("1", nil),
            ("true", nil), ("yes!", nil), ("\0", nil), ("\0\0y", nil), ("\u{E9}", nil), ("\u{FF59}", nil),
            (String(repeating: "y", count: 4000), nil),
        ]
        for (text, expected) in table {
            XCTAssertEqual(Prompt.parse(Array(text.utf8)), expected, text.debugDescription)
        }
        for byte in UInt8.min...UInt8.max where !"yYnN \t".utf8.contains(byte) {
            XCTAssertNil(Prompt.parse([byte]), "\(byte)")
        }
    }

    private func isWanted(
        _ stance: telemetry_consent = TELEMETRY_OPT_IN, version: String = "1", _ prepare: (Options) -> Void = { _ in }
    ) -> Bool {
        let options = Options(toolName: "mytool", toolVersion: "")
        options[.consent] = Int64(stance.rawValue)
        XCTAssertTrue(options.setNotice(Notice([version, "c", "d", "p"])))
        prepare(options)
        let inputs = ConsentInputs.gather(options: options)
        return Prompt.isWanted(inputs, ConsentResolver.resolve(inputs))
    }

    func testNobodyHasAnswered() {
        XCTAssertTrue(isWanted())
        XCTAssertTrue(isWanted(TELEMETRY_OPT_OUT))
        XCTAssertFalse(isWanted { $0[.noTelemetry] = 1 })
        XCTAssertFalse(isWanted { $0[.authorGate] = 0 })
        XCTAssertFalse(isWanted { $0[.force] = 1 })
        XCTAssertFalse(isWanted { $0.fail("wrong") })
        home.set("DO_NOT_TRACK", "1")
        XCTAssertFalse(isWanted())
    }

    func testAnswered() throws {
        try NoticeStore.store(tool: "mytool", version: "1")
        XCTAssertTrue(isWanted(), "a notice alone is not an answer")
        XCTAssertFalse(isWanted(TELEMETRY_OPT_OUT))
        XCTAssertTrue(isWanted(TELEMETRY_OPT_OUT, version: "2"))
        try PreferenceStore.write(true, tool: "mytool")
        XCTAssertFalse(isWanted())
        XCTAssertTrue(isWanted(version: "2"))
        XCTAssertTrue(isWanted(TELEMETRY_OPT_OUT, version: "2"))
        try PreferenceStore.write(false, tool: "mytool")
        XCTAssertFalse(isWanted(version: "2"), "a no stands")
        XCTAssertFalse(isWanted(TELEMETRY_OPT_OUT, version: "2"))
        home.write("maybe", to: "config/telemetry/mytool/enabled")
        XCTAssertFalse(isWanted())
    }

    func testNoticeStore() throws {
        XCTAssertFalse(NoticeStore.isShown(tool: "mytool", version: ""))
        XCTAssertNil(NoticeStore.shownVersion(tool: "mytool"))
        XCTAssertFalse(NoticeStore.isOutdated(tool: "mytool", version: "1"), "never shown is not outdated")
        try NoticeStore.store(tool: "mytool", version: "1")
        let table: [(version: String, shown: Bool, outdated: Bool)] = [
            ("", true, false), ("1", true, false), ("2", false, true), ("11", false, true), ("1 ", false, true),
        ]
        for row in table {
            XCTAssertEqual(NoticeStore.isShown(tool: "mytool", version: row.version), row.shown, row.version)
            XCTAssertEqual(NoticeStore.isOutdated(tool: "mytool", version: row.version), row.outdated, row.version)
        }
        XCTAssertEqual(NoticeStore.shownVersion(tool: "mytool"), "1")
        for (text, shown) in [("", nil), ("\n", nil), (String(repeating: "x", count: 129), nil), ("\u{1B}[1m", "?[1m")]
            as [(String, String?)]
        {
            home.write(text, to: "config/telemetry/mytool/notice")
            XCTAssertEqual(NoticeStore.shownVersion(tool: "mytool"), shown, text)
            XCTAssertFalse(NoticeStore.isShown(tool: "mytool", version: "1"), text)
        }
        XCTAssertThrowsError(try NoticeStore.store(tool: "../mytool", version: "1"))
    }

    /// A8: what a killed writer left goes with the next write, and nothing else does.
    func testLeftovers() throws {
        let directory = "config/telemetry/mytool/"
        let kept = [
            ".enabled.0123", ".enabled.0123456789abcdeg", "enabled.0123456789abcdef", ".enabledx0123456789abcdef",
            ".notice.0123456789abcdef", ".enabled.0123456789abcdef0",
        ]
        for name in kept + [".enabled.0123456789abcdef", ".enabled.ffffffffffffffff"] {
            home.write("", to: directory + name)
        }
        try PreferenceStore.write(true, tool: "mytool")
        let names = try FileManager.default.contentsOfDirectory(atPath: home.path + "/" + directory)
        XCTAssertEqual(Set(names), Set(kept + ["enabled"]))
        try NoticeStore.store(tool: "mytool", version: "1")
        XCTAssertFalse(FileManager.default.fileExists(atPath: home.path + "/" + directory + ".notice.0123456789abcdef"))
    }
}
