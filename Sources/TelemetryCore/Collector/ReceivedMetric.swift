// SPDX-License-Identifier: Apache-2.0
import CSystem

/// By how much a stream of another program has grown, or what a gauge of it shows.
package enum ReceivedIncrease {
    case one(MetricOperation)
    /// Counts of the metric's own buckets.
    case histogram(ReceivedHistogram)
    case exponential(ReceivedExponential)
}

/// The metric of a tool that a stream of another program goes into.
package struct MetricIntake {
    package enum Outcome {
        case metric(MetricIntake)
        case notDeclared
        /// It is there with another type.
        case otherType(MetricType)
        /// It is there with other bounds.
        case otherBounds
        case malformed
        case tooMany
        case disabled
        case noMemory
    }

    private let handle: UnsafeMutablePointer<telemetry_metric>
    /// Not also into what is kept for the other audience.
    private var isAlone = false

    private init(handle: UnsafeMutablePointer<telemetry_metric>, isAlone: Bool = false) {
        self.handle = handle
        self.isAlone = isAlone
    }

    /// What is kept of it for that audience. Nil: nothing is.
    package func part(for audience: Audience) -> MetricIntake? {
        let isFirst = Collector.from(handle.pointee.collector).options.audience == audience
        guard let found = isFirst ? handle : handle.pointee.own, isFirst || audience == .own,
            found.pointee.type == handle.pointee.type
        else { return nil }
        return MetricIntake(handle: found, isAlone: true)
    }

    /// `bounds`: of a histogram.
    package static func find(
        _ collector: Collector, _ name: UnsafePointer<CChar>, _ type: MetricType, unit: String, bounds: [Double]
    ) -> Outcome {
        guard Gate.isOpenForMetrics(collector.handle) else { return .disabled }
        let found = collector.metric(name, type, unit: unit, bounds: type == .histogram ? bounds : nil)
        guard let handle = found.handle else { return outcome(of: found.status) }
        let known = MetricType(rawValue: UInt8(truncatingIfNeeded: handle.pointee.type)) ?? .counter
        if known != type { return .otherType(known) }
        if type == .histogram && !hasBounds(handle, bounds) { return .otherBounds }
        return .metric(MetricIntake(handle: handle))
    }

    /// A metric of one of `types`. Where the tool declares none, one of the first type is made.
    package static func find(
        _ collector: Collector, _ name: UnsafePointer<CChar>, oneOf types: [MetricType], unit: String
    ) -> Outcome {
        guard let first = types.first, Gate.isOpenForMetrics(collector.handle) else { return .disabled }
        let found = collector.metric(name, first, unit: unit)
        guard let handle = found.handle else { return outcome(of: found.status) }
        let known = MetricType(rawValue: UInt8(truncatingIfNeeded: handle.pointee.type)) ?? .counter
        return types.contains(known) ? .metric(MetricIntake(handle: handle)) : .otherType(known)
    }

    private static func outcome(of status: telemetry_status) -> Outcome {
        switch status {
        case TELEMETRY_ERROR_UNDECLARED: .notDeclared
        case TELEMETRY_ERROR_ARGUMENT: .malformed
        case TELEMETRY_ERROR_DROPPED: .tooMany
        case TELEMETRY_ERROR_MEMORY: .noMemory
        default: .disabled
        }
    }

    private static func hasBounds(_ handle: UnsafeMutablePointer<telemetry_metric>, _ bounds: [Double]) -> Bool {
        guard handle.pointee.bound_count == bounds.count else { return false }
        guard let known = handle.pointee.bounds else { return bounds.isEmpty }
        for (index, bound) in bounds.enumerated() where known[index] != bound { return false }
        return true
    }

    /// The worst of what happens for the author and for the user's own receivers.
    package func record(
        _ operation: MetricOperation, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        isAlone
            ? MetricRecording.recordAlone(handle, operation, attributes, count)
            : MetricRecording.record(handle, operation, attributes, count)
    }

    /// The same.
    package func record(
        _ increase: ReceivedIncrease, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        if case .one(let operation) = increase { return record(operation, attributes, count) }
        let status = Self.merge(handle, increase, attributes, count)
        guard !isAlone, let own = handle.pointee.own, own.pointee.type == handle.pointee.type else { return status }
        let other = Self.merge(own, increase, attributes, count)
        return status == TELEMETRY_DISABLED ? other : status
    }

    /// A value of a histogram that counts so many times.
    package func observe(
        _ value: Double, times: UInt64, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        if times == 0 || !value.isFinite { return TELEMETRY_ERROR_ARGUMENT }
        if times == 1 { return MetricRecording.record(handle, .observe(value), attributes, count) }
        let (sum, type) = (value * Double(times), MetricType(rawValue: UInt8(truncatingIfNeeded: handle.pointee.type)))
        if type == .exponentialHistogram {
            let counted = ReceivedExponential(value, times: times, sum: sum)
            return record(.exponential(counted), attributes, count)
        }
        guard type == .histogram else { return TELEMETRY_ERROR_ARGUMENT }
        let boundCount = handle.pointee.bound_count
        var counts = [UInt64](repeating: 0, count: boundCount + 1)
        var bucket = 0
        while let bounds = handle.pointee.bounds, bucket < boundCount, value > bounds[bucket] { bucket += 1 }
        counts[min(bucket, boundCount)] = times
        var counted = ReceivedHistogram(counts: counts)
        (counted.sum, counted.low, counted.high) = (sum, value, value)
        return record(.histogram(counted), attributes, count)
    }

    /// Where what was recorded with these attributes is. Nil: it has to be found out each time.
    package func place(_ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int) -> MetricPlace? {
        guard !isAlone, let first = MetricPlace.Part(handle, attributes, count) else { return nil }
        guard let own = handle.pointee.own else { return MetricPlace(first: first, own: nil) }
        // It may need more room for one and not for the other.
        if own.pointee.type == UInt32(MetricType.exponentialHistogram.rawValue) { return nil }
        return MetricPlace.Part(own, attributes, count).map { MetricPlace(first: first, own: $0) }
    }

    private static func merge(
        _ handle: UnsafeMutablePointer<telemetry_metric>, _ increase: ReceivedIncrease,
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        guard Gate.isOpen(handle.pointee.collector) else { return TELEMETRY_DISABLED }
        return MetricRecording.encoded(handle, attributes, count) { attributes, isAdjusted in
            Collector.from(handle.pointee.collector).change(Metric.from(handle), attributes, isAdjusted) { map, entry in
                switch increase {
                case .histogram(let histogram): map.add(histogram, to: entry, handle.pointee.bound_count)
                case .exponential(let histogram): map.add(histogram, to: entry)
                case .one: false
                }
            }
        }
    }
}

