// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Opens a collector. Does not prompt: it reads the user's earlier decision. Without consent every
/// function on the handle does nothing. Until the first event nothing is created, opened or
/// started. With telemetry_options_set_heartbeat() this call may record that event. Never prints.
///
/// Threads: any number at once, but one at a time for the same options.
/// Blocking: reads the files that decide about consent.
///
/// @param options  Copied; may be freed at once.
/// @return The collector, to be ended with telemetry_close(). NULL for NULL options or if there is
///     no memory; every function accepts NULL.
/// @since 0.1.0
@_cdecl("telemetry_open")
public func telemetryOpen(options: UnsafePointer<telemetry_options>?) -> UnsafeMutablePointer<telemetry_collector>? {
    guard let options else { return nil }
    return onCallersThread(exhausted: nil) {
        let collector = Collector.open(object(options))
        collector.tellOpening()
        collector.startHeartbeat()
        return collector.handle
    }
}

/// Says whether events are being recorded now. If the user withdraws consent, this changes from
/// true to false within a second, while the program runs. It does not become true again: a later yes
/// counts for the collectors that are opened after it.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return Whether they are; false for NULL.
/// @since 0.1.0
@_cdecl("telemetry_enabled")
public func telemetryEnabled(collector: UnsafePointer<telemetry_collector>?) -> Bool {
    guard let collector, Gate.isOpen(collector) else { return false }
    return onCallersThread { Collector.from(UnsafeMutablePointer(mutating: collector)).isEnabled }
}

/// Ends this collector's work for this process, without storing an answer: from now on nothing is
/// recorded, nothing is sent, and a listener for metrics and the heartbeats end. It cannot be taken
/// back. What waits is kept for other runs. For a `--no-telemetry` that comes late, or a part of the
/// program in which nothing may be recorded. telemetry_close() must still be called.
///
/// Threads: any number at once. What other threads are recording at this moment may still be recorded.
/// Blocking: none; with a listener for metrics, at most 20 ms.
///
/// @return TELEMETRY_OK, also if the collector was off already; TELEMETRY_DISABLED for NULL.
/// @since 0.1.0
@_cdecl("telemetry_disable")
public func telemetryDisable(collector: UnsafeMutablePointer<telemetry_collector>?) -> telemetry_status {
    guard let collector else { return TELEMETRY_DISABLED }
    return onCallersThread {
        Collector.from(collector).disable()
        return TELEMETRY_OK
    }
}

/// Delivers what waits now, with the metrics that have changed, and waits for the result.
///
/// Threads: any number at once.
/// Blocking: up to `timeout_ms`.
///
/// @param timeout_ms  Longest time to wait, in milliseconds; kept whatever the network does.
/// @return TELEMETRY_OK; TELEMETRY_ERROR_TIMEOUT or TELEMETRY_ERROR_DELIVERY, and the events are
///     kept; TELEMETRY_ERROR_SYSTEM, and they are kept, if the thread that sends cannot be started or
///     the user's answer cannot be read (no free descriptor);
///     TELEMETRY_DISABLED. During the pause after a failure nothing is tried and the result
///     is TELEMETRY_ERROR_DELIVERY.
/// @since 0.1.0
@_cdecl("telemetry_flush")
public func telemetryFlush(collector: UnsafeMutablePointer<telemetry_collector>?, timeout_ms: UInt32)
    -> telemetry_status
{
    guard let collector, Gate.isOpenForMetrics(collector) else { return TELEMETRY_DISABLED }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) {
        Collector.from(collector).flush(timeoutMilliseconds: timeout_ms)
    }
}

/// Ends a collector: delivers what it can within the timeout, leaves the rest in the spool for the
/// next run, and frees the handle, whatever it returns.
///
/// Threads: the last call on the collector. No other thread may use the handle during or after it.
/// Blocking: up to `timeout_ms`, and at most 50 ms more.
///
/// @param timeout_ms  Longest time to wait, in milliseconds. 0: leave everything in the spool.
/// @return As telemetry_flush(). NULL: TELEMETRY_DISABLED.
/// @since 0.1.0
@_cdecl("telemetry_close")
public func telemetryClose(collector: UnsafeMutablePointer<telemetry_collector>?, timeout_ms: UInt32)
    -> telemetry_status
{
    guard let collector else { return TELEMETRY_DISABLED }
    return onCallersThread { Collector.from(collector).close(timeoutMilliseconds: timeout_ms) }
}

