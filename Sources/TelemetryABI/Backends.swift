// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Chooses a backend that takes every event and does nothing with it.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_backend_noop")
public func telemetryOptionsSetBackendNoop(options: UnsafeMutablePointer<telemetry_options>?) -> telemetry_status {
    configure(options) {
        $0.setBackend(.noop)
        return true
    }
}

/// Chooses a backend that writes each batch as a pretty JSON array to standard output. For
/// debugging. telemetry_options_add_backend() has one that writes to another descriptor or file.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_backend_stdout")
public func telemetryOptionsSetBackendStdout(options: UnsafeMutablePointer<telemetry_options>?) -> telemetry_status {
    configure(options) {
        $0.setBackend(.stdout(.standard))
        return true
    }
}

/// Chooses a backend that appends each event as one line of JSON to a local file of mode 0600. The
/// default.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param path       The file, by an absolute path; NULL: `events.jsonl` in the tool's state
///     directory. Copied.
/// @param max_bytes  Size at which the file is renamed to `path.1` and a new one is begun, from
///     4096 to 1 TiB; 0: 10 MiB.
/// @param max_files  Number of files that are kept, at most 1000; 0: 3.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_backend_file")
public func telemetryOptionsSetBackendFile(
    options: UnsafeMutablePointer<telemetry_options>?, path: UnsafePointer<CChar>?, max_bytes: UInt64, max_files: UInt32
) -> telemetry_status {
    configure(options) { $0.setFileBackend(path: path.map(PathText.string), maxBytes: max_bytes, maxFiles: max_files) }
}

/// Chooses a backend that sends each batch as a JSON array with an HTTP POST. libcurl
/// (libcurl.so.4) is loaded at the first send, never before.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param endpoint      `https://…`; `http://` only to this machine. Copied.
/// @param headers       `Name: value` strings to send with each request. Secrets in them are never
///     shown. Copied.
/// @param header_count  Number of headers.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_backend_http")
public func telemetryOptionsSetBackendHttp(
    options: UnsafeMutablePointer<telemetry_options>?, endpoint: UnsafePointer<CChar>?,
    headers: UnsafePointer<UnsafePointer<CChar>?>?, header_count: Int
) -> telemetry_status {
    configure(options) { options in
        // A missing list of headers counts as one invalid header.
        let lines =
            headers.map { list in (0..<max(0, header_count)).map { list[$0].map(string) ?? "" } }
            ?? (header_count > 0 ? [""] : [])
        return options.setHTTPBackend(endpoint: endpoint.map(string) ?? "", headerLines: lines)
    }
}

/// Adds a backend, so that each event goes to several: to this one and to those added or set before
/// it. The first one replaces the default. At most 6. A backend that has failed is tried after the
/// others.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param kind           `noop`, `stdout`, `file`, `http`, `otlp`, `datadog`, `posthog`, `segment`,
///     `splunk_hec`, `splunk_udp`, `clickhouse` or `zipkin`; docs/backends.md has a section on each.
///     `zipkin` takes spans and nothing else. Copied.
/// @param settings       The keys of `backend` in telemetry-manifest(5), with strings, ints, doubles
///     or bools; a header as `headers.NAME`, a name of an event's shape as `fields.NAME`, an inner
///     one as `fields.OUTER.NAME`, a list as text with commas. `name` tells two of one kind apart.
///     `stdout` also has `descriptor`, an int: one that the program has open and keeps open.
///     Copied. May be NULL if `setting_count` is 0.
/// @param setting_count  Number of settings.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error(),
///     which never contains a key.
/// @since 0.1.0
@_cdecl("telemetry_options_add_backend")
public func telemetryOptionsAddBackend(
    options: UnsafeMutablePointer<telemetry_options>?, kind: UnsafePointer<CChar>?,
    settings: UnsafePointer<telemetry_attribute>?, setting_count: Int
) -> telemetry_status {
    configure(options) { $0.addBackend(kind: kind.map(string) ?? "", settings, setting_count) }
}

/// Says that the person who runs this program has asked for its metrics, in the program's own
/// configuration: a server's `/metrics`, for example. They are then kept apart for that person,
/// whatever the user has answered to the author, and telemetry_metrics_write() gives them. Nothing
/// of it reaches the author. docs/own.md says what can still refuse.
///
/// A program calls this only for a setting that its operator has made, never by default.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param is_on  Default: false.
/// @return TELEMETRY_OK; TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_operator_metrics")
public func telemetryOptionsSetOperatorMetrics(options: UnsafeMutablePointer<telemetry_options>?, is_on: Bool)
    -> telemetry_status
{
    configure(options) {
        $0.keepMetricsForOperator(is_on)
        return true
    }
}

/// Adds a receiver that the person who runs this program has chosen, in the program's own
/// configuration. Metrics go there, whatever the user has answered to the author. With the first
/// one, telemetry_options_set_operator_metrics() is on. At most 6.
///
/// A program calls this only for a setting that its operator has made, never with a receiver of its
/// author.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param kind           `otlp`. Copied.
/// @param settings       As for telemetry_options_add_backend(). Copied. May be NULL if
///     `setting_count` is 0.
/// @param setting_count  Number of settings.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error(),
///     which never contains a key.
/// @since 0.1.0
@_cdecl("telemetry_options_add_operator_backend")
public func telemetryOptionsAddOperatorBackend(
    options: UnsafeMutablePointer<telemetry_options>?, kind: UnsafePointer<CChar>?,
    settings: UnsafePointer<telemetry_attribute>?, setting_count: Int
) -> telemetry_status {
    configure(options) { $0.addBackend(kind: kind.map(string) ?? "", settings, setting_count, isOperators: true) }
}

/// Says in the author's own words where the events go. The words come before the receivers in
/// telemetry_backend_info() and, if telemetry_notice::recipient is NULL, in the notice. They never
/// replace the receivers' names.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param text  At most 1000 bytes without control characters. Copied. NULL or "": none (default).
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_backend_info")
public func telemetryOptionsSetBackendInfo(
    options: UnsafeMutablePointer<telemetry_options>?, text: UnsafePointer<CChar>?
) -> telemetry_status {
    configure(options) { $0.setBackendInfo(text.map(string)) }
}

/// Chooses a backend that gives each batch to functions of the program.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param backend  The functions; copied. Its `context` must live until `close` was called for
///     every collector opened with these options, or the process ends.
/// @return TELEMETRY_OK; TELEMETRY_ERROR_ARGUMENT for NULL, a size of 0, or neither `send` nor
///     `send_events`.
/// @since 0.1.0
@_cdecl("telemetry_options_set_backend_custom")
public func telemetryOptionsSetBackendCustom(
    options: UnsafeMutablePointer<telemetry_options>?, backend: UnsafePointer<telemetry_backend>?
) -> telemetry_status {
    configure(options) { $0.setCustomBackend(backend) }
}