/// Where a series is: for the author, and for the user's own receivers. It is as good as the collector that it is of.
package struct MetricPlace {
    fileprivate struct Part {
        let metric: UnsafeMutablePointer<telemetry_metric>
        let map: UnsafeRawPointer
        let entry: UnsafeMutableRawPointer

        init?(
            _ metric: UnsafeMutablePointer<telemetry_metric>, _ attributes: UnsafePointer<telemetry_attribute>?,
            _ count: Int
        ) {
            guard let found = MetricRecording.find(metric, attributes, count) else { return nil }
            self.metric = metric
            map = found.map
            entry = found.entry
        }
    }

    fileprivate let first: Part
    fileprivate let own: Part?

    /// `now`: of the coarse clock, from a moment ago. Nil: nothing was done. It is time to look at the file, or the series is
    /// not there any more.
    @inline(__always)
    package func record(_ operation: MetricOperation, now: Int64) -> telemetry_status? {
        guard MetricRecording.isReady(first.metric, first.map, now) else { return nil }
        guard let own else { return MetricRecording.record(operation, first.metric, first.map, first.entry) }
        guard MetricRecording.isReady(own.metric, own.map, now),
            let status = MetricRecording.record(operation, first.metric, first.map, first.entry)
        else { return nil }
        _ = MetricRecording.record(operation, own.metric, own.map, own.entry)
        return status
    }
}
