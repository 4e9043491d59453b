// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Declares a metric. A manifest's `metrics:` does the same; if there is one, its list counts, and code adds
/// nothing to it, whichever comes first.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param declaration  Copied.
/// @return TELEMETRY_OK; TELEMETRY_ERROR_UNDECLARED if the manifest's list has no such metric, which is
///     then not recorded; TELEMETRY_ERROR_ARGUMENT, and telemetry_options_error() says what was
///     expected; TELEMETRY_ERROR_MEMORY.
/// @since 0.1.0
@_cdecl("telemetry_options_add_metric")
public func telemetryOptionsAddMetric(
    options: UnsafeMutablePointer<telemetry_options>?, declaration: UnsafePointer<telemetry_metric_declaration>?
) -> telemetry_status {
    guard let declaration, declaration.pointee.size >= MemoryLayout<Int>.size else {
        return configure(options) { options in
            options.fail("metric: no declaration with its size; expected .size = sizeof(telemetry_metric_declaration)")
            return false
        }
    }
    var given = telemetry_metric_declaration()
    let size = min(declaration.pointee.size, MemoryLayout<telemetry_metric_declaration>.size)
    withUnsafeMutableBytes(of: &given) {
        $0.baseAddress.unsafelyUnwrapped.copyMemory(from: UnsafeRawPointer(declaration), byteCount: size)
    }
    guard let options else { return TELEMETRY_ERROR_ARGUMENT }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) { object(UnsafePointer(options)).addMetric(given) }
}

/// Lets a Prometheus server of this machine scrape the tool's metrics, without an HTTP server of the
/// program. Default: nothing listens.
///
/// If metrics are recorded, telemetry_open() listens on the address and starts a thread that answers
/// GET and HEAD of `/metrics` with what telemetry_metrics_write() gives. telemetry_metrics_listener()
/// gives the address. It listens until telemetry_close(). When the user withdraws consent, it ends
/// with the next request, which gets no metrics. A child of fork(2) does not listen. Every user of the
/// machine can connect to a port; to a Unix socket (mode 0600) only this user can.
///
/// Threads: one at a time for the same options.
/// Blocking: none.
///
/// @param address  `127.0.0.1:PORT`, `[::1]:PORT` or `localhost:PORT`, which is 127.0.0.1. Other
///     addresses than those of the loopback interface are refused. Port 0: a free one. Or the absolute
///     path of a Unix socket, with or without `unix:` before it, of at most 107 bytes; a socket that
///     nobody listens on any more is replaced. Copied. NULL or "": nothing listens.
/// @return TELEMETRY_OK; TELEMETRY_ERROR_ARGUMENT, and telemetry_options_error() says what was
///     expected; TELEMETRY_ERROR_MEMORY.
/// @since 0.1.0
@_cdecl("telemetry_options_set_metrics_listener")
public func telemetryOptionsSetMetricsListener(
    options: UnsafeMutablePointer<telemetry_options>?, address: UnsafePointer<CChar>?
) -> telemetry_status {
    configure(options) { $0.setMetricsListener(address.map(PathText.string)) }
}

/// Gives a metric that is declared, in code or in the manifest. A metric that telemetry_count(),
/// telemetry_gauge() or telemetry_observe() has made in this collector is given too.
///
/// Threads: any number at once.
/// Blocking: the first call of a process may make the file of the tool's metrics.
///
/// @param name  Upper and lower case are not told apart.
/// @return The metric. It ends with the collector and is not freed. NULL if nothing is recorded, if
///     there is no such metric, or if there is no memory; every function accepts NULL.
/// @since 0.1.0
@_cdecl("telemetry_metric_find")
public func telemetryMetricFind(collector: UnsafeMutablePointer<telemetry_collector>?, name: UnsafePointer<CChar>?)
    -> UnsafeMutablePointer<telemetry_metric>?
{
    guard let collector, let name, Gate.isOpenForMetrics(collector) else { return nil }
    return onCallersThread { Collector.from(collector).metric(name) }
}

