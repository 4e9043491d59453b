// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Turns telemetry on by the author's decision, for an enterprise that has agreed for its people.
/// It overrules the user's preference, the tool's config, `<TOOL>_TELEMETRY_ENABLED` and continuous
/// integration. It never overrules the author's gate, the administrator's policy, DO_NOT_TRACK,
/// `<TOOL>_NO_TELEMETRY` or the no-telemetry option. Default: off.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_force")
public func telemetryOptionsSetForce(options: UnsafeMutablePointer<telemetry_options>?, on: Bool) -> telemetry_status {
    configure(options) { $0.set(.force, on ? 1 : 0) }
}

/// Sets whether events stay on this machine, in the local log, whatever the backend is. The user
/// can choose this too: `<TOOL>_TELEMETRY_LOCAL=1`. Default: off.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_local_only")
public func telemetryOptionsSetLocalOnly(options: UnsafeMutablePointer<telemetry_options>?, on: Bool)
    -> telemetry_status
{
    configure(options) { $0.set(.localOnly, on ? 1 : 0) }
}

/// Names the key in the tool's own configuration that says whether the user wants telemetry. Without a
/// key, the file holds the answer alone: true or false. It counts below the user's preference. A missing
/// file or key says nothing. Anything but true and false, and a file that cannot be read, means off.
/// libyaml is loaded if there is such a file and a key.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param file  YAML or JSON: absolute, beginning with `~/`, or relative to `$XDG_CONFIG_HOME`
///     (default `~/.config`), without "..". Copied. NULL or "": none (default).
/// @param key   Dotted path of the key, as in "telemetry.enabled"; 1 to 256 bytes. Copied. NULL: the
///     file's whole content is the answer, with white space around it or without.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_config")
public func telemetryOptionsSetConfig(
    options: UnsafeMutablePointer<telemetry_options>?, file: UnsafePointer<CChar>?, key: UnsafePointer<CChar>?
) -> telemetry_status {
    configure(options) { $0.setConfig(file: file.map(PathText.string), key: key.map(string)) }
}

/// Names such a key in the configuration of the project in the working directory. It can only
/// switch off, because anybody may own that directory.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param file  YAML or JSON: relative to the working directory, without "..". Copied. NULL or "":
///     none (default).
/// @param key   As for telemetry_options_set_config(), but not NULL if there is a file. Copied.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_project_config")
public func telemetryOptionsSetProjectConfig(
    options: UnsafeMutablePointer<telemetry_options>?, file: UnsafePointer<CChar>?, key: UnsafePointer<CChar>?
) -> telemetry_status {
    configure(options) { $0.setProjectConfig(file: file.map(PathText.string), key: key.map(string)) }
}

/// Says who decides whether events, metrics and spans are recorded, and why: each source, what it said, whether it
/// counted, and which one decided. `telemetry explain` prints the same text. Changes nothing.
///
/// Threads: one at a time for the same options.
/// Blocking: reads the files that decide about consent.
///
/// @param format  TELEMETRY_FORMAT_TEXT: lines for people. TELEMETRY_FORMAT_JSON: one object on one
///     line. Both end with a newline.
/// @param buffer  Receives the text, cut to `size` and always terminated. May be NULL if `size` is
///     0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole text without its terminator; 0 for NULL options or an unknown
///     format.
/// @since 0.1.0
@_cdecl("telemetry_explain")
public func telemetryExplain(
    options: UnsafePointer<telemetry_options>?, format: telemetry_format, buffer: UnsafeMutablePointer<CChar>?,
    size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        guard let options, format == TELEMETRY_FORMAT_TEXT || format == TELEMETRY_FORMAT_JSON else {
            return write("", to: buffer, size)
        }
        let explanation = ConsentExplanation(options: object(options))
        return write(format == TELEMETRY_FORMAT_JSON ? explanation.json : explanation.text, to: buffer, size)
    }
}
