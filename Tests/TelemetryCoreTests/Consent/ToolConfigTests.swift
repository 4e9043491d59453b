import CSystem
import XCTest

@testable import TelemetryCore

/// A9: the tool's own configuration, on real files; A7: its second key.
final class ToolConfigTests: XCTestCase {
    private var home: ScratchHome!
    private let location = ConfigLocation(
        file: "mytool/config.yaml", key: "telemetry.enabled", localOnlyKey: "telemetry.local")
    private var path: String { home.path + "/config/mytool/config.yaml" }

    override func setUp() { home = ScratchHome() }
    override func tearDown() { home.restore() }

    private func answer() -> PreferenceAnswer { ToolConfig.readUser(location).consent.answer }

    private func assertUnusable(_ reason: String, line: UInt = #line) {
        XCTAssertEqual(answer(), .unusable(path: path, reason: reason), line: line)
        XCTAssertEqual(ToolConfig.readUser(location).localOnly, .unusable(path: path, reason: reason), line: line)
    }

    func testWhereItIs() {
        XCTAssertEqual(ToolConfig.userPath("a/b"), home.path + "/config/a/b")
        XCTAssertEqual(ToolConfig.userPath("~/.a"), home.path + "/.a")
        XCTAssertEqual(ToolConfig.userPath("/etc/a"), "/etc/a")
        home.set("XDG_CONFIG_HOME", nil)
        XCTAssertEqual(ToolConfig.userPath("a"), home.path + "/.config/a")
        home.set("HOME", nil)
        XCTAssertNil(ToolConfig.userPath("a"))
        XCTAssertNil(ToolConfig.userPath("~/a"))
        XCTAssertEqual(answer(), .absent)
    }

    func testWords() {
        XCTAssertEqual(answer(), .absent)
        let table: [(String, PreferenceAnswer)] = [
            ("true", .on), ("Yes", .on), ("'on'", .on), ("1", .on), ("false", .off), ("\"NO\"", .off), ("off", .off),
            ("0", .off),
            ("~", .absent), ("", .absent),
            ("perhaps", .unusable(path: path, reason: "telemetry.enabled is 'perhaps'; expected true or false")),
            ("''", .unusable(path: path, reason: "telemetry.enabled is ''; expected true or false")),
            ("2", .unusable(path: path, reason: "telemetry.enabled is '2'; expected true or false")),
        ]
        for (word, expected) in table {
            home.write("telemetry: {enabled: \(word), local: \(word)}\n", to: "config/mytool/config.yaml")
            XCTAssertEqual(answer(), expected, word)
            XCTAssertEqual(ToolConfig.readUser(location).consent.path, path)
            switch (expected, ToolConfig.readUser(location).localOnly) {
            case (.unusable, .unusable): break
            case (let consent, let local): XCTAssertEqual(consent, local, word)
            }
        }
    }

    func testTrust() throws {
        let target = home.write("telemetry: {enabled: true}", to: "dotfiles/config", mode: 0o664)
        try FileManager.default.createDirectory(atPath: home.path + "/config/mytool", withIntermediateDirectories: true)
        XCTAssertEqual(symlink(target, path), 0)
        XCTAssertEqual(answer(), .on, "links are followed")
        chmod(target, 0o666)
        assertUnusable("everyone can write to it")
        chmod(target, 0o644)
        if geteuid() == 0 {
            chown(target, 12_345, 0)
            assertUnusable("owned by another user")
        }
        unlink(target)
        assertUnusable("a symbolic link that leads nowhere")
        unlink(path)
        XCTAssertEqual(answer(), .absent)
        XCTAssertEqual(mkfifo(path, 0o600), 0)
        assertUnusable("not a regular file")
        unlink(path)
        XCTAssertEqual(mkdir(path, 0o700), 0)
        assertUnusable("not a regular file")
        rmdir(path)
        home.write(String(repeating: "#", count: ToolConfig.limitBytes + 1), to: "config/mytool/config.yaml")
        assertUnusable("longer than 1048576 bytes")
    }

    /// Anyone may have written it: it can only switch off.
    func testProject() {
        let file = home.write("telemetry: {enabled: false}", to: "project.yaml", mode: 0o666)
        if geteuid() == 0 { chown(file, 12_345, 0) }
        let found = ToolConfig.readProject(ConfigLocation(file: file, key: "telemetry.enabled"))
        XCTAssertEqual(found, FileAnswer(path: file, answer: .off, onlyLowers: true))
    }

    func testWhatIsNoFileNameOrKey() {
        let names: [(file: String, user: Bool, project: Bool)] = [
            ("a", true, true), ("a/b.yaml", true, true), (".a", true, true), ("a..b/..c/d..", true, true),
            ("/a", true, false),
            ("~/a", true, false), ("~a", true, true), ("/a/../b", true, false), ("", false, false),
            ("..", false, false), ("../a", false, false), ("a/..", false, false),
            ("a/../b", false, false), ("a\nb", false, false), (String(repeating: "a", count: 4096), false, false),
        ]
        for name in names {
            XCTAssertEqual(ConfigLocation.problem(file: name.file, inProject: false) == nil, name.user, name.file)
            XCTAssertEqual(ConfigLocation.problem(file: name.file, inProject: true) == nil, name.project, name.file)
        }
        for key in ["a", "a.b", "a b.c", "ä.b", String(repeating: "a", count: 256)] {
            XCTAssertNil(ConfigLocation.problem(key: key), key)
        }
        for key in ["", ".", ".a", "a.", "a..b", "a\u{7F}", String(repeating: "a", count: 257)] {
            XCTAssertNotNil(ConfigLocation.problem(key: key), key)
        }
    }

    func testOptionsTakeAndClear() {
        let options = Options(toolName: "mytool", toolVersion: "")
        XCTAssertTrue(options.setConfig(file: "a.yaml", key: "k"))
        XCTAssertEqual(Options(options.settings).config?.file, "a.yaml")
        XCTAssertTrue(options.setConfig(file: "", key: nil))
        XCTAssertNil(options.config)
        XCTAssertNil(options.error)
        XCTAssertFalse(options.setProjectConfig(file: "/a.yaml", key: "k"))
        XCTAssertNotNil(options.error)
    }
}
