import CSystem

/// The process's environment and where a user's files belong.
enum Environment {
    /// Value of a variable; nil when unset. Invalid UTF-8 is replaced.
    static func value(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        return String(cString: value)
    }

    /// XDG Base Directory Specification: `variable` if it is an absolute path, else `fallback` below HOME.
    /// Nil when neither is usable; relative paths are ignored, as the specification says.
    static func baseDirectory(_ variable: String, homeFallback: String) -> String? {
        if let path = value(variable), path.utf8.first == UInt8(ascii: "/") { return path }
        guard let home = value("HOME"), home.utf8.first == UInt8(ascii: "/") else { return nil }
        return home + "/" + homeFallback
    }

    /// `$XDG_STATE_HOME/telemetry`, default `~/.local/state/telemetry`.
    static var stateDirectory: String? {
        baseDirectory("XDG_STATE_HOME", homeFallback: ".local/state").map { $0 + "/telemetry" }
    }

    /// `$XDG_CONFIG_HOME/telemetry`, default `~/.config/telemetry`.
    static var configDirectory: String? {
        baseDirectory("XDG_CONFIG_HOME", homeFallback: ".config").map { $0 + "/telemetry" }
    }

    /// `$XDG_DATA_HOME/telemetry`, default `~/.local/share/telemetry`.
    static var dataDirectory: String? {
        baseDirectory("XDG_DATA_HOME", homeFallback: ".local/share").map { $0 + "/telemetry" }
    }
}
