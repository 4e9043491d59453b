// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Makes options with their defaults: opt-in consent, the local file backend, delivery in the
/// process, at least once.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param tool_name     1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit; not `own.yaml`.
///     It names the spool, the preference file and the environment variables (`mytool`:
///     MYTOOL_NO_TELEMETRY, MYTOOL_TELEMETRY_ENABLED). Copied.
/// @param tool_version  The tool's version, for the events. Copied. May be NULL.
/// @return The options, to be freed with telemetry_options_free(). A bad or NULL name becomes the
///     options' error and leaves telemetry off. NULL only if there is no memory.
/// @since 0.1.0
@_cdecl("telemetry_options_new")
public func telemetryOptionsNew(tool_name: UnsafePointer<CChar>?, tool_version: UnsafePointer<CChar>?)
    -> UnsafeMutablePointer<telemetry_options>?
{
    onCallersThread(exhausted: nil) {
        let made = Options(toolName: tool_name.map(string) ?? "", toolVersion: tool_version.map(string) ?? "")
        let handle = UnsafeMutablePointer<telemetry_options>.allocate(capacity: 1)
        handle.initialize(to: telemetry_options(implementation: Unmanaged.passRetained(made).toOpaque()))
        return handle
    }
}

/// Frees options. Collectors opened with them are not affected. NULL is ignored.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @since 0.1.0
@_cdecl("telemetry_options_free")
public func telemetryOptionsFree(options: UnsafeMutablePointer<telemetry_options>?) {
    guard let options else { return }
    onCallersThread {
        Unmanaged<Options>.fromOpaque(options.pointee.implementation).release()
        options.deallocate()
    }
}

/// Reads a manifest (YAML, see telemetry-manifest(5)) into the options. If anything in it is wrong,
/// nothing is taken from it. If there is none, that is an error too, and a collector that is opened is off:
/// a tool may not send where its manifest would have said otherwise. A tool that can do without does not call this.
///
/// Threads: one at a time for the same options.
/// Blocking: reads one file. The first call loads libyaml.
///
/// @param path  The manifest. NULL: `TELEMETRY_MANIFEST`, else `<tool>.yaml` in
///     `$XDG_DATA_HOME/telemetry/tools`, `/usr/local/share/telemetry/tools` or
///     `/usr/share/telemetry/tools`.
/// @return TELEMETRY_OK; TELEMETRY_ERROR_MANIFEST, and telemetry_options_error() has file, line,
///     key and what was expected; TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_load_manifest")
public func telemetryOptionsLoadManifest(options: UnsafeMutablePointer<telemetry_options>?, path: UnsafePointer<CChar>?)
    -> telemetry_status
{
    guard let options else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread {
        guard Allocation.isAvailableForPass else { return TELEMETRY_ERROR_MEMORY }
        return object(UnsafePointer(options)).loadManifest(path: path.map(PathText.string))
            ? TELEMETRY_OK : TELEMETRY_ERROR_MANIFEST
    }
}

/// Gives the first mistake in these options, as a sentence. A collector that is opened from options
/// with an error is off. A program that never calls this function loses only its telemetry.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param buffer  Receives the text, cut to `size` and always terminated. May be NULL if `size` is
///     0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole text without its terminator; 0: no error, or NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_error")
public func telemetryOptionsError(
    options: UnsafePointer<telemetry_options>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread { write(options.flatMap { object($0).error } ?? "", to: buffer, size) }
}

/// Opens or closes the author's own gate. While it is closed, nobody can turn telemetry on.
/// Default: open.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_author_gate")
public func telemetryOptionsSetAuthorGate(options: UnsafeMutablePointer<telemetry_options>?, open: Bool)
    -> telemetry_status
{
    configure(options) { $0.set(.authorGate, open ? 1 : 0) }
}

/// Turns telemetry off for this run, as for a `--no-telemetry` flag. It can only lower: `false`
/// does not change what other sources of consent say.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_no_telemetry")
public func telemetryOptionsSetNoTelemetry(options: UnsafeMutablePointer<telemetry_options>?, off: Bool)
    -> telemetry_status
{
    configure(options) { $0.set(.noTelemetry, off ? 1 : 0) }
}

