import CSystem
import XCTest

@testable import TelemetryCore

/// A8: the preference file, on a real directory.
final class PreferenceStoreTests: XCTestCase {
    private static let relative = "config/telemetry/mytool/enabled"
    private var home: ScratchHome!
    private var path: String { home.path + "/" + Self.relative }

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    private func assertUnusable(_ reason: String, file: StaticString = #filePath, line: UInt = #line) {
        let answer = PreferenceStore.read(tool: "mytool")
        XCTAssertEqual(answer, .unusable(path: path, reason: reason), file: file, line: line)
        let decision = ConsentResolver.resolve(ConsentInputs(preference: answer))
        XCTAssertFalse(decision.isEnabled, file: file, line: line)
        XCTAssertEqual(decision.warnings, ["\(path): \(reason); telemetry is off"], file: file, line: line)
    }

    func testParse() {
        let table: [(String, PreferenceAnswer?)] = [
            ("true", .on), ("true\n", .on), ("false", .off), ("false\n", .off),
            ("", nil), ("\n", nil), ("true\n\n", nil), ("true\r\n", nil), (" true", nil), ("true ", nil),
            ("TRUE\n", nil), ("True", nil), ("1\n", nil), ("yes\n", nil), ("truefalse", nil), ("tru", nil),
            ("true\0", nil), ("\0", nil), ("\u{FEFF}true", nil), ("true\n           ", nil),
            ("true\n            ", nil),
        ]
        for (text, expected) in table {
            let answer = Array(text.utf8).withUnsafeBytes { PreferenceStore.parse($0) }
            XCTAssertEqual(answer, expected, text.debugDescription)
        }
        XCTAssertNil(PreferenceStore.parse(UnsafeRawBufferPointer(start: nil, count: 0)))
    }

    func testRoundTrip() throws {
        for answer in [true, false, true, true, false] {
            try PreferenceStore.write(answer, tool: "mytool")
            XCTAssertEqual(PreferenceStore.read(tool: "mytool"), answer ? .on : .off)
            XCTAssertEqual(try String(contentsOfFile: path, encoding: .utf8), answer ? "true\n" : "false\n")
        }
        var status = stat()
        XCTAssertEqual(stat(path, &status), 0)
        XCTAssertEqual(status.st_mode & 0o7777, 0o600)
        let directory = (path as NSString).deletingLastPathComponent
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: directory), ["enabled"])
        XCTAssertEqual(stat(directory, &status), 0)
        XCTAssertEqual(status.st_mode & 0o7777, 0o700)
    }

    func testOneToolDoesNotAnswerForAnother() throws {
        try PreferenceStore.write(true, tool: "mytool")
        XCTAssertEqual(PreferenceStore.read(tool: "other"), .absent)
    }

    func testWriteReplacesWhatIsNoAnswer() throws {
        home.write("garbage", to: Self.relative)
        try PreferenceStore.write(false, tool: "mytool")
        XCTAssertEqual(PreferenceStore.read(tool: "mytool"), .off)
        let target = home.write("true\n", to: "elsewhere")
        unlink(path)
        XCTAssertEqual(symlink(target, path), 0)
        try PreferenceStore.write(false, tool: "mytool")
        XCTAssertEqual(PreferenceStore.read(tool: "mytool"), .off)
        XCTAssertEqual(
            try String(contentsOfFile: target, encoding: .utf8), "true\n", "a link is replaced, not followed")
    }

    func testFailedWriteLeavesTheAnswerAndNoLitter() throws {
        let directory = (path as NSString).deletingLastPathComponent
        XCTAssertEqual(mkdir(home.path + "/config", 0o700), 0)
        home.write("", to: Self.relative + "/in the way")
        XCTAssertThrowsError(try PreferenceStore.write(true, tool: "mytool")) {
            XCTAssertEqual($0 as? SystemError, SystemError(code: EISDIR))
        }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: directory), ["enabled"])
    }

    func testGarbage() {
        home.write("maybe\n", to: Self.relative)
        assertUnusable("expected 'true' or 'false'")
        home.write("", to: Self.relative)
        assertUnusable("expected 'true' or 'false'")
        home.write("true\n" + String(repeating: " ", count: 12), to: Self.relative)
        assertUnusable("longer than 16 bytes")
    }

    func testDirectory() {
        home.write("true\n", to: Self.relative + "/file")
        assertUnusable("not a regular file")
    }

    func testFIFOIsRefusedWithoutWaitingForAWriter() {
        home.write("", to: "config/telemetry/mytool/other")
        XCTAssertEqual(mkfifo(path, 0o600), 0)
        assertUnusable("not a regular file")
    }

    func testSymbolicLink() {
        let target = home.write("true\n", to: "elsewhere")
        home.write("", to: "config/telemetry/mytool/other")
        XCTAssertEqual(symlink(target, path), 0)
        assertUnusable("a symbolic link")
        unlink(target)
        assertUnusable("a symbolic link")
    }

    func testWritableByEveryone() {
        home.write("true\n", to: Self.relative, mode: 0o602)
        assertUnusable("everyone can write to it")
        chmod(path, 0o664)
        XCTAssertEqual(PreferenceStore.read(tool: "mytool"), .on)
    }

    func testForeignOwner() throws {
        try XCTSkipUnless(geteuid() == 0, "only root can give a file away")
        home.write("true\n", to: Self.relative)
        XCTAssertEqual(chown(path, 65_534, 65_534), 0)
        assertUnusable("owned by another user")
    }

    func testUnreadable() throws {
        home.write("true\n", to: Self.relative, mode: 0o000)
        if geteuid() == 0 {
            // Root reads everything: look through the eyes of someone else.
            XCTAssertEqual(chown(path, 65_534, 65_534), 0)
            for directory in ["", "/config", "/config/telemetry", "/config/telemetry/mytool"] {
                chmod(home.path + directory, 0o755)
            }
            XCTAssertEqual(seteuid(65_534), 0)
            defer { seteuid(0) }
            assertUnusable("Permission denied")
        } else {
            assertUnusable("Permission denied")
        }
    }

    func testNoHome() {
        home.set("HOME", nil)
        home.set("XDG_CONFIG_HOME", "relative/path")
        XCTAssertNil(PreferenceStore.path(tool: "mytool"))
        XCTAssertEqual(PreferenceStore.read(tool: "mytool"), .absent)
        XCTAssertThrowsError(try PreferenceStore.write(true, tool: "mytool"))
    }

    func testToolNamesCannotLeaveTheDirectory() {
        for name in ["", ".", "..", "../mytool", "a/b", "a\0b", ".hidden", String(repeating: "a", count: 65)] {
            XCTAssertNil(PreferenceStore.path(tool: name), name)
            XCTAssertThrowsError(try PreferenceStore.write(true, tool: name))
        }
    }
}
