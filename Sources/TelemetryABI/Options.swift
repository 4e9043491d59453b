import CSystem
import TelemetryCore

/// Makes options with their defaults: opt-in consent, the local file backend, delivery in the
/// process, at least once.
///
/// @param tool_name     1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit.
///                      Names the spool, the preference file and the environment variables
///                      (`mytool`: MYTOOL_NO_TELEMETRY, MYTOOL_TELEMETRY_ENABLED). Copied.
/// @param tool_version  The tool's version, for the events. Copied. May be NULL.
/// @return The options, to be freed with telemetry_options_free(). A bad or NULL name is kept as
///         the options' error and leaves telemetry off; NULL only when out of memory.
///
/// Does not block.
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
@_cdecl("telemetry_options_free")
public func telemetryOptionsFree(options: UnsafeMutablePointer<telemetry_options>?) {
    guard let options else { return }
    onCallersThread {
        Unmanaged<Options>.fromOpaque(options.pointee.implementation).release()
        options.deallocate()
    }
}

/// Takes what a manifest (YAML, see telemetry-manifest(5)) says, all of it or, if anything in it is
/// wrong, nothing.
///
/// @param path  The manifest. NULL: `TELEMETRY_MANIFEST`, else `<tool>.yaml` in
///              `$XDG_DATA_HOME/telemetry/tools`, `/usr/local/share/telemetry/tools` or
///              `/usr/share/telemetry/tools`.
/// @return TELEMETRY_OK; TELEMETRY_ERROR_MANIFEST, with file, line, key and what was expected in
///         telemetry_options_error(); TELEMETRY_ERROR_ARGUMENT for NULL options.
///
/// Reads one file. libyaml is loaded at the first call.
@_cdecl("telemetry_options_load_manifest")
public func telemetryOptionsLoadManifest(options: UnsafeMutablePointer<telemetry_options>?, path: UnsafePointer<CChar>?)
    -> telemetry_status
{
    guard let options else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread {
        guard Allocation.isAvailableForPass else { return TELEMETRY_ERROR_MEMORY }
        return object(UnsafePointer(options)).loadManifest(path: path.map(PathText.string)) ? TELEMETRY_OK : TELEMETRY_ERROR_MANIFEST
    }
}

/// What was wrong first with these options, as a sentence. A collector opened from options with an
/// error is off, so a program that never asks loses nothing but its telemetry.
///
/// @param buffer  Receives the text, cut to `size` and always terminated. May be NULL if `size` is 0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole text without its terminator; 0: no error, or NULL options.
@_cdecl("telemetry_options_error")
public func telemetryOptionsError(options: UnsafePointer<telemetry_options>?, buffer: UnsafeMutablePointer<CChar>?, size: Int) -> Int {
    onCallersThread { write(options.flatMap { object($0).error } ?? "", to: buffer, size) }
}

/// The author's own gate: while it is closed, no one can turn telemetry on. Default: open.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
@_cdecl("telemetry_options_set_author_gate")
public func telemetryOptionsSetAuthorGate(options: UnsafeMutablePointer<telemetry_options>?, open: Bool) -> telemetry_status {
    configure(options) { $0.authorGate = open; return true }
}

/// Telemetry off for this run, as for a `--no-telemetry` flag. It can only lower: `false` changes
/// nothing about any other source of consent.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
@_cdecl("telemetry_options_set_no_telemetry")
public func telemetryOptionsSetNoTelemetry(options: UnsafeMutablePointer<telemetry_options>?, off: Bool) -> telemetry_status {
    configure(options) { $0.noTelemetry = off; return true }
}

/// What stands when the user has said nothing. Default: TELEMETRY_OPT_IN.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value.
@_cdecl("telemetry_options_set_consent")
public func telemetryOptionsSetConsent(options: UnsafeMutablePointer<telemetry_options>?, consent: telemetry_consent) -> telemetry_status {
    configure(options) { options in
        guard consent == TELEMETRY_OPT_IN || consent == TELEMETRY_OPT_OUT else {
            options.fail("consent " + consent.rawValue.description + ": expected TELEMETRY_OPT_IN or TELEMETRY_OPT_OUT")
            return false
        }
        options.consent = consent
        return true
    }
}