/// Gives one series of a metric, for places where every nanosecond counts.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param attributes  As for telemetry_track().
/// @param count       Number of attributes.
/// @return The series: the same one for the same attributes. It ends with the collector and is not
///     freed. NULL for a NULL metric, if nothing is recorded, or if there is no memory; every
///     function accepts NULL.
/// @since 0.1.0
@_cdecl("telemetry_metric_bind")
public func telemetryMetricBind(
    metric: UnsafeMutablePointer<telemetry_metric>?, attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> UnsafeMutablePointer<telemetry_series>? {
    guard let metric else { return nil }
    return onCallersThread(exhausted: nil) {
        Collector.bind(metric, attributes, count)
    }
}

/// Adds to a counter, an up-down counter or a gauge. When this returns, `kill -9` takes nothing
/// from it.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: none. There is no lock, system call or allocation, except in the first call for a
///     series and in one call every two milliseconds, which looks at the file.
///
/// @param value       A counter takes no negative one.
/// @param attributes  As for telemetry_track(). Each combination of them is a series.
/// @param count       Number of attributes.
/// @return TELEMETRY_OK; TELEMETRY_ADJUSTED if an attribute was shortened or left out, or if it was
///     added to the overflow series; TELEMETRY_DISABLED for NULL, or if nothing is recorded;
///     TELEMETRY_ERROR_ARGUMENT if the metric does not take the value; TELEMETRY_ERROR_DROPPED.
/// @since 0.1.0
@_cdecl("telemetry_metric_add")
@_optimize(speed)
public func telemetryMetricAdd(
    metric: UnsafeMutablePointer<telemetry_metric>?, value: Int64, attributes: UnsafePointer<telemetry_attribute>?,
    count: Int
) -> telemetry_status {
    guard let metric else { return TELEMETRY_DISABLED }
    return MetricRecording.record(metric, .add(value), attributes, count)
}

/// Adds a floating-point number, as telemetry_metric_add() does.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: as telemetry_metric_add().
///
/// @param value  A counter takes no negative one; NaN and infinities are refused.
/// @return As telemetry_metric_add().
/// @since 0.1.0
@_cdecl("telemetry_metric_add_double")
public func telemetryMetricAddDouble(
    metric: UnsafeMutablePointer<telemetry_metric>?, value: Double, attributes: UnsafePointer<telemetry_attribute>?,
    count: Int
) -> telemetry_status {
    guard let metric else { return TELEMETRY_DISABLED }
    return MetricRecording.record(metric, .addNumber(value), attributes, count)
}

/// Sets a gauge.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: as telemetry_metric_add().
///
/// @param value  NaN and infinities are refused.
/// @return As telemetry_metric_add().
/// @since 0.1.0
@_cdecl("telemetry_metric_set")
public func telemetryMetricSet(
    metric: UnsafeMutablePointer<telemetry_metric>?, value: Double, attributes: UnsafePointer<telemetry_attribute>?,
    count: Int
) -> telemetry_status {
    guard let metric else { return TELEMETRY_DISABLED }
    return MetricRecording.record(metric, .set(value), attributes, count)
}

/// Counts a value in a histogram. If a sampled span is active in this thread, the value may be kept as
/// the exemplar of its bucket, with the span's ids.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: as telemetry_metric_add().
///
/// @param value  NaN and infinities are refused.
/// @return As telemetry_metric_add().
/// @since 0.1.0
@_cdecl("telemetry_metric_observe")
@_optimize(speed)
public func telemetryMetricObserve(
    metric: UnsafeMutablePointer<telemetry_metric>?, value: Double, attributes: UnsafePointer<telemetry_attribute>?,
    count: Int
) -> telemetry_status {
    guard let metric else { return TELEMETRY_DISABLED }
    return MetricRecording.record(metric, .observe(value), attributes, count)
}

/// Adds to a series, as telemetry_metric_add() does.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: none.
///
/// @return As telemetry_metric_add().
/// @since 0.1.0
@_cdecl("telemetry_series_add")
@_optimize(speed)
public func telemetrySeriesAdd(series: UnsafeMutablePointer<telemetry_series>?, value: Int64) -> telemetry_status {
    guard let series else { return TELEMETRY_DISABLED }
    return MetricRecording.add(series, value)
}

/// Adds a floating-point number to a series, as telemetry_metric_add_double() does.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: none.
///
/// @return As telemetry_metric_add().
/// @since 0.1.0
@_cdecl("telemetry_series_add_double")
@_optimize(speed)
public func telemetrySeriesAddDouble(series: UnsafeMutablePointer<telemetry_series>?, value: Double)
    -> telemetry_status
{
    guard let series else { return TELEMETRY_DISABLED }
    return MetricRecording.addNumber(series, value)
}

/// Sets a series of a gauge, as telemetry_metric_set() does.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: none.
///
/// @return As telemetry_metric_add().
/// @since 0.1.0
@_cdecl("telemetry_series_set")
@_optimize(speed)
public func telemetrySeriesSet(series: UnsafeMutablePointer<telemetry_series>?, value: Double) -> telemetry_status {
    guard let series else { return TELEMETRY_DISABLED }
    return MetricRecording.set(series, value)
}

/// Counts a value in a series of a histogram, as telemetry_metric_observe() does.
///
/// Threads: any number at once. Not for signal handlers.
/// Blocking: none.
///
/// @return As telemetry_metric_add().
/// @since 0.1.0
@_cdecl("telemetry_series_observe")
@_optimize(speed)
public func telemetrySeriesObserve(series: UnsafeMutablePointer<telemetry_series>?, value: Double) -> telemetry_status {
    guard let series else { return TELEMETRY_DISABLED }
    return MetricRecording.observe(series, value)
}

/// Writes the tool's metrics as text, for the program's own HTTP server: Prometheus' text format
/// 0.0.4, or OpenMetrics 1.0.0 if the client prefers it.
///
/// Threads: any number at once.
/// Blocking: reads the file of the tool's metrics.
///
/// @param accept        The value of the request's Accept header. NULL: it has none.
/// @param buffer        Receives the text, cut to `size` and always terminated. May be NULL if
///     `size` is 0.
/// @param size          Bytes that `buffer` holds.
/// @param content_type  Receives the value for the answer's Content-Type header; static. May be
///     NULL.
/// @return Length of the whole text without its terminator, which may be more at the next call. 0 if
///     there are no metrics: telemetry is off, or nothing was recorded yet; or if there is no
///     memory.
/// @since 0.1.0
@_cdecl("telemetry_metrics_write")
public func telemetryMetricsWrite(
    collector: UnsafeMutablePointer<telemetry_collector>?, accept: UnsafePointer<CChar>?,
    buffer: UnsafeMutablePointer<CChar>?, size: Int, content_type: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> Int {
    let choice = ExpositionChoice(accept: accept)
    content_type?.pointee = choice.contentType.cString
    if let buffer, size > 0 { buffer.pointee = 0 }
    guard let collector, Gate.isOpenForMetrics(collector) else { return 0 }
    return onCallersThread(exhausted: 0) {
        Collector.from(collector).writeMetrics(choice, buffer, size)
    }
}

/// Gives the address at which metrics can be scraped; see telemetry_options_set_metrics_listener().
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param buffer  Receives a text, cut to `size` and always terminated: the address, for instance
///     `127.0.0.1:9464`, `[::1]:9464` or `unix:/run/mytool.socket`, with the port that was chosen; or
///     after TELEMETRY_ERROR_SYSTEM the reason. May be NULL if `size` is 0.
/// @param size    Bytes that `buffer` holds; 256 are enough for every text.
/// @return TELEMETRY_OK; TELEMETRY_DISABLED if nothing listens, because none was asked for, telemetry
///     is off, or this is a child of fork(2); TELEMETRY_ERROR_SYSTEM if the address cannot be had:
///     another program has it, for instance; TELEMETRY_ERROR_MEMORY.
/// @since 0.1.0
@_cdecl("telemetry_metrics_listener")
public func telemetryMetricsListener(
    collector: UnsafeMutablePointer<telemetry_collector>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> telemetry_status {
    if let buffer, size > 0 { buffer.pointee = 0 }
    guard let collector else { return TELEMETRY_DISABLED }
    return onCallersThread(exhausted: TELEMETRY_ERROR_MEMORY) {
        let (status, text) = Collector.from(collector).listenerAddress
        // A path keeps its bytes.
        let bytes = PathText.bytes(text)
        guard let buffer, size > 0 else { return status }
        let count = min(bytes.count, size - 1)
        for index in 0..<count { buffer[index] = CChar(bitPattern: bytes[index]) }
        buffer[count] = 0
        return status
    }
}

/// Adds to a counter by its name: one line, and no handle. A tool whose manifest declares no metrics
/// need not declare this one.
///
/// Threads: any number at once.
/// Blocking: as telemetry_metric_add(); takes the collector's lock.
///
/// @param by  Not negative.
/// @return As telemetry_metric_add(); TELEMETRY_ERROR_UNDECLARED if the manifest lists the tool's
///     metrics and this one is not in the list, or if another program's manifest has rules for its
///     attributes; TELEMETRY_ERROR_ARGUMENT if a metric of that name is of another type, or for a name
///     that is NULL or malformed; TELEMETRY_ERROR_DROPPED if the collector has 1000 metrics and this
///     would be one more.
/// @since 0.1.0
@_cdecl("telemetry_count")
public func telemetryCount(
    collector: UnsafeMutablePointer<telemetry_collector>?, name: UnsafePointer<CChar>?, by: Int64,
    attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let collector, Gate.isOpenForMetrics(collector) else { return TELEMETRY_DISABLED }
    return MetricRecording.record(collector, name, .add(by), attributes, count)
}

/// Sets a gauge by its name, as telemetry_count() adds.
///
/// Threads: any number at once.
/// Blocking: as telemetry_count().
///
/// @return As telemetry_count().
/// @since 0.1.0
@_cdecl("telemetry_gauge")
public func telemetryGauge(
    collector: UnsafeMutablePointer<telemetry_collector>?, name: UnsafePointer<CChar>?, value: Double,
    attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let collector, Gate.isOpenForMetrics(collector) else { return TELEMETRY_DISABLED }
    return MetricRecording.record(collector, name, .set(value), attributes, count)
}

/// Counts a value in a histogram by its name, as telemetry_count() adds. One that is not declared
/// has bounds for durations in seconds.
///
/// Threads: any number at once.
/// Blocking: as telemetry_count().
///
/// @return As telemetry_count().
/// @since 0.1.0
@_cdecl("telemetry_observe")
public func telemetryObserve(
    collector: UnsafeMutablePointer<telemetry_collector>?, name: UnsafePointer<CChar>?, value: Double,
    attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let collector, Gate.isOpenForMetrics(collector) else { return TELEMETRY_DISABLED }
    return MetricRecording.record(collector, name, .observe(value), attributes, count)
}
