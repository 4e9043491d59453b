import CSystem
import XCTest

@testable import TelemetryCore

/// A16: sudo, simulated by root with the variables that sudo sets.
final class InvokingUserTests: XCTestCase {
    private var home: ScratchHome!
    private var theirs: String { home.path + "/theirs" }

    override func setUpWithError() throws {
        home = ScratchHome()
        try XCTSkipUnless(geteuid() == 0, "only root is called by someone else")
        XCTAssertEqual(mkdir(theirs, 0o700), 0)
        chown(theirs, 4_321, 4_321)
        home.set("SUDO_UID", "4321")
        home.set("SUDO_HOME", theirs)
    }

    override func tearDown() { home.restore() }

    private func write(_ text: String, _ tool: String = "mytool", owner: uid_t = 4_321) {
        chown(home.write(text, to: "theirs/.config/telemetry/\(tool)/enabled"), owner, owner)
    }

    private func answer() -> PreferenceAnswer? {
        ConsentInputs.gather(options: Options(toolName: "mytool", toolVersion: "")).invokingUser?.answer
    }

    func testWhoIsMeant() {
        let table: [(String, String?, Bool)] = [
            ("SUDO_UID", "4321", true), ("SUDO_UID", "0", false), ("SUDO_UID", "", false), ("SUDO_UID", "x", true),
            ("SUDO_UID", "-1", true), ("SUDO_UID", "99999999999999999999", true), ("SUDO_UID", nil, false),
            ("PKEXEC_UID", "4321", true), ("PKEXEC_UID", "0", false), ("DOAS_USER", "someone", true),
            ("DOAS_USER", "root", false),
        ]
        for (name, value, expected) in table {
            home.set("SUDO_UID", nil)
            home.set(name, value)
            XCTAssertEqual(InvokingUser.isElevated, expected, "\(name)=\(value ?? "unset")")
            home.set(name, nil)
        }
    }

    func testTheirRefusalCounts() {
        XCTAssertEqual(answer(), .absent)
        write("true\n")
        XCTAssertEqual(answer(), .on)
        write("false\n", "_all")
        XCTAssertEqual(answer(), .off)
        write("true\n", "_all")
        XCTAssertEqual(answer(), .on)
        write("false\n")
        XCTAssertEqual(answer(), .off)
        let path = theirs + "/.config/telemetry/mytool/enabled"
        write("garbage")
        XCTAssertEqual(answer(), .unusable(path: path, reason: "expected 'true' or 'false'"))
        write("true\n", owner: 0)
        XCTAssertEqual(answer(), .unusable(path: path, reason: "owned by another user"))
    }

    func testWhoIsNotKnownRefuses() {
        home.set("SUDO_HOME", nil)
        for (name, value) in [
            ("SUDO_UID", "4000123456"), ("SUDO_UID", "garbage"), ("PKEXEC_UID", "x"), ("DOAS_USER", "no such user"),
        ] {
            home.set("SUDO_UID", nil)
            home.set(name, value)
            let decision = ConsentResolver.resolve(
                ConsentInputs.gather(options: Options(toolName: "mytool", toolVersion: "")))
            XCTAssertEqual(decision.source, .invokingUser, name)
            XCTAssertFalse(decision.isEnabled)
            XCTAssertEqual(decision.warnings, [])
            home.set(name, nil)
        }
    }

    /// /etc/passwd, for pkexec and doas.
    func testPasswordFile() {
        XCTAssertNotNil(PasswordFile.account { $0.pw_uid == 0 })
        XCTAssertNil(PasswordFile.account { _ in false })
    }

    func testNothingOfTheirsIsUsed() {
        let root = PasswordFile.account { $0.pw_uid == 0 }?.home ?? ""
        home.set("XDG_STATE_HOME", nil)
        home.set("HOME", theirs)
        XCTAssertEqual(Environment.stateDirectory, root + "/.local/state/telemetry")
        home.set("XDG_STATE_HOME", theirs + "/not/there/yet")
        XCTAssertEqual(Environment.stateDirectory, root + "/.local/state/telemetry")
        XCTAssertEqual(symlink(theirs, home.path + "/link"), 0)
        XCTAssertEqual(lchown(home.path + "/link", 4_321, 4_321), 0)
        home.set("XDG_STATE_HOME", home.path + "/link")
        XCTAssertEqual(Environment.stateDirectory, root + "/.local/state/telemetry")
        home.set("XDG_STATE_HOME", home.path + "/own")
        XCTAssertEqual(Environment.stateDirectory, home.path + "/own/telemetry")
        home.set("SUDO_UID", nil)
        home.set("XDG_STATE_HOME", theirs)
        XCTAssertEqual(Environment.stateDirectory, root + "/.local/state/telemetry", "HOME is another user's")
        home.set("HOME", home.path)
        XCTAssertEqual(
            Environment.stateDirectory, home.path + "/.local/state/telemetry", "su keeps a variable of another user's")
        XCTAssertEqual(mkdir(theirs + "/roots", 0o700), 0)
        home.set("XDG_STATE_HOME", theirs + "/roots")
        XCTAssertEqual(
            Environment.stateDirectory, theirs + "/roots/telemetry",
            "on nobody's behalf root may choose a directory of its own")
    }
}
