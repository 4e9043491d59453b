// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// Records into metrics from the C ABI, for a collector whose gate is open.
package enum MetricRecording {
    /// The result of an operation for the author, and for the user's own receivers.
    private static func both(_ status: telemetry_status, _ own: telemetry_status) -> telemetry_status {
        status == TELEMETRY_DISABLED ? own : status
    }

    // MARK: a bound series

    @inline(__always)
    @_optimize(speed)
    package static func add(_ series: UnsafeMutablePointer<telemetry_series>, _ value: Int64) -> telemetry_status {
        // Looked at first, so that nothing has to be kept over the addition.
        if series.pointee.own != nil { return changeBoth(series, .add(value)) }
        return addOnce(series, value)
    }

    @inline(never)
    private static func changeBoth(
        _ series: UnsafeMutablePointer<telemetry_series>, _ operation: MetricOperation
    ) -> telemetry_status {
        let status = changeOutOfLine(series, operation)
        guard let own = series.pointee.own else { return status }
        return both(status, changeOutOfLine(own, operation))
    }

    @inline(__always)
    private static func addOnce(_ series: UnsafeMutablePointer<telemetry_series>, _ value: Int64) -> telemetry_status {
        let entry = BoundSeries.entry(series).pointee.load(ordering: .acquiring)
        guard let at = UnsafeMutableRawPointer(bitPattern: entry),
            let base = UnsafeMutableRawPointer(bitPattern: series.pointee.store), MetricMap.isLive(base)
        else { return later(series, .add(value)) }
        let type = series.pointee.type
        if type > UInt32(MetricType.upDownCounter.rawValue) { return changeOutOfLine(series, .add(value)) }
        if type == UInt32(MetricType.counter.rawValue) && value < 0 || !MetricCell.add(value, at) {
            return refuse(base)
        }
        return TELEMETRY_OK
    }

    @inline(__always)
    package static func addNumber(_ series: UnsafeMutablePointer<telemetry_series>, _ value: Double) -> telemetry_status
    {
        change(series, .addNumber(value))
    }

    @inline(__always)
    package static func set(_ series: UnsafeMutablePointer<telemetry_series>, _ value: Double) -> telemetry_status {
        change(series, .set(value))
    }

    @inline(__always)
    package static func observe(_ series: UnsafeMutablePointer<telemetry_series>, _ value: Double) -> telemetry_status {
        change(series, .observe(value))
    }

    @inline(__always)
    private static func change(_ series: UnsafeMutablePointer<telemetry_series>, _ operation: MetricOperation)
        -> telemetry_status
    {
        if series.pointee.own != nil { return changeBoth(series, operation) }
        return changeOnce(series, operation)
    }

    @inline(__always)
    private static func changeOnce(_ series: UnsafeMutablePointer<telemetry_series>, _ operation: MetricOperation)
        -> telemetry_status
    {
        let entry = BoundSeries.entry(series).pointee.load(ordering: .acquiring)
        guard let at = UnsafeMutableRawPointer(bitPattern: entry),
            let base = UnsafeMutableRawPointer(bitPattern: series.pointee.store), MetricMap.isLive(base)
        else { return later(series, operation) }
        let isDone = operation.apply(to: at, series.pointee.type, series.pointee.bounds, series.pointee.bound_count) {
            map(series)
        }
        guard let isDone else { return later(series, operation) }
        if !isDone { return refuse(base) }
        if let metric = series.pointee.metric { offerExemplar(operation, at, metric) { map(series) } }
        return TELEMETRY_OK
    }

    @inline(never)
    private static func changeOutOfLine(
        _ series: UnsafeMutablePointer<telemetry_series>, _ operation: MetricOperation
    ) -> telemetry_status {
        changeOnce(series, operation)
    }

    private static func map(_ series: UnsafeMutablePointer<telemetry_series>) -> MetricMap? {
        guard let metric = series.pointee.metric else { return nil }
        let word = Metric.map(metric).pointee.load(ordering: .acquiring)
        return UnsafeRawPointer(bitPattern: word).map { Unmanaged<MetricMap>.fromOpaque($0).takeUnretainedValue() }
    }

    @inline(never)
    private static func later(_ series: UnsafeMutablePointer<telemetry_series>, _ operation: MetricOperation)
        -> telemetry_status
    {
        guard let metric = series.pointee.metric, Gate.isOpen(metric.pointee.collector) else {
            return TELEMETRY_DISABLED
        }
        return Collector.from(metric.pointee.collector).change(BoundSeries.from(series), metric, operation)
    }

    @inline(never)
    private static func refuse(_ base: UnsafeMutableRawPointer) -> telemetry_status {
        MetricMap.count(.refusedValue, base)
        return TELEMETRY_ERROR_ARGUMENT
    }

    // MARK: a metric and attributes

    /// Adds to the metric, and to what is kept of it for the user's own receivers.
    @inline(__always)
    package static func record(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ operation: MetricOperation,
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        if metric.pointee.own != nil { return recordBoth(metric, operation, attributes, count) }
        return recordOnce(metric, operation, attributes, count)
    }

    @inline(never)
    private static func recordBoth(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ operation: MetricOperation,
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        let status = recordOutOfLine(metric, operation, attributes, count)
        guard let own = metric.pointee.own else { return status }
        return both(status, recordOutOfLine(own, operation, attributes, count))
    }

    /// Not also to what is kept of it for the user's own receivers.
    package static func recordAlone(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ operation: MetricOperation,
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        recordOutOfLine(metric, operation, attributes, count)
    }

    @inline(never)
    private static func recordOutOfLine(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ operation: MetricOperation,
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        recordOnce(metric, operation, attributes, count)
    }

    @inline(__always)
    private static func recordOnce(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ operation: MetricOperation,
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        guard Gate.isOpen(metric.pointee.collector) else { return TELEMETRY_DISABLED }
        if let place = find(metric, attributes, count),
            let status = record(operation, metric, place.map, place.entry)
        {
            return status
        }
        return recordSlowly(metric, operation, attributes, count)
    }

    /// Nil: more room is needed first.
    @inline(__always)
    static func record(
        _ operation: MetricOperation, _ metric: UnsafeMutablePointer<telemetry_metric>, _ map: UnsafeRawPointer,
        _ entry: UnsafeMutableRawPointer
    ) -> telemetry_status? {
        let map = Unmanaged<MetricMap>.fromOpaque(map)
        guard let isDone = apply(operation, entry, metric, { map.takeUnretainedValue() }) else { return nil }
        if !isDone { return map._withUnsafeGuaranteedRef { refuse($0.base) } }
        offerExemplar(operation, entry, metric) { map.takeUnretainedValue() }
        return TELEMETRY_OK
    }

    /// Something may be recorded, and the metric's place is in that map, as it was when a series was found in it.
    @inline(__always)
    static func isReady(_ metric: UnsafeMutablePointer<telemetry_metric>, _ map: UnsafeRawPointer, _ now: Int64) -> Bool
    {
        guard Gate.isOpen(metric.pointee.collector),
            Metric.map(metric).pointee.load(ordering: .acquiring) == UInt(bitPattern: map)
        else { return false }
        return Unmanaged<MetricMap>.fromOpaque(map)._withUnsafeGuaranteedRef {
            $0.isFresh(now) && MetricMap.isLive($0.base)
        }
    }

    @inline(never)
    private static func recordSlowly(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ operation: MetricOperation,
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        encoded(metric, attributes, count) { attributes, isAdjusted in
            Collector.from(metric.pointee.collector).record(Metric.from(metric), operation, attributes, isAdjusted)
        }
    }

    /// Runs `body` with the attributes as they are stored, redacted and checked. Nil: they are longer than a series may
    /// have. The flag: something was shortened or left out.
    @inline(never)
    static func encoded<Result>(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ attributes: UnsafePointer<telemetry_attribute>?,
        _ count: Int, _ body: (UnsafeRawBufferPointer?, Bool) -> Result
    ) -> Result {
        guard let attributes, count > 0 else { return body(UnsafeRawBufferPointer(start: nil, count: 0), count != 0) }
        return measured(metric, attributes, count, isRedacted: false) { plan in
            if plan.pointee.suspects != 0 { return redacted(metric, attributes, count, plan.pointee.suspects, body) }
            return written(attributes, count, plan, body)
        }
    }

    /// C7: a copy without what looks like a secret.
    @inline(never)
    private static func redacted<Result>(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ attributes: UnsafePointer<telemetry_attribute>,
        _ count: Int, _ suspects: UInt64, _ body: (UnsafeRawBufferPointer?, Bool) -> Result
    ) -> Result {
        let caller = csystem_enter()
        defer { csystem_leave(caller) }
        var event = RedactedEvent(Collector.from(metric.pointee.collector).redactor)
        let copies = event.attributes(attributes, count, suspects: suspects)
        return withExtendedLifetime(event) {
            copies.withUnsafeBufferPointer { copies in
                let attributes = copies.baseAddress.unsafelyUnwrapped
                return measured(metric, attributes, copies.count, isRedacted: true) {
                    written(attributes, copies.count, $0, body)
                }
            }
        }
    }

    @inline(__always)
    private static func measured<Result>(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ attributes: UnsafePointer<telemetry_attribute>,
        _ count: Int, isRedacted: Bool, _ body: (UnsafePointer<RecordPlan>) -> Result
    ) -> Result {
        let rules = metric.pointee.rules?.assumingMemoryBound(to: RegisteredEvent.self)
        return RecordPlan.ofAttributes(attributes, count, rules, isRedacted: isRedacted, body)
    }

    @inline(__always)
    private static func written<Result>(
        _ attributes: UnsafePointer<telemetry_attribute>, _ count: Int, _ plan: UnsafePointer<RecordPlan>,
        _ body: (UnsafeRawBufferPointer?, Bool) -> Result
    ) -> Result {
        let length = plan.pointee.attributesLength
        if length > MetricLimits.attributeBytes { return body(nil, true) }
        return withUnsafeTemporaryAllocation(byteCount: max(1, length), alignment: 8) { area in
            let target = area.baseAddress.unsafelyUnwrapped
            var position = 0
            RecordEncoder.writeAttributes(attributes, count, plan, target, &position)
            let isAdjusted = plan.pointee.isAdjusted || plan.pointee.refusedCount > 0
            return body(UnsafeRawBufferPointer(start: target, count: length), isAdjusted)
        }
    }

    /// The series is there already: nothing but a look-up. Nil: the slow way must be taken. What is in the store has
    /// passed all checks before, and redaction.
    @inline(never)
    @_optimize(speed)
    static func find(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ attributes: UnsafePointer<telemetry_attribute>?,
        _ count: Int
    ) -> (map: UnsafeRawPointer, entry: UnsafeMutableRawPointer)? {
        let word = Metric.map(metric).pointee.load(ordering: .acquiring)
        guard !metric.pointee.is_of_processes, let opaque = UnsafeRawPointer(bitPattern: word) else { return nil }
        return Unmanaged<MetricMap>.fromOpaque(opaque)._withUnsafeGuaranteedRef { map in
            // In this order: a file that was cut short must not be touched.
            guard map.isFresh(Clock.coarse()), MetricMap.isLive(map.base) else { return nil }
            let at = map.series(attributes, count, Int(metric.pointee.entry), Metric.shape(metric))
            return at == 0 ? nil : (opaque, map.base + at)
        }
    }

    /// What is added to a counter does not go through all other cases.
    @inline(__always)
    private static func apply(
        _ operation: MetricOperation, _ entry: UnsafeMutableRawPointer,
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ map: () -> MetricMap?
    ) -> Bool? {
        let type = metric.pointee.type
        if case .add(let value) = operation, type <= UInt32(MetricType.upDownCounter.rawValue) {
            return (type != UInt32(MetricType.counter.rawValue) || value >= 0) && MetricCell.add(value, entry)
        }
        return operation.apply(to: entry, type, metric.pointee.bounds, metric.pointee.bound_count, map)
    }
}

extension MetricRecording {
    // MARK: exemplars

    /// The value that was recorded may be the exemplar of its bucket, if a span is active in this thread, or the process
    /// runs in one.
    @inline(__always)
    static func offerExemplar(
        _ operation: MetricOperation, _ entry: UnsafeMutableRawPointer, _ metric: UnsafePointer<telemetry_metric>,
        _ map: () -> MetricMap?
    ) {
        guard case .observe(let value) = operation,
            let span = SpanRecording.named(for: metric.pointee.collector), let map = map()
        else { return }
        keepExemplar(value, span, entry, metric, map)
    }

    /// OpenTelemetry's filter `trace_based`: of spans that are sampled.
    @inline(never)
    private static func keepExemplar(
        _ value: Double, _ span: UnsafePointer<csystem_span>, _ entry: UnsafeMutableRawPointer,
        _ metric: UnsafePointer<telemetry_metric>, _ map: MetricMap
    ) {
        guard let context = span.pointee.context, context.isSampled, !span.pointee.leaves_no_exemplar else { return }
        let exemplar = Exemplar(value: value, time: Clock.realtime(), traceID: context.traceID, spanID: context.spanID)
        map.keep(exemplar, entry, Metric.shape(metric), metric.pointee.bounds)
    }
}