/// Erases everything that waits, in memory and in the spool, of all processes of the tool, without
/// sending it. The events are counted as withdrawn. A second call changes nothing.
///
/// Threads: any number at once.
/// Blocking: up to a second, if another process holds the spool.
///
/// @return TELEMETRY_OK; TELEMETRY_ERROR_TIMEOUT if another process held the spool for a second;
///     TELEMETRY_DISABLED.
/// @since 0.1.0
@_cdecl("telemetry_drop")
public func telemetryDrop(collector: UnsafeMutablePointer<telemetry_collector>?) -> telemetry_status {
    guard let collector, Gate.isOpen(collector) else { return TELEMETRY_DISABLED }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) { Collector.from(collector).drop() }
}

/// Reads the counters of events. telemetry_get_span_statistics() has those of spans, and `telemetry
/// status` those of metrics too.
///
/// Threads: any number at once.
/// Blocking: reads the spool's directory.
///
/// @param statistics  Set its `size` to sizeof(telemetry_statistics). Nothing beyond that is
///     written, so a program that was built against an older header works too.
/// @return TELEMETRY_OK; TELEMETRY_DISABLED (and all counters 0); TELEMETRY_ERROR_ARGUMENT for NULL
///     or a size of 0; TELEMETRY_ERROR_SYSTEM if the spool cannot be read now (no free descriptor,
///     another user's files), TELEMETRY_ERROR_MEMORY if the process has no memory: the counters are
///     not complete.
/// @since 0.1.0
@_cdecl("telemetry_get_statistics")
public func telemetryGetStatistics(
    collector: UnsafeMutablePointer<telemetry_collector>?, statistics: UnsafeMutablePointer<telemetry_statistics>?
) -> telemetry_status {
    fill(statistics, collector) { $0.statistics(status: &$1) }
}

/// Reads the counters of spans, as telemetry_get_statistics() does those of events: what it says of
/// events is said of spans. Spans that are open are in none of them.
///
/// Threads: any number at once.
/// Blocking: reads the spool's directory.
///
/// @return As telemetry_get_statistics(); TELEMETRY_DISABLED also if the author takes no spans.
/// @since 0.1.0
@_cdecl("telemetry_get_span_statistics")
public func telemetryGetSpanStatistics(
    collector: UnsafeMutablePointer<telemetry_collector>?, statistics: UnsafeMutablePointer<telemetry_statistics>?
) -> telemetry_status {
    fill(statistics, collector) { $0.spanStatistics(status: &$1) }
}

/// `read`: nil: nothing is recorded.
private func fill(
    _ statistics: UnsafeMutablePointer<telemetry_statistics>?, _ collector: UnsafeMutablePointer<telemetry_collector>?,
    _ read: (Collector, inout telemetry_status) -> telemetry_statistics?
) -> telemetry_status {
    guard let statistics, statistics.pointee.size >= MemoryLayout<Int>.size else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread {
        var status = Allocation.isAvailable ? TELEMETRY_OK : TELEMETRY_ERROR_MEMORY
        var result = telemetry_statistics()
        if status == TELEMETRY_OK {
            let counted = collector.flatMap { read(Collector.from($0), &status) }
            // Reading may have shown that consent is gone.
            if let counted, Gate.isOpen(collector) { result = counted } else { status = TELEMETRY_DISABLED }
        }
        result.size = statistics.pointee.size
        let size = min(statistics.pointee.size, MemoryLayout<telemetry_statistics>.size)
        UnsafeMutableRawPointer(statistics).copyMemory(from: &result, byteCount: size)
        return status
    }
}

/// Gives the text of the last failure of delivery, without a secret in it. `telemetry status` shows the
/// same.
///
/// Threads: any number at once.
/// Blocking: none; before the first event of this collector, reads the spool's state.
///
/// @param buffer  Receives the text, cut to `size` and always terminated. May be NULL if `size` is
///     0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole text without its terminator; 0: the last delivery went well, there was
///     none, telemetry is off, or NULL.
/// @since 0.1.0
@_cdecl("telemetry_last_error")
public func telemetryLastError(
    collector: UnsafePointer<telemetry_collector>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        write(
            collector.map { Collector.from(UnsafeMutablePointer(mutating: $0)).lastError } ?? "", to: buffer, size)
    }
}

/// Describes the backend in one line, without a secret in it. If telemetry is off, the line begins with
/// that and with who decided. The text of telemetry_options_set_backend_info() comes before the
/// receivers, which are always named.
///
/// Threads: any number at once.
/// Blocking: none; if consent was withdrawn while the program ran, reads the files that decide about it.
///
/// @param buffer  Receives the text, cut to `size` and always terminated. May be NULL if `size` is
///     0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole text without its terminator; 0 for NULL.
/// @since 0.1.0
@_cdecl("telemetry_backend_info")
public func telemetryBackendInfo(
    collector: UnsafePointer<telemetry_collector>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        guard let collector else { return write("", to: buffer, size) }
        return write(Collector.from(UnsafeMutablePointer(mutating: collector)).reportedBackendInfo, to: buffer, size)
    }
}
