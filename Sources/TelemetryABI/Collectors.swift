import CSystem
import TelemetryCore

/// Opens a collector. Asks for consent nowhere: it looks at what the user has already decided, and
/// without consent every function on the handle does nothing. Until the first event nothing is
/// created, opened or started; with telemetry_options_set_heartbeat() this call may record it.
///
/// @param options  Copied; may be freed at once.
/// @return The collector, to be ended with telemetry_close(). NULL for NULL options or when out of
///         memory, and every function accepts that.
///
/// Reads the user's preference file. Never prints.
@_cdecl("telemetry_open")
public func telemetryOpen(options: UnsafePointer<telemetry_options>?) -> UnsafeMutablePointer<telemetry_collector>? {
    guard let options else { return nil }
    return onCallersThread(exhausted: nil) {
        let collector = Collector.open(object(options))
        collector.startHeartbeat()
        return collector.handle
    }
}

/// Whether events are being recorded now. It can change from true to false while the program runs,
/// within a second of the user withdrawing consent.
///
/// Thread-safe, does not block; false for NULL.
@_cdecl("telemetry_enabled")
public func telemetryEnabled(collector: UnsafePointer<telemetry_collector>?) -> Bool {
    guard let collector, Gate.isOpen(collector) else { return false }
    return onCallersThread { Collector.from(UnsafeMutablePointer(mutating: collector)).isEnabled }
}

/// Delivers now what waits, and waits for it.
///
/// @param timeout_ms  Longest time to wait, in milliseconds; kept whatever the network does.
/// @return TELEMETRY_OK; TELEMETRY_ERROR_TIMEOUT or TELEMETRY_ERROR_DELIVERY, and the events are
///         kept; TELEMETRY_DISABLED. While the backoff after a failure lasts, nothing is tried and
///         the answer is TELEMETRY_ERROR_DELIVERY.
///
/// Thread-safe. Blocks, up to the timeout.
@_cdecl("telemetry_flush")
public func telemetryFlush(collector: UnsafeMutablePointer<telemetry_collector>?, timeout_ms: UInt32) -> telemetry_status {
    guard let collector, Gate.isOpen(collector) else { return TELEMETRY_DISABLED }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) { Collector.from(collector).flush(timeoutMilliseconds: timeout_ms) }
}

/// Ends a collector: delivers what it can within the timeout, leaves the rest in the spool for the
/// next run, and frees the handle, whatever it returns. No other thread may use the handle any more.
///
/// @param timeout_ms  Longest time to wait, in milliseconds. 0: leave everything in the spool.
/// @return As telemetry_flush(). NULL: TELEMETRY_DISABLED.
///
/// Blocks, up to the timeout (and at most 50 ms more).
@_cdecl("telemetry_close")
public func telemetryClose(collector: UnsafeMutablePointer<telemetry_collector>?, timeout_ms: UInt32) -> telemetry_status {
    guard let collector else { return TELEMETRY_DISABLED }
    return onCallersThread { Collector.from(collector).close(timeoutMilliseconds: timeout_ms) }
}

/// Erases everything that waits, in memory and in the spool, of all processes of the tool, without
/// sending it. The events are counted as withdrawn. Idempotent.
///
/// @return TELEMETRY_OK; TELEMETRY_ERROR_TIMEOUT if another process held the spool for a second;
///         TELEMETRY_DISABLED.
///
/// Thread-safe.
@_cdecl("telemetry_drop")
public func telemetryDrop(collector: UnsafeMutablePointer<telemetry_collector>?) -> telemetry_status {
    guard let collector, Gate.isOpen(collector) else { return TELEMETRY_DISABLED }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) { Collector.from(collector).drop() }
}

/// Reads the counters.
///
/// @param statistics  Its `size` set to sizeof(telemetry_statistics); nothing beyond that is
///                    written, so that a program built against an older header stays right.
/// @return TELEMETRY_OK; TELEMETRY_DISABLED (and all counters 0); TELEMETRY_ERROR_ARGUMENT for NULL
///         or a size of 0; TELEMETRY_ERROR_SYSTEM if the spool cannot be read now (for want of a
///         descriptor, or as another user), TELEMETRY_ERROR_MEMORY if the process has no memory: the
///         counters are not all there.
///
/// Thread-safe. Reads the spool's directory.
@_cdecl("telemetry_get_statistics")
public func telemetryGetStatistics(
    collector: UnsafeMutablePointer<telemetry_collector>?, statistics: UnsafeMutablePointer<telemetry_statistics>?
) -> telemetry_status {
    guard let statistics, statistics.pointee.size >= MemoryLayout<Int>.size else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread {
        var status = Allocation.isAvailable ? TELEMETRY_OK : TELEMETRY_ERROR_MEMORY
        var result = status != TELEMETRY_OK ? telemetry_statistics() : collector.map { Collector.from($0).statistics(status: &status) } ?? telemetry_statistics()
        if !Gate.isOpen(collector) {
            status = TELEMETRY_DISABLED
            result = telemetry_statistics()
        }
        result.size = statistics.pointee.size
        let size = min(statistics.pointee.size, MemoryLayout<telemetry_statistics>.size)
        UnsafeMutableRawPointer(statistics).copyMemory(from: &result, byteCount: size)
        return status
    }
}

/// Describes the backend in one line, without a secret in it.
///
/// @param buffer  Receives the text, cut to `size` and always terminated. May be NULL if `size` is 0.
/// @param size    Bytes that `buffer` holds.
/// @return Length of the whole text without its terminator; 0 for NULL.
///
/// Thread-safe.
@_cdecl("telemetry_backend_info")
public func telemetryBackendInfo(
    collector: UnsafePointer<telemetry_collector>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        guard let collector else { return write("", to: buffer, size) }
        return write(Collector.from(UnsafeMutablePointer(mutating: collector)).backendInfo, to: buffer, size)
    }
}
