import CSystem
import TelemetryCore

/// Telemetry on by the author's decision (for an enterprise that has agreed for its people). It
/// overrules the user's preference, the tool's config, `<TOOL>_TELEMETRY_ENABLED` and continuous
/// integration; never the author's gate, the administrator's policy, DO_NOT_TRACK,
/// `<TOOL>_NO_TELEMETRY` or the no-telemetry option. Default: off.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
@_cdecl("telemetry_options_set_force")
public func telemetryOptionsSetForce(options: UnsafeMutablePointer<telemetry_options>?, on: Bool) -> telemetry_status {
    configure(options) { $0.force = on; return true }
}

/// Whether events stay on this machine, in the local log, whatever the backend. The user can ask
/// for it as well: `<TOOL>_TELEMETRY_LOCAL=1`. Default: off.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
@_cdecl("telemetry_options_set_local_only")
public func telemetryOptionsSetLocalOnly(options: UnsafeMutablePointer<telemetry_options>?, on: Bool) -> telemetry_status {
    configure(options) { $0.localOnly = on; return true }
}

/// Where the tool's own configuration says whether the user wants telemetry. Counts below the
/// user's preference. A file or key that is not there says nothing; anything but true and false,
/// or a file that cannot be read, means off. libyaml is loaded when there is such a file.
///
/// @param file  YAML or JSON: absolute, beginning with `~/`, or relative to `$XDG_CONFIG_HOME`
///              (default `~/.config`), without "..". Copied. NULL or "": none (default).
/// @param key   Dotted path of the key, as in "telemetry.enabled"; 1 to 256 bytes. Copied.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
@_cdecl("telemetry_options_set_config")
public func telemetryOptionsSetConfig(
    options: UnsafeMutablePointer<telemetry_options>?, file: UnsafePointer<CChar>?, key: UnsafePointer<CChar>?
) -> telemetry_status {
    configure(options) { $0.setConfig(file: file.map(PathText.string), key: key.map(string)) }
}

/// The same for the configuration of the project that is worked on. It can only switch off: the
/// working directory may be anyone's.
///
/// @param file  YAML or JSON: relative to the working directory, without "..". Copied. NULL or "":
///              none (default).
/// @param key   As for telemetry_options_set_config(). Copied.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
@_cdecl("telemetry_options_set_project_config")
public func telemetryOptionsSetProjectConfig(
    options: UnsafeMutablePointer<telemetry_options>?, file: UnsafePointer<CChar>?, key: UnsafePointer<CChar>?
) -> telemetry_status {
    configure(options) { $0.setProjectConfig(file: file.map(PathText.string), key: key.map(string)) }
}

/// Says who decides whether events are recorded, and why: each source, what it said, whether it
/// counted, which one won. `telemetry explain` prints the same text. Shows, changes nothing.
///
/// @param format  TELEMETRY_FORMAT_TEXT: lines for people. TELEMETRY_FORMAT_JSON: one object on one
///                line. Both end with a newline.
/// @param buffer  Receives the text, cut to `size` and always terminated. May be NULL if `size` is 0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole text without its terminator; 0 for NULL options or an unknown format.
///
/// Reads the files that have a say, on the calling thread.
@_cdecl("telemetry_explain")
public func telemetryExplain(
    options: UnsafePointer<telemetry_options>?, format: telemetry_format, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        guard let options, format == TELEMETRY_FORMAT_TEXT || format == TELEMETRY_FORMAT_JSON else {
            return write("", to: buffer, size)
        }
        let explanation = ConsentExplanation(options: object(options))
        return write(format == TELEMETRY_FORMAT_JSON ? explanation.json : explanation.text, to: buffer, size)
    }
}