/// Sets what applies while the user has not answered. Default: TELEMETRY_OPT_IN.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value.
/// @since 0.1.0
@_cdecl("telemetry_options_set_consent")
public func telemetryOptionsSetConsent(options: UnsafeMutablePointer<telemetry_options>?, consent: telemetry_consent)
    -> telemetry_status
{
    configure(options) { $0.set(.consent, UInt64(consent.rawValue), expected: "TELEMETRY_OPT_IN or TELEMETRY_OPT_OUT") }
}

/// Sets the `runtime` of the events: what the program runs on, such as `node` and `22.1.0`. Default: this
/// library, as `libtelemetry/0.1.0`.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param name     At most 64 bytes without control characters. Copied. NULL or "": the default.
/// @param version  The same; it follows the name behind a slash. Copied. NULL or "": none.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_runtime")
public func telemetryOptionsSetRuntime(
    options: UnsafeMutablePointer<telemetry_options>?, name: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?
) -> telemetry_status {
    configure(options) { $0.setRuntime(name.map(string), version: version.map(string)) }
}

/// Sets a function that is told what happens, for the program's own log: who decided about consent,
/// mistakes in the options, why a delivery failed, which events were refused and why (each the first
/// time), that storage is in memory only. Without it, the library says nothing anywhere. No text has a
/// secret in it, or what was recorded. docs/guide-c.md has examples.
///
/// The function is called by threads of the program within telemetry_open(), telemetry_close(),
/// telemetry_flush() and calls that record, and by the thread that delivers; by one thread at a time for
/// each collector. The library holds no lock then: it may call every function but telemetry_close() on the
/// same collector. telemetry_flush() does nothing in it. It is not called any more after telemetry_close()
/// has returned. If that call did not wait any longer, a call that has begun may still end then.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param log      Takes the context, a level and one line that ends in NUL and is valid until the function
///     returns. NULL: none (default).
/// @param context  Passed on.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_log")
public func telemetryOptionsSetLog(
    options: UnsafeMutablePointer<telemetry_options>?,
    log: telemetry_log_function?,
    context: UnsafeMutableRawPointer?
) -> telemetry_status {
    configure(options) {
        $0.setLog(log, context)
        return true
    }
}

/// Sets how long the end of the program waits for delivery. It is for programs that end by exit(3) or by
/// a return from main(), without telemetry_close(). Then, or with TELEMETRY_DETACHED and TELEMETRY_AGENT at
/// once, the process that delivers is started as by telemetry_close(). What is not delivered is kept for
/// the next run. Default: 0, and everything is kept.
///
/// It happens in a handler of atexit(3) that telemetry_open() registers. Handlers that were registered
/// later run before it; if they have ended the TLS library, nothing is sent. Handlers that were registered
/// earlier may still record, and may call telemetry_close(). Nothing happens at _exit(2) or quick_exit(3),
/// after a signal, in a forked child that has inherited the collector, or if it was closed before. What a
/// custom backend uses must still be there then. Several
/// collectors are delivered one after the other, within the longest of their times.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param timeout_ms  0 to 10000 milliseconds; exit(3) takes at most 50 ms more.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_flush_at_exit")
public func telemetryOptionsSetFlushAtExit(options: UnsafeMutablePointer<telemetry_options>?, timeout_ms: UInt32)
    -> telemetry_status
{
    configure(options) { $0.set(.atExit, UInt64(timeout_ms)) }
}

/// Sets where what is recorded waits until it is delivered. With TELEMETRY_STORE_IN_TMPDIR the
/// library uses `telemetry-state-UID` in $TMPDIR, or else in /tmp, if the home is missing, is not a
/// directory or cannot be written to: only if others cannot have prepared it. With TELEMETRY_STORE_IN_MEMORY it
/// makes no file at all: no spool, log, copy, counter or identifier. What is not delivered when the
/// collector is closed is lost. Another process cannot deliver it, and no backend of kind file takes
/// it: telemetry_options_error() names such a choice, and a collector that is opened with it is off.
/// Default: TELEMETRY_STORE_ON_DISK.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value.
/// @since 0.1.0
@_cdecl("telemetry_options_set_storage")
public func telemetryOptionsSetStorage(
    options: UnsafeMutablePointer<telemetry_options>?, storage: telemetry_storage_kind
) -> telemetry_status {
    configure(options) { $0.set(.storage, UInt64(storage.rawValue), expected: "a telemetry_storage_kind") }
}

