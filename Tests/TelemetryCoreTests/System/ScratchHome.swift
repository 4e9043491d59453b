import CSystem
import XCTest

/// A home of its own for one test: the XDG variables point into it, and whatever the environment
/// said about telemetry is unset, until `restore()`.
final class ScratchHome {
    let path: String
    private var saved: [(name: String, value: String?)] = []

    init() {
        var template = Array("/tmp/telemetry-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
        set("HOME", path)
        set("XDG_CONFIG_HOME", path + "/config")
        set("XDG_STATE_HOME", path + "/state")
        set("XDG_DATA_HOME", path + "/data")
        for name in [
            "DO_NOT_TRACK", "TELEMETRY_ENABLED", "TELEMETRY_MANIFEST", "CI", "GITHUB_ACTIONS", "SUDO_UID", "SUDO_HOME",
            "PKEXEC_UID",
            "DOAS_USER",
        ] {
            set(name, nil)
        }
    }

    func set(_ name: String, _ value: String?) {
        saved.append((name, getenv(name).map { String(cString: $0) }))
        if let value { setenv(name, value, 1) } else { unsetenv(name) }
    }

    func restore() {
        for (name, value) in saved.reversed() {
            if let value { setenv(name, value, 1) } else { unsetenv(name) }
        }
        _ = try? FileManager.default.removeItem(atPath: path)
    }

    /// Makes the directories on the way too.
    @discardableResult
    func write(_ text: String, to relative: String, mode: mode_t = 0o600) -> String {
        let target = path + "/" + relative
        let parent = (target as NSString).deletingLastPathComponent
        try? FileManager.default.createDirectory(
            atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        XCTAssertTrue(FileManager.default.createFile(atPath: target, contents: Data(text.utf8)), target)
        chmod(target, mode)
        return target
    }
}
