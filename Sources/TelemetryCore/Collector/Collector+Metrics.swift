// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

extension Collector {
    // MARK: metrics by name

    /// The metric of that name. Nil: it is not declared, or nothing is recorded.
    package func metric(_ name: UnsafePointer<CChar>) -> UnsafeMutablePointer<telemetry_metric>? {
        mutex.withLock {
            guard isMetricStoreReady() else { return nil }
            return metrics?.metric(named: name)?.handle
        }
    }

    /// The metric of that name; where a tool declares none, it is made. Nil: it is not declared, is of another type, or
    /// nothing is recorded.
    func metric(_ name: UnsafePointer<CChar>, _ type: MetricType, unit: String = "")
        -> UnsafeMutablePointer<telemetry_metric>?
    {
        mutex.withLock {
            guard isMetricStoreReady(), let metrics else { return nil }
            if let found = metrics.metric(named: name) { return found.handle }
            guard !options.areMetricsDeclared, metrics.metrics.count < MetricLimits.metrics, Allocation.isAvailable,
                let declaration = metrics.undeclared(String(cString: name), type, unit)
            else {
                if let map = metrics.map { MetricMap.count(.refusedMetric, map.base) }
                return nil
            }
            let made = Metric(declaration, handle)
            metrics.add(made)
            return made.handle
        }
    }

    /// With the mutex held. `closely`: the file is looked at, even if that was done a moment ago. False: nothing is
    /// recorded.
    private func isMetricStoreReady(closely: Bool = false) -> Bool {
        guard Gate.isOpen(handle) else { return false }
        if let metrics, let map = metrics.map {
            if !closely && map.isFresh(Clock.coarse()) && MetricMap.isLive(map.base) { return true }
            return isStillConsented() && (map.look() || attachMetrics(metrics))
        }
        guard Allocation.isAvailable else { return false }
        if let metrics { return attachMetrics(metrics) }
        let made = MetricStore()
        metrics = made
        for declaration in options.metrics { made.add(Metric(declaration, handle)) }
        return attachMetrics(made)
    }

    /// With the mutex held. The file is missing, was cut short or withdrawn.
    private func attachMetrics(_ metrics: MetricStore) -> Bool {
        if isDryRun || !metrics.mayReplace {
            metrics.use(MetricMap.inMemory(), nil)
            return metrics.map != nil
        }
        guard isStillConsented(for: Self.freshNanoseconds) else { return false }
        consentChecked = Self.notChecked
        let (shared, failure) = SpoolDirectory.openOrSay(options)
        var problem = failure
        var map: MetricMap?
        if let shared {
            do throws(SystemError) { map = try shared.openMetrics() } catch { problem = error }
            shared.close()
        }
        metrics.use(map ?? MetricMap.inMemory(), map == nil ? problem : nil)
        return isStillConsented() && metrics.map != nil
    }

    // MARK: reading

    /// As much of the text as fits, and its whole length.
    package func writeMetrics(_ choice: ExpositionChoice, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int) -> Int {
        guard let snapshot = metricSnapshot() else { return 0 }
        var text = PrometheusText(choice.format)
        text.write(snapshot, processMetrics)
        guard let bytes = text.bytes, let source = bytes.baseAddress else { return 0 }
        if let buffer, size > 0 {
            let count = min(bytes.count, size - 1)
            memcpy(buffer, source, count)
            buffer[count] = 0
        }
        return bytes.count
    }

    /// H6: of this process, as they are now; empty: the program has not asked for them.
    var processMetrics: [FixedFamily] { options.hasProcessMetrics ? ProcessMetrics.families(.now()) : [] }

    /// Nil: nothing is recorded, or there is no memory.
    private func metricSnapshot() -> MetricSnapshot? {
        let map = mutex.withLock { isMetricStoreReady(closely: true) ? metrics?.map : nil }
        guard let map else { return nil }
        if !map.isShared { return MetricSnapshot.of(map) }
        guard let shared = SpoolDirectory.look(options) else { return nil }
        defer { shared.close() }
        return (try? MetricSnapshot.of(shared.directory, epoch: shared.control.epochNow)) ?? nil
    }

    // MARK: the slow way of recording