/// Sets which process delivers, and when. Default: TELEMETRY_IN_PROCESS.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value.
/// @since 0.1.0
@_cdecl("telemetry_options_set_delivery")
public func telemetryOptionsSetDelivery(options: UnsafeMutablePointer<telemetry_options>?, delivery: telemetry_delivery)
    -> telemetry_status
{
    configure(options) {
        $0.set(.deliveryMode, UInt64(delivery.rawValue), named: "delivery", expected: "a telemetry_delivery")
    }
}

/// Sets the program that TELEMETRY_DETACHED starts.
///
/// The process is not a child of this one: wait(2) does not see it, no SIGCHLD comes, and no
/// handler of pthread_atfork(3) runs. It has its own session, `/dev/null` for its streams, `/` as
/// its directory, none of this process's files, and this process's environment. It ends within
/// about a minute.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param path  An absolute path of a `telemetry`. Copied. NULL, the default: `../bin/telemetry`
///     beside the directory of this library, else `/usr/bin/telemetry`; PATH is not searched. It
///     must be a regular file of root or of this user, and nobody else may be able to write to it.
///     Otherwise no process is started. A set-user-id program starts none either, nor does a
///     program that adopts orphans (the first process of a container, a subreaper).
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or a path that is not
///     absolute.
/// @since 0.1.0
@_cdecl("telemetry_options_set_helper")
public func telemetryOptionsSetHelper(options: UnsafeMutablePointer<telemetry_options>?, path: UnsafePointer<CChar>?)
    -> telemetry_status
{
    configure(options) { $0.setHelper(path.map(PathText.string)) }
}

/// Sends a sign of life: an event of type `heartbeat` when telemetry_open() is called, and then in
/// every period while the collector lives. All processes of the tool together send one in each
/// period. Without this call there are no heartbeats.
///
/// With in-process delivery, telemetry_open() then starts the worker thread. With detached
/// delivery, only telemetry_open() checks whether a heartbeat is due. The time of the last one is
/// in `heartbeat.json` in the state directory. Without a state directory there are no heartbeats.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param period_s             Seconds from 60 to 2,592,000 (30 days); 0: the default, 14,400 (4
///     hours).
/// @param stop_after_failures  From 1 to 1000; 0: the default, 3. After so many failed deliveries
///     in a row, this process sends no more heartbeats.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_heartbeat")
public func telemetryOptionsSetHeartbeat(
    options: UnsafeMutablePointer<telemetry_options>?, period_s: UInt32, stop_after_failures: UInt32
) -> telemetry_status {
    configure(options) { $0.setHeartbeat(seconds: period_s, failures: stop_after_failures) }
}

/// Sets what happens to a batch whose delivery fails or is interrupted. Default:
/// TELEMETRY_AT_LEAST_ONCE.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value.
/// @since 0.1.0
@_cdecl("telemetry_options_set_guarantee")
public func telemetryOptionsSetGuarantee(
    options: UnsafeMutablePointer<telemetry_options>?, guarantee: telemetry_guarantee
) -> telemetry_status {
    configure(options) {
        $0.set(
            .guarantee, UInt64(guarantee.rawValue), expected: "TELEMETRY_AT_LEAST_ONCE or TELEMETRY_AT_MOST_ONCE")
    }
}

/// Sets whether arguments and error texts are collected. Default: they are not collected and not
/// read at all.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_extended_collection")
public func telemetryOptionsSetExtendedCollection(options: UnsafeMutablePointer<telemetry_options>?, on: Bool)
    -> telemetry_status
{
    configure(options) { $0.set(.extendedCollection, on ? 1 : 0) }
}

/// Adds what this process uses to the text of telemetry_metrics_write(). The names are those of
/// Prometheus' client libraries: `process_cpu_seconds_total`, `process_open_fds`,
/// `process_max_fds`, `process_virtual_memory_bytes`, `process_virtual_memory_max_bytes`,
/// `process_resident_memory_bytes`, `process_start_time_seconds` and `process_threads`. They are read
/// when the text is written, and stored nowhere. One that is not known is left out. For programs that
/// run for long. Default: false.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_process_metrics")
public func telemetryOptionsSetProcessMetrics(options: UnsafeMutablePointer<telemetry_options>?, on: Bool)
    -> telemetry_status
{
    configure(options) { $0.set(.processMetrics, on ? 1 : 0) }
}

