// SPDX-License-Identifier: Apache-2.0

/// Writes an ExportMetricsServiceRequest, as protobuf or in protobuf's JSON: opentelemetry/proto/metrics/v1/metrics.proto.
/// Fields are written in the order of their numbers.
package struct OTLPMetrics: ~Copyable {
    /// Where a request ended, because it was full. The same in every copy of a snapshot.
    package struct Position: Equatable {
        var family = 0
        var series = 0

        package static var start: Position { Position() }

        func isBefore(_ other: Position?) -> Bool {
            guard let other else { return true }
            return family == other.family ? series < other.series : family < other.family
        }
    }

    /// The points of the request.
    package private(set) var pointCount = 0

    private var message: OTLPMessage
    private var isComplete = true
    /// The metric that is being written; nil: it has no point yet.
    private var open: (metric: Int, data: Int)?
    private var interval: SnapshotInterval?
    private var time: UInt64 = 0
    private var end: Position?
    /// No point is added to a request of this size.
    private let fullBytes: Int

    /// A request should have at most 4 MiB.
    package static let usualBytes = 3 << 20

    package init(isJSON: Bool, fullBytes: Int = OTLPMetrics.usualBytes) {
        self.init(isJSON: isJSON, fullBytes: fullBytes, nil)
    }

    init(isJSON: Bool, fullBytes: Int = OTLPMetrics.usualBytes, _ service: OTLPService?) {
        message = OTLPMessage(isJSON: isJSON, service)
        self.fullBytes = fullBytes
    }

    var byteCount: Int { message.count }

    /// The request. Nil: memory ran out. Valid until the next change.
    package var bytes: UnsafeRawBufferPointer? { isComplete ? message.bytes : nil }

    /// `time`: when the snapshot was made. With an interval, counters and histograms say what was recorded in it, and
    /// those that did not change are left out. `end`: nothing from there on is written. Returns where the next request
    /// begins; nil: this is the last one.
    package mutating func write(
        _ snapshot: MetricSnapshot, _ source: MetricSource, time: Int64, interval: SnapshotInterval? = nil,
        from position: Position = .start, upTo end: Position? = nil
    ) -> Position? {
        self.interval = interval
        self.end = end
        self.time = UInt64(max(0, time))
        pointCount = 0
        isComplete = Allocation.isAvailable
        guard isComplete else { return nil }
        message.begin()
        message.beginList("resourceMetrics")
        let resourceMetrics = message.begin(0x0A, "")
        source.name.withUnsafeBytes { name in
            source.version.withUnsafeBytes { version in
                message.resource(name, version, hasSDK: true, instance: source.instance(of: snapshot))
            }
        }
        message.beginList("scopeMetrics")
        let scopeMetrics = message.begin(0x12, "")
        message.scope()
        message.beginList("metrics")
        let next = writeMetrics(snapshot, from: position)
        message.endList()
        message.end(scopeMetrics)
        message.endList()
        message.end(resourceMetrics)
        message.endList()
        message.end()
        return next
    }

    private mutating func writeMetrics(_ snapshot: MetricSnapshot, from position: Position) -> Position? {
        var at = position
        while at.family < snapshot.families.count, at.isBefore(end) {
            if let stop = write(snapshot.families[at.family], snapshot, from: at) { return stop }
            at = Position(family: at.family &+ 1, series: 0)
        }
        return nil
    }

    // MARK: metrics

    /// Returns where the next request begins; nil: all of the metric is written.
    private mutating func write(_ family: MetricFamily, _ snapshot: MetricSnapshot, from position: Position)
        -> Position?
    {
        var number = 0
        var stop: Position?
        snapshot.forEachSeries(of: family) { series in
            let here = Position(family: position.family, series: number)
            if number >= position.series && stop == nil && here.isBefore(end) {
                if message.count >= fullBytes && pointCount > 0 {
                    stop = here
                } else {
                    write(series, family, snapshot)
                }
            }
            number &+= 1
        }
        end(family)
        return stop
    }

    private func isDelta(_ family: MetricFamily) -> Bool {
        switch family.type {
        case .counter, .histogram, .exponentialHistogram: interval != nil
        case .upDownCounter, .gauge: false
        }
    }

    private mutating func begin(_ family: MetricFamily) {
        pointCount &+= 1
        if open != nil { return }
        let metric = message.begin(0x12, "")
        message.text(0x0A, "name", family.name)
        if family.description.count > 0 { message.text(0x12, "description", family.description) }
        if family.unit.count > 0 { message.text(0x1A, "unit", family.unit) }
        let data =
            switch family.type {
            case .gauge: message.begin(0x2A, "gauge")
            case .counter, .upDownCounter: message.begin(0x3A, "sum")
            case .histogram: message.begin(0x4A, "histogram")
            case .exponentialHistogram: message.begin(0x52, "exponentialHistogram")
            }
        message.beginList("dataPoints")
        open = (metric, data)
    }

    private mutating func end(_ family: MetricFamily) {
        guard let open else { return }
        message.endList()
        if family.type != .gauge {
            // DELTA and CUMULATIVE.
            message.number(0x10, "aggregationTemporality", isDelta(family) ? 1 : 2)
        }
        if family.type == .counter { message.flag(0x18, "isMonotonic", true) }
        message.end(open.data)
        message.end(open.metric)
        self.open = nil
    }

    // MARK: points

    private mutating func write(_ series: SeriesView, _ family: MetricFamily, _ snapshot: MetricSnapshot) {
        let before = isDelta(family) ? interval?.earlier?.state(of: series, in: snapshot) : nil
        switch family.type {
        case .gauge, .upDownCounter: writeNumber(series, family, before: nil)
        case .counter: writeNumber(series, family, before: before)
        case .histogram: writeHistogram(series, family, before: before)
        case .exponentialHistogram: writeExponential(series, family, before: before)
        }
    }

    private mutating func writeNumber(_ series: SeriesView, _ family: MetricFamily, before: SeriesView?) {
        let integer = series.integer &- (before?.integer ?? 0)
        let number = series.number - (before?.number ?? 0)
        // In a damaged file a counter may have become smaller.
        if isDelta(family) && (integer == 0 && number == 0 || integer < 0 || number < 0) { return }
        begin(family)
        let point = message.begin(0x0A, "")
        writeTimes(series, family)
        if family.type != .gauge && number == 0 {
            message.signedFixed64(0x31, "asInt", integer)
        } else {
            message.double(0x21, "asDouble", family.type == .gauge ? number : Double(integer) + number)
        }
        writeAttributes(0x3A, series)
        message.end(point)
    }

    private mutating func writeHistogram(_ series: SeriesView, _ family: MetricFamily, before: SeriesView?) {
        if let before, (0...family.boundCount).contains(where: { series.bucket($0) < before.bucket($0) }) { return }
        let count = series.observations &- (before?.observations ?? 0)
        if isDelta(family) && count == 0 { return }
        begin(family)
        let point = message.begin(0x0A, "")
        writeTimes(series, family)
        if count > 0 { message.fixed64(0x21, "count", count) }
        if !series.mayFall(family) { message.double(0x29, "sum", series.number - (before?.number ?? 0)) }
        message.beginPacked(0x32, "bucketCounts", family.boundCount &+ 1)
        for index in 0...family.boundCount { message.packed(series.bucket(index) &- (before?.bucket(index) ?? 0)) }
        message.endPacked()
        if family.boundCount > 0 {
            message.beginPacked(0x3A, "explicitBounds", family.boundCount)
            for index in 0..<family.boundCount { message.packed(family.bound(index)) }
            message.endPacked()
        }
        writeExemplars(0x42, series, family)
        writeAttributes(0x4A, series)
        // The extremes since an earlier snapshot are not known, unless there was nothing before.
        if count > 0 && before?.observations ?? 0 == 0 && series.low.isFinite && series.high.isFinite {
            message.double(0x59, "min", series.low)
            message.double(0x61, "max", series.high)
        }
        message.end(point)
    }

    private mutating func writeExponential(_ series: SeriesView, _ family: MetricFamily, before: SeriesView?) {
        var counts = series.exponential
        if let before {
            // In a damaged file a count may have become smaller.
            guard let since = counts.since(before.exponential) else { return }
            counts = since
        }
        if isDelta(family) && counts.count == 0 { return }
        begin(family)
        let point = message.begin(0x0A, "")
        writeAttributes(0x0A, series)
        writeTimes(series, family)
        if counts.count > 0 { message.fixed64(0x21, "count", counts.count) }
        if let sum = counts.sum, !series.mayFall(family) { message.double(0x29, "sum", sum) }
        if counts.scale != 0 { message.signed(0x30, "scale", Int32(truncatingIfNeeded: counts.scale)) }
        if counts.zeroCount > 0 { message.fixed64(0x39, "zeroCount", counts.zeroCount) }
        write(0x42, "positive", counts.positive)
        write(0x4A, "negative", counts.negative)
        writeExemplars(0x5A, series, family)
        if let min = counts.min, let max = counts.max, min.isFinite, max.isFinite {
            message.double(0x61, "min", min)
            message.double(0x69, "max", max)
        }
        message.end(point)
    }

    private mutating func write(_ tag: UInt8, _ name: StaticString, _ buckets: ExponentialBuckets) {
        if buckets.counts.isEmpty { return }
        let start = message.begin(tag, name)
        if buckets.offset != 0 { message.signed(0x08, "offset", buckets.offset) }
        message.varints(0x12, "bucketCounts", buckets.counts)
        message.end(start)
    }

    private mutating func writeTimes(_ series: SeriesView, _ family: MetricFamily) {
        // The clock may have been set back.
        if family.type != .gauge {
            let start = isDelta(family) ? interval?.start ?? 0 : series.created
            message.fixed64(0x11, "startTimeUnixNano", min(time, UInt64(max(0, start))))
        }
        message.fixed64(0x19, "timeUnixNano", time)
    }

    /// Those of values that are in the point.
    private mutating func writeExemplars(_ tag: UInt8, _ series: SeriesView, _ family: MetricFamily) {
        var exemplars = series.exemplars(family)
        if let interval, interval.earlier != nil { exemplars.removeAll { $0.time < interval.start } }
        if exemplars.isEmpty { return }
        message.beginList("exemplars")
        for exemplar in exemplars { write(exemplar, tag) }
        message.endList()
    }

    private mutating func write(_ exemplar: Exemplar, _ tag: UInt8) {
        let start = message.begin(tag, "")
        message.fixed64(0x11, "timeUnixNano", UInt64(max(0, exemplar.time)))
        message.double(0x19, "asDouble", exemplar.value)
        withUnsafeBytes(of: exemplar.spanID.bigEndian) { message.id(0x22, "spanId", $0) }
        exemplar.traceID.withBytes { message.id(0x2A, "traceId", $0) }
        message.end(start)
    }

    private mutating func writeAttributes(_ tag: UInt8, _ series: SeriesView) {
        var rest = series.attributes
        if rest.count == 0 { return }
        message.beginAttributes(tag)
        while rest.count > 0, let attribute = AttributeView.next(&rest) {
            message.attribute("", attribute.key, attribute.value)
        }
        message.endList()
    }
}