/// Who delivers, and when. Default: TELEMETRY_IN_PROCESS.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value.
@_cdecl("telemetry_options_set_delivery")
public func telemetryOptionsSetDelivery(options: UnsafeMutablePointer<telemetry_options>?, delivery: telemetry_delivery) -> telemetry_status {
    configure(options) { options in
        guard delivery.rawValue <= TELEMETRY_AGENT.rawValue else {
            options.fail("delivery " + delivery.rawValue.description + ": expected a telemetry_delivery")
            return false
        }
        options.delivery = delivery
        return true
    }
}

/// The program that TELEMETRY_DETACHED starts.
///
/// @param path  An absolute path of a `telemetry`. Copied. NULL, the default: `../bin/telemetry` beside the
///              directory of this library, else `/usr/bin/telemetry`; PATH is not searched. It must be
///              a regular file, of root or of this user, that nobody else can write to; otherwise none
///              is started. Nor is it in a set-user-id program, or in one that adopts orphans (the first
///              process of a container, a subreaper).
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or a path that is not absolute.
///
/// The process started is no child of this one: wait(2) does not see it, no SIGCHLD comes, no handler of
/// pthread_atfork(3) runs. It has a session of its own, `/dev/null` for its streams, `/` to stand in, none of
/// this process's files, and ends within a minute or so. Its environment is this one's.
@_cdecl("telemetry_options_set_helper")
public func telemetryOptionsSetHelper(options: UnsafeMutablePointer<telemetry_options>?, path: UnsafePointer<CChar>?) -> telemetry_status {
    configure(options) { $0.setHelper(path.map(PathText.string)) }
}

/// Sends a sign of life: an event of type `heartbeat` when telemetry_open() is called and every period
/// while the collector lives, in all processes of the tool together one a period. Off unless this is
/// called.
///
/// @param period_s             Seconds from 60 to 2,592,000 (30 days); 0: the default, 14,400 (4 hours).
/// @param stop_after_failures  From 1 to 1000; 0: the default, 3. When so many deliveries in a row have
///                             failed, this process sends no further one.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
///
/// With in-process delivery, telemetry_open() then starts the worker thread. With detached delivery, only
/// telemetry_open() looks whether one is due. The time of the last is in `heartbeat.json` in the state directory;
/// without a state directory there is no heartbeat.
@_cdecl("telemetry_options_set_heartbeat")
public func telemetryOptionsSetHeartbeat(
    options: UnsafeMutablePointer<telemetry_options>?, period_s: UInt32, stop_after_failures: UInt32
) -> telemetry_status {
    configure(options) { $0.setHeartbeat(seconds: period_s, failures: stop_after_failures) }
}

/// What becomes of a batch whose delivery fails or is cut short. Default: TELEMETRY_AT_LEAST_ONCE.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options or an unknown value.
@_cdecl("telemetry_options_set_guarantee")
public func telemetryOptionsSetGuarantee(options: UnsafeMutablePointer<telemetry_options>?, guarantee: telemetry_guarantee) -> telemetry_status {
    configure(options) { options in
        guard guarantee == TELEMETRY_AT_LEAST_ONCE || guarantee == TELEMETRY_AT_MOST_ONCE else {
            options.fail("guarantee " + guarantee.rawValue.description + ": expected TELEMETRY_AT_LEAST_ONCE or TELEMETRY_AT_MOST_ONCE")
            return false
        }
        options.guarantee = guarantee
        return true
    }
}

/// Whether arguments and error texts are collected. Default: they are not, and what is passed of
/// them is not even read.
///
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT for NULL options.
@_cdecl("telemetry_options_set_extended_collection")
public func telemetryOptionsSetExtendedCollection(options: UnsafeMutablePointer<telemetry_options>?, on: Bool) -> telemetry_status {
    configure(options) { $0.extendedCollection = on; return true }
}