/// Makes a span of every command that is recorded, beside its event. This concerns telemetry_command_begin() and
/// telemetry_command_finish(). The span has the kind TELEMETRY_SPAN_INTERNAL, and the name of the command.
/// telemetry_command_span() gives it. Default: false.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
/// @since 0.1.0
@_cdecl("telemetry_options_set_command_spans")
public func telemetryOptionsSetCommandSpans(options: UnsafeMutablePointer<telemetry_options>?, on: Bool)
    -> telemetry_status
{
    configure(options) { $0.set(.commandSpans, on ? 1 : 0) }
}

/// Records only a part of the events of one type, chosen at random. A chosen event carries the rate
/// as `sample_rate` in its metadata. For any other event telemetry_track() returns TELEMETRY_OK and
/// does nothing more.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param type  The type, as in telemetry_track(). The last rate set for it counts.
/// @param rate  From 0 (none) to 1 (all, the default).
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_sampling")
public func telemetryOptionsSetSampling(
    options: UnsafeMutablePointer<telemetry_options>?, type: UnsafePointer<CChar>?, rate: Double
) -> telemetry_status {
    configure(options) { $0.setSampling(type: type.map(string) ?? "", rate: rate) }
}

/// Sets attributes that go with every event. They replace those of an earlier call. An event's own
/// attribute of the same key wins.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param attributes  At most 32. A key has 1 to 64 bytes and is not the name of an event field.
///     All together take at most 1024 bytes (4 + key + value each). Copied.
/// @param count       Number of attributes; 0 removes them.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_metadata")
public func telemetryOptionsSetMetadata(
    options: UnsafeMutablePointer<telemetry_options>?, attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    configure(options) { $0.setMetadata(attributes, count) }
}

/// Sets the longest time that an event waits in a living process before its delivery is tried.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param interval_ms  Milliseconds, at most 86,400,000 (a day); 0 keeps the default, 30,000.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_flush_interval_ms")
public func telemetryOptionsSetFlushIntervalMs(options: UnsafeMutablePointer<telemetry_options>?, interval_ms: UInt32)
    -> telemetry_status
{
    configure(options) { $0.set(.flushInterval, UInt64(interval_ms)) }
}

/// Sets the longest time that one request to a backend may take.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param timeout_ms  Milliseconds, at most 600,000 (10 minutes); 0 keeps the default, 5,000.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_http_timeout_ms")
public func telemetryOptionsSetHttpTimeoutMs(options: UnsafeMutablePointer<telemetry_options>?, timeout_ms: UInt32)
    -> telemetry_status
{
    configure(options) { $0.set(.requestTimeout, UInt64(timeout_ms)) }
}

/// Sets the size of a spool segment. A process needs at least one segment. When the spool is full,
/// the oldest events are removed in steps of one segment.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param segment_bytes  A multiple of 4096 from 8 KiB to 16 MiB, at most the spool's bytes;
///     default 256 KiB.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
/// @since 0.1.0
@_cdecl("telemetry_options_set_segment_bytes")
public func telemetryOptionsSetSegmentBytes(options: UnsafeMutablePointer<telemetry_options>?, segment_bytes: UInt32)
    -> telemetry_status
{
    configure(options) { $0.set(.segmentBytes, UInt64(segment_bytes)) }
}

/// Sets the limits of the tool's spool. The oldest events are removed first, and counted.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param limit_bytes     Most bytes of all files, from the size of a segment to 1 TiB; 0 keeps the
///     default, 16 MiB. Set the size of a segment first.
/// @param limit_segments  Most files, at most 65,536; 0 keeps the default, 256.
/// @param limit_age_s     Greatest age of an event that is still delivered, in seconds, at most
///     315,360,000 (ten years); 0 keeps the default, 30 days.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error()
///     and no limit changed.
/// @since 0.1.0
@_cdecl("telemetry_options_set_spool_limits")
public func telemetryOptionsSetSpoolLimits(
    options: UnsafeMutablePointer<telemetry_options>?, limit_bytes: UInt64, limit_segments: UInt32, limit_age_s: UInt32
) -> telemetry_status {
    configure(options) { $0.setSpoolLimits(bytes: limit_bytes, segments: limit_segments, ageSeconds: limit_age_s) }
}
