// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The process's environment and where a user's files belong.
package enum Environment {
    /// This process has rights that its caller does not have (AT_SECURE). There, what the caller has put into the
    /// environment may only refuse: secure_getenv(3).
    static var isUntrusted: Bool { csystem_is_privileged() }

    /// Value of a variable; nil when unset, and where the environment is not to be trusted. Invalid UTF-8 is replaced.
    @inline(never)
    package static func value(_ name: String) -> String? {
        guard let value = secure_getenv(name) else { return nil }
        return String(cString: value)
    }

    /// Value of a variable that can only refuse: of several copies the first that refuses, else the first. Another
    /// reader of the environment sees one copy, and not every reader the same one.
    @inline(never)
    static func refusing(_ name: UnsafePointer<CChar>, _ refuses: (String) -> Bool = { _ in false }) -> String? {
        var first: String?
        var copy = csystem_next_copy(name, nil)
        while let found = copy {
            let value = String(cString: found)
            if refuses(value) { return value }
            if first == nil { first = value }
            copy = csystem_next_copy(name, found)
        }
        return first
    }

    /// Value of a variable that is a path; nil when unset or empty, and where the environment is not to be trusted.
    package static func path(_ variable: String) -> String? {
        guard let path = secure_getenv(variable), path.pointee != 0 else { return nil }
        return PathText.string(path)
    }

    /// HOME, even from a caller that is not trusted. It is taken out of texts; nothing is read or written there.
    static var homeInTexts: String? {
        guard let path = getenv("HOME"), path.pointee != 0 else { return nil }
        return PathText.string(path)
    }

    /// Value of a variable if it is an absolute path.
    static func absolute(_ variable: String) -> String? {
        guard let path = secure_getenv(variable), path.pointee == CChar(UInt8(ascii: "/")) else { return nil }
        return PathText.string(path)
    }

    /// XDG Base Directory Specification: `variable` if it is an absolute path, else `fallback` below HOME.
    /// Nil when neither is usable; relative paths are ignored, as the specification says.
    static func baseDirectory(_ variable: String, homeFallback: String) -> String? {
        if let path = absolute(variable), mayUse(path) { return path }
        return home.map { $0 + "/" + homeFallback }
    }

    /// HOME; where the environment is not to be trusted, the home in the password file. A16: root's own when sudo has
    /// left another user's there, so that root leaves nothing in it.
    package static var home: String? {
        if isUntrusted { return PasswordFile.account { $0.pw_uid == csystem_user() }?.home }
        guard let path = absolute("HOME") else { return nil }
        return mayUse(path) ? path : PasswordFile.account { $0.pw_uid == 0 }?.home
    }

    /// False for another user's place while this process is root: root leaves nothing there. On another user's behalf,
    /// no part of the path may be anyone else's: its owner could turn it elsewhere.
    private static func mayUse(_ path: String) -> Bool {
        if csystem_user() != 0 { return true }
        let stay = csystem_stay()
        if stay != 0, judged.stay == stay, judged.path == path { return judged.isAllowed }
        let isAllowed = isNoOneElses(path)
        if stay != 0 { judged = (stay, path, isAllowed) }
        return isAllowed
    }

    /// The last judgement in a stay (csystem_stay()).
    nonisolated(unsafe) private static var judged: (stay: UInt32, path: String, isAllowed: Bool) = (0, "", false)

    private static func isNoOneElses(_ path: String) -> Bool {
        var last: uid_t = 0
        var isForeign = false
        PathText.forEachBeginning(path) { part in
            var status = stat()
            guard SystemCall.status.once({ lstat(part, &status) }) == 0 else { return false }
            last = status.st_uid
            if last != 0 { isForeign = true }
            return true
        }
        return last == 0 && !(isForeign && InvokingUser.isElevated)
    }

    /// Nil: nothing is there.
    static func owner(_ path: String) -> uid_t? {
        var status = stat()
        return SystemCall.status.once({ PathText.call(path) { lstat($0, &status) } }) == 0 ? status.st_uid : nil
    }

    /// `$XDG_STATE_HOME/telemetry`, default `~/.local/state/telemetry`.
    package static var stateDirectory: String? {
        baseDirectory("XDG_STATE_HOME", homeFallback: ".local/state").map { $0 + "/telemetry" }
    }

    /// `$XDG_RUNTIME_DIR`, if it is an absolute path.
    package static var runtimeDirectory: String? { absolute("XDG_RUNTIME_DIR") }

    /// `$XDG_CONFIG_HOME`, default `~/.config`.
    static var configHome: String? { baseDirectory("XDG_CONFIG_HOME", homeFallback: ".config") }

    /// `$XDG_CONFIG_HOME/telemetry`, default `~/.config/telemetry`.
    static var configDirectory: String? { configDirectory(in: configHome) }

    /// `home`: `configHome`. Nil without it.
    static func configDirectory(in home: String?) -> String? { home.map { $0 + "/telemetry" } }

    /// `$XDG_DATA_HOME/telemetry`, default `~/.local/share/telemetry`.
    static var dataDirectory: String? {
        baseDirectory("XDG_DATA_HOME", homeFallback: ".local/share").map { $0 + "/telemetry" }
    }
}