/// Records only a part of the events of one type, drawn at random. A drawn event carries the rate as
/// `sample_rate` in its metadata; for one that was not drawn telemetry_track() does nothing more.
///
/// @param type  The type, as in telemetry_track(). The last rate set for it counts.
/// @param rate  From 0 (none) to 1 (all, the default).
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
@_cdecl("telemetry_options_set_sampling")
public func telemetryOptionsSetSampling(
    options: UnsafeMutablePointer<telemetry_options>?, type: UnsafePointer<CChar>?, rate: Double
) -> telemetry_status {
    configure(options) { $0.setSampling(type: type.map(string) ?? "", rate: rate) }
}

/// Attributes that go with every event. An event's own attribute of the same key wins. Replaces
/// earlier ones.
///
/// @param attributes  At most 32, with keys of 1 to 64 bytes that are no event field's name, 1024
///                    bytes in all (4 + key + value each). Copied.
/// @param count       Number of attributes; 0 removes them.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
@_cdecl("telemetry_options_set_metadata")
public func telemetryOptionsSetMetadata(
    options: UnsafeMutablePointer<telemetry_options>?, attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    configure(options) { $0.setMetadata(attributes, count) }
}

/// Longest time an event waits in a living process before its delivery is tried.
///
/// @param interval_ms  Milliseconds, at most 86,400,000 (a day); 0 keeps the default, 30,000.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
@_cdecl("telemetry_options_set_flush_interval_ms")
public func telemetryOptionsSetFlushIntervalMs(options: UnsafeMutablePointer<telemetry_options>?, interval_ms: UInt32) -> telemetry_status {
    configure(options) { $0.setFlushInterval(milliseconds: interval_ms) }
}

/// Longest time one request to a backend may take.
///
/// @param timeout_ms  Milliseconds, at most 600,000 (10 minutes); 0 keeps the default, 5,000.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
@_cdecl("telemetry_options_set_http_timeout_ms")
public func telemetryOptionsSetHttpTimeoutMs(options: UnsafeMutablePointer<telemetry_options>?, timeout_ms: UInt32) -> telemetry_status {
    configure(options) { $0.setRequestTimeout(milliseconds: timeout_ms) }
}

/// Size of a spool segment: what one process needs at least, and the step in which the oldest
/// events go when the spool is full.
///
/// @param segment_bytes  A multiple of 4096 from 8 KiB to 16 MiB, at most the spool's bytes; default 256 KiB.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error().
@_cdecl("telemetry_options_set_segment_bytes")
public func telemetryOptionsSetSegmentBytes(options: UnsafeMutablePointer<telemetry_options>?, segment_bytes: UInt32) -> telemetry_status {
    configure(options) { $0.setSegmentBytes(segment_bytes) }
}

/// Bounds of the tool's spool. The oldest events go first, and are counted.
///
/// @param limit_bytes     Most bytes of all files, from the size of a segment, which is to be set before, to
///                        1 TiB; 0 keeps the default, 16 MiB.
/// @param limit_segments  Most files, at most 65,536; 0 keeps the default, 256.
/// @param limit_age_s     Oldest event that is still delivered, in seconds, at most 315,360,000 (ten years); 0 keeps
///                        the default, 30 days.
/// @return TELEMETRY_OK, or TELEMETRY_ERROR_ARGUMENT, with the text in telemetry_options_error() and no bound
///         changed.
@_cdecl("telemetry_options_set_spool_limits")
public func telemetryOptionsSetSpoolLimits(
    options: UnsafeMutablePointer<telemetry_options>?, limit_bytes: UInt64, limit_segments: UInt32, limit_age_s: UInt32
) -> telemetry_status {
    configure(options) { $0.setSpoolLimits(bytes: limit_bytes, segments: limit_segments, ageSeconds: limit_age_s) }
}