    /// The series is not there yet, or it is time to look at the file. Nil attributes: more than a series may have.
    @inline(never)
    func record(
        _ metric: Metric, _ operation: MetricOperation, _ attributes: UnsafeRawBufferPointer?, _ isAdjusted: Bool
    ) -> telemetry_status {
        let caller = csystem_enter()
        mutex.lock()
        defer {
            mutex.unlock()
            csystem_leave(caller)
        }
        guard isMetricStoreReady(closely: true), let map = metrics?.map else { return TELEMETRY_DISABLED }
        let (series, isOverflow) = place(metric, attributes, map)
        let entry = cell(metric, series, map)
        guard entry != 0 else {
            MetricMap.count(.dropped, map.base)
            return TELEMETRY_ERROR_DROPPED
        }
        let isDone = map.apply(
            operation, to: entry, metric.handle.pointee.type, metric.handle.pointee.bounds,
            metric.handle.pointee.bound_count)
        guard let isDone else {
            MetricMap.count(.dropped, map.base)
            return TELEMETRY_ERROR_DROPPED
        }
        if !isDone {
            MetricMap.count(.refusedValue, map.base)
            return TELEMETRY_ERROR_ARGUMENT
        }
        if isOverflow { MetricMap.count(.overflowed, map.base) }
        if isAdjusted { MetricMap.count(.adjusted, map.base) }
        return isAdjusted || isOverflow ? TELEMETRY_ADJUSTED : TELEMETRY_OK
    }

    /// With the mutex held.
    private func place(_ metric: Metric, _ attributes: UnsafeRawBufferPointer?, _ map: MetricMap)
        -> (entry: Int, isOverflow: Bool)
    {
        if Metric.map(metric.handle).pointee.load(ordering: .relaxed) == 0 { metric.attach(to: map) }
        guard Metric.map(metric.handle).pointee.load(ordering: .relaxed) != 0 else { return (0, true) }
        let at = Int(metric.handle.pointee.entry)
        let shape = metric.declaration.shape
        guard let attributes else { return (map.overflow(of: at, shape), true) }
        if let single = MetricStore.withoutRepetition(attributes) {
            return single.withUnsafeBytes {
                map.seriesOrOverflow($0, at, shape, limit: metric.declaration.seriesLimit)
            }
        }
        return map.seriesOrOverflow(attributes, at, shape, limit: metric.declaration.seriesLimit)
    }

    /// With the mutex held. Where the value of a series is: in its entry, or in this process's own block.
    private func cell(_ metric: Metric, _ series: Int, _ map: MetricMap) -> Int {
        if series == 0 || metric.declaration.rule == .last { return series }
        let known = metric.processBlock(of: series)
        if known != 0 { return known }
        if map.isShared, metrics?.lockFile?.isOurs != true {
            guard let shared = SpoolDirectory.openExisting(options) else { return 0 }
            defer { shared.close() }
            metrics?.openLockFile(in: shared.directory)
        }
        guard !map.isShared || metrics?.lockFile != nil else { return 0 }
        let block = map.processBlock(of: series, map.isShared ? metrics?.lockFile : nil)
        if block != 0 { metric.keep(block, of: series) }
        return block
    }

    // MARK: bound series

    package func bind(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ attributes: UnsafePointer<telemetry_attribute>?,
        _ count: Int
    ) -> UnsafeMutablePointer<telemetry_series>? {
        MetricRecording.encoded(metric, attributes, count) { attributes, _ in
            mutex.withLock {
                guard isMetricStoreReady(), let map = metrics?.map else { return nil }
                let metric = Metric.from(metric)
                let bound = metric.bind(attributes ?? MetricMap.overflowKey)
                attach(bound, metric, map)
                return bound.handle
            }
        }
    }

    /// With the mutex held.
    private func attach(_ bound: BoundSeries, _ metric: Metric, _ map: MetricMap) {
        let (series, _) = bound.attributes.withUnsafeBytes { place(metric, $0, map) }
        let entry = cell(metric, series, map)
        if entry != 0 { bound.attach(to: map, entry) }
    }

    /// A bound series whose place has to be found first.
    @inline(never)
    func change(
        _ bound: BoundSeries, _ metric: UnsafeMutablePointer<telemetry_metric>, _ operation: MetricOperation
    ) -> telemetry_status {
        let status = bound.attributes.withUnsafeBytes {
            record(Metric.from(metric), operation, $0, false)
        }
        if status == TELEMETRY_OK || status == TELEMETRY_ADJUSTED {
            mutex.withLock { if let map = metrics?.map { attach(bound, Metric.from(metric), map) } }
        }
        return status
    }
}

extension MetricRecording {
    // MARK: by name

    /// For programs that keep no handle, and for the helper.
    package static func record(
        _ collector: UnsafeMutablePointer<telemetry_collector>, _ name: UnsafePointer<CChar>?,
        _ operation: MetricOperation, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int,
        unit: String = ""
    ) -> telemetry_status {
        guard let name else { return TELEMETRY_ERROR_ARGUMENT }
        let type: MetricType =
            switch operation {
            case .add, .addNumber: .counter
            case .set: .gauge
            case .observe: .histogram
            }
        let caller = csystem_enter()
        let metric = Collector.from(collector).metric(name, type, unit: unit)
        csystem_leave(caller)
        guard let metric else { return Gate.isOpen(collector) ? TELEMETRY_ERROR_UNDECLARED : TELEMETRY_DISABLED }
        return record(metric, operation, attributes, count)
    }
}
