// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

extension Collector {
    // MARK: metrics by name

    /// The metric of that name. Nil: it is not declared, or nothing is recorded.
    package func metric(_ name: UnsafePointer<CChar>) -> UnsafeMutablePointer<telemetry_metric>? {
        let own = ownCollector()?.metric(name)
        let found = mutex.withLock { () -> UnsafeMutablePointer<telemetry_metric>? in
            guard isMetricStoreReady(), let found = metrics?.metric(named: name) else { return nil }
            return found.handle(own)
        }
        return found ?? own
    }

    /// The metric of that name; where a tool declares none, it is made. Nil: there is none, and the status says why.
    func metric(
        _ name: UnsafePointer<CChar>, _ type: MetricType, unit: String = "", bounds: [Double]? = nil
    ) -> NamedMetric {
        let own = ownCollector()?.metric(name, type, unit: unit, bounds: bounds)
        let found = mutex.withLock { () -> NamedMetric in
            guard isMetricStoreReady(), let metrics else { return NamedMetric() }
            if let found = metrics.metric(named: name) { return NamedMetric(found.handle(own?.handle)) }
            guard Allocation.isAvailable else { return NamedMetric(status: TELEMETRY_ERROR_MEMORY) }
            switch options.areMetricsDeclared
                ? .notListed : metrics.undeclared(String(cString: name), type, unit, bounds)
            {
            case .possible(let declaration):
                let made = Metric(declaration, handle)
                metrics.add(made)
                return NamedMetric(made.handle(own?.handle))
            case .notListed: return refused(.refusedMetric, TELEMETRY_ERROR_UNDECLARED)
            case .otherType, .malformed: return refused(.refusedMetric, TELEMETRY_ERROR_ARGUMENT)
            case .tooMany: return refused(.dropped, TELEMETRY_ERROR_DROPPED)
            }
        }
        if found.handle != nil { return found }
        guard let own else { return found }
        return own.handle != nil || found.status == TELEMETRY_DISABLED ? own : found
    }

    /// With the mutex held.
    private func refused(_ count: MetricCount, _ status: telemetry_status) -> NamedMetric {
        mutex.assertHeld()
        if let map = metrics?.map { MetricMap.count(count, map.base) }
        return NamedMetric(status: status)
    }

    /// With the mutex held. `closely`: the file is looked at, even if that was done a moment ago. False: nothing is
    /// recorded.
    func isMetricStoreReady(closely: Bool = false) -> Bool {
        mutex.assertHeld()
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
        mutex.assertHeld()
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
        // What is handed to the agent is in a file, or is refused.
        let other = map != nil || options.role.isAgent ? nil : MetricMap.inMemory()
        metrics.use(map ?? other, map == nil ? problem : nil)
        guard isStillConsented() && metrics.map != nil else { return false }
        startHandingOn()
        return true
    }

    // MARK: reading

    /// As much of the text as fits, and its whole length.
    package func writeMetrics(_ choice: ExpositionChoice, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int) -> Int {
        let own = ownCollector()?.readableSnapshot
        guard let snapshot = own ?? readableSnapshot else { return 0 }
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

    /// Nil also if there is an error.
    private var readableSnapshot: MetricSnapshot? { (try? metricSnapshot()) ?? nil }

    /// Nil: the file is not there any more. An error: nothing is recorded, or it cannot be read.
    func metricSnapshot() throws(SystemError) -> MetricSnapshot? {
        let map = mutex.withLock { isMetricStoreReady(closely: true) ? metrics?.map : nil }
        guard let map else { throw SystemError(code: ENOMEM) }
        if !map.isShared {
            guard let snapshot = MetricSnapshot.of(map) else { throw SystemError(code: ENOMEM) }
            return snapshot
        }
        guard let shared = try SpoolDirectory.openToLook(options) else { return nil }
        defer { shared.close() }
        return try MetricSnapshot.of(shared.directory, epoch: shared.control.epochNow)
    }

    // MARK: the slow way of recording

    /// The series is not there yet, or it is time to look at the file. Nil attributes: more than a series may have.
    @inline(never)
    func record(
        _ metric: Metric, _ operation: MetricOperation, _ attributes: UnsafeRawBufferPointer?, _ isAdjusted: Bool
    ) -> telemetry_status {
        change(metric, attributes, isAdjusted) { map, entry in
            let isDone = map.apply(
                operation, to: entry, metric.handle.pointee.type, metric.handle.pointee.bounds,
                metric.handle.pointee.bound_count)
            if isDone == true { MetricRecording.offerExemplar(operation, map.base + entry, metric.handle) { map } }
            return isDone
        }
    }

    /// `body`: changes the series at that place. False: not with this value; nil: there is no room.
    func change(
        _ metric: Metric, _ attributes: UnsafeRawBufferPointer?, _ isAdjusted: Bool,
        _ body: (MetricMap, _ entry: Int) -> Bool?
    ) -> telemetry_status {
        let caller = csystem_enter()
        mutex.lock()
        defer {
            mutex.unlock()
            csystem_leave(caller)
        }
        guard isMetricStoreReady(closely: true), let map = metrics?.map else {
            return options.role.isAgent && Gate.isOpen(handle) ? TELEMETRY_ERROR_DROPPED : TELEMETRY_DISABLED
        }
        // The child of a fork has no worker yet.
        startHandingOn()
        let (series, isOverflow) = place(metric, attributes, map)
        let entry = cell(metric, series, map)
        guard entry != 0, let isDone = body(map, entry) else {
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
        mutex.assertHeld()
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
        mutex.assertHeld()
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

    package static func bind(
        _ metric: UnsafeMutablePointer<telemetry_metric>, _ attributes: UnsafePointer<telemetry_attribute>?,
        _ count: Int
    ) -> UnsafeMutablePointer<telemetry_series>? {
        let own = metric.pointee.own.flatMap { bind($0, attributes, count) }
        guard Gate.isOpen(metric.pointee.collector) else { return own }
        let found = MetricRecording.encoded(metric, attributes, count) { attributes, _ in
            from(metric.pointee.collector).bind(Metric.from(metric), attributes ?? MetricMap.overflowKey, own)
        }
        return found ?? own
    }

    private func bind(
        _ metric: Metric, _ attributes: UnsafeRawBufferPointer, _ own: UnsafeMutablePointer<telemetry_series>?
    ) -> UnsafeMutablePointer<telemetry_series>? {
        mutex.withLock {
            guard isMetricStoreReady(), let map = metrics?.map else { return nil }
            let bound = metric.bind(attributes)
            attach(bound, metric, map)
            return bound.handle(own)
        }
    }

    /// With the mutex held.
    private func attach(_ bound: BoundSeries, _ metric: Metric, _ map: MetricMap) {
        mutex.assertHeld()
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

/// What a call by name found.
struct NamedMetric {
    var handle: UnsafeMutablePointer<telemetry_metric>?
    /// Without a handle: why there is none.
    var status = TELEMETRY_DISABLED

    init(_ handle: UnsafeMutablePointer<telemetry_metric>? = nil) { self.handle = handle }
    init(status: telemetry_status) { self.status = status }
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
        guard let handle = metric.handle else { return metric.status }
        return record(handle, operation, attributes, count)
    }
}
