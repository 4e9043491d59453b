// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What a metric's data are. Texts are in the arena or in the body.
struct MetricHead {
    enum Kind: UInt64 { case none, gauge, sum, histogram, exponential, summary }

    var name = OTLPText.empty
    var unit = OTLPText.empty
    var kind = Kind.none
    /// metrics.proto, `AggregationTemporality`
    var temporality: Int32 = 0
    var isMonotonic = false

    static let delta: Int32 = 1
    static let cumulative: Int32 = 2
}

struct PointHead {
    var start: UInt64 = 0
    var time: UInt64 = 0
    var flags: UInt64 = 0

    /// metrics.proto, `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`
    var hasNoValue: Bool { flags & 1 != 0 }
}

enum PointNumber {
    case none
    case int(Int64)
    case double(Double)
}

struct HistogramPoint {
    /// More than a metric's histogram can have are not kept, and `isTooLong` says so.
    static let mostBounds = 256
    var count: UInt64 = 0
    var sum: Double?
    var low: Double?
    var high: Double?
    var counts: [UInt64] = []
    var bounds: [Double] = []
    var isTooLong = false
}

struct ExponentialPoint {
    static let mostBuckets = 2048
    var count: UInt64 = 0
    var sum: Double?
    var low: Double?
    var high: Double?
    var scale: Int32 = 0
    var zeroCount: UInt64 = 0
    var zeroThreshold = 0.0
    var positive = ReceivedExponential.Buckets()
    var negative = ReceivedExponential.Buckets()
    var isTooLong = false
}

/// What happens with the data points of a request.
protocol MetricsTaker: AnyObject {
    /// False: its points are only counted.
    func begin(_ resource: OTLPResource, _ attributes: AttributeGathering) -> Bool
    func begin(scope: StreamDigest)
    /// False: its points are refused, and counted already.
    func begin(_ metric: MetricHead, _ arena: TextArena) -> Bool
    func take(_ point: PointHead, _ number: PointNumber, _ attributes: AttributeGathering)
    func take(_ point: PointHead, _ histogram: HistogramPoint, _ attributes: AttributeGathering)
    func take(_ point: PointHead, _ histogram: ExponentialPoint, _ attributes: AttributeGathering)
    /// A point of a resource or a metric that is not taken.
    func countRefused()
}

/// opentelemetry/proto/metrics/v1/metrics.proto, `ExportMetricsServiceRequest`
enum MetricsReader {
    // MARK: checking

    /// Reads all of it, and keeps nothing.
    static func check<Source: OTLPSource>(_ source: inout Source) {
        source.eachField(.metricsRequest) { source, field in
            guard field == 1 else { return source.skip() }
            source.message(.resourceMetrics) { source, field in
                switch field {
                case 1: source.checkResource()
                case 2:
                    source.message(.scopeMetrics) { source, field in
                        switch field {
                        case 1: source.checkScope()
                        case 2: checkMetric(&source)
                        case 3: _ = source.text(0)
                        default: source.skip()
                        }
                    }
                case 3: _ = source.text(0)
                default: source.skip()
                }
            }
        }
    }

    private static func checkMetric<Source: OTLPSource>(_ source: inout Source) {
        source.message(.metric) { source, field in
            switch field {
            case 1, 2, 3: _ = source.text(0)
            case 5, 7, 9, 10, 11: checkData(&source, field)
            case 12: source.keyValue(nil)
            default: source.skip()
            }
        }
    }

    private static func checkData<Source: OTLPSource>(_ source: inout Source, _ kind: UInt32) {
        let (type, _) = data(kind)
        source.message(type) { source, field in
            switch field {
            case 1:
                switch kind {
                case 9: checkHistogram(&source)
                case 10: checkExponential(&source)
                case 11: checkSummary(&source)
                default: checkNumber(&source)
                }
            case 2 where kind != 5 && kind != 11: _ = source.enumeration()
            case 3 where kind == 7: _ = source.bool()
            default: source.skip()
            }
        }
    }

    private static func checkNumber<Source: OTLPSource>(_ source: inout Source) {
        source.message(.numberPoint) { source, field in
            switch field {
            case 2, 3: _ = source.fixed64()
            case 4: _ = source.double()
            case 5: checkExemplar(&source)
            case 6: _ = source.signedFixed64()
            case 7: source.keyValue(nil)
            case 8: _ = source.unsigned()
            default: source.skip()
            }
        }
    }

    private static func checkHistogram<Source: OTLPSource>(_ source: inout Source) {
        source.message(.histogramPoint) { source, field in
            switch field {
            case 2, 3, 4: _ = source.fixed64()
            case 5, 11, 12: _ = source.double()
            case 6: source.eachFixed64 { _ in }
            case 7: source.eachDouble { _ in }
            case 8: checkExemplar(&source)
            case 9: source.keyValue(nil)
            case 10: _ = source.unsigned()
            default: source.skip()
            }
        }
    }

    private static func checkExponential<Source: OTLPSource>(_ source: inout Source) {
        source.message(.exponentialPoint) { source, field in
            switch field {
            case 1: source.keyValue(nil)
            case 2, 3, 4, 7: _ = source.fixed64()
            case 5, 12, 13, 14: _ = source.double()
            case 6: _ = source.zigzag()
            case 8, 9:
                source.message(.buckets) { source, field in
                    switch field {
                    case 1: _ = source.zigzag()
                    case 2: source.eachUnsigned { _ in }
                    default: source.skip()
                    }
                }
            case 10: _ = source.unsigned()
            case 11: checkExemplar(&source)
            default: source.skip()
            }
        }
    }

    private static func checkSummary<Source: OTLPSource>(_ source: inout Source) {
        source.message(.summaryPoint) { source, field in
            switch field {
            case 2, 3, 4: _ = source.fixed64()
            case 5: _ = source.double()
            case 6: source.message(.quantile) { $1 <= 2 ? _ = $0.double() : $0.skip() }
            case 7: source.keyValue(nil)
            case 8: _ = source.unsigned()
            default: source.skip()
            }
        }
    }

    private static func checkExemplar<Source: OTLPSource>(_ source: inout Source) {
        source.message(.exemplar) { source, field in
            switch field {
            case 2: _ = source.fixed64()
            case 3: _ = source.double()
            case 4: _ = source.id(8)
            case 5: _ = source.id(16)
            case 6: _ = source.signedFixed64()
            case 7: source.keyValue(nil)
            default: source.skip()
            }
        }
    }

    private static func data(_ field: UInt32) -> (OTLPMessageType, MetricHead.Kind) {
        switch field {
        case 5: (.gauge, .gauge)
        case 7: (.sum, .sum)
        case 9: (.histogram, .histogram)
        case 10: (.exponentialHistogram, .exponential)
        default: (.summary, .summary)
        }
    }

    // MARK: reading

    static func read<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any MetricsTaker
    ) {
        source.eachField(.metricsRequest) { source, field in
            guard field == 1, let frame = source.enter() else { return source.skip() }
            gathering.arena.cut()
            let isTaken = taker.begin(
                OTLPResource.read(source, .resourceMetrics, gathering.arena), gathering)
            source.eachField(.resourceMetrics) { source, field in
                guard field == 2, let frame = source.enter() else { return source.skip() }
                taker.begin(scope: scope(source, gathering.arena))
                source.eachField(.scopeMetrics) { source, field in
                    guard field == 2 else { return source.skip() }
                    readMetric(&source, gathering, taker, isTaken: isTaken)
                }
                source.leave(frame)
            }
            source.leave(frame)
        }
    }

    private static func scope<Source: OTLPSource>(_ source: Source, _ arena: TextArena) -> StreamDigest {
        var state = DigestState()
        var attributes = StreamDigest()
        source.lookAhead(.scopeMetrics) { source, field in
            guard field == 1 else { return source.skip() }
            source.message(.scope) { source, field in
                let mark = arena.used
                switch field {
                case 1, 2:
                    state.add(UInt64(field))
                    state.add(source.text(OTLPLimits.textBytes) ?? .empty)
                case 3: source.keyValue(arena) { attributes.add($0, $1) }
                default: source.skip()
                }
                arena.cut(to: mark)
            }
        }
        state.add(attributes)
        return state.digest
    }

    /// Twice over its fields: how its points are meant may come after them.
    private static func readMetric<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any MetricsTaker, isTaken: Bool
    ) {
        guard let frame = source.enter() else { return }
        gathering.arena.cut()
        let head = head(source)
        let isTaken = isTaken && taker.begin(head, gathering.arena)
        let mark = gathering.arena.used
        source.eachField(.metric) { source, field in
            guard [5, 7, 9, 10, 11].contains(field) else { return source.skip() }
            let (type, kind) = data(field)
            guard let frame = source.enter() else { return }
            source.eachField(type) { source, field in
                guard field == 1 else { return source.skip() }
                guard isTaken, kind == head.kind else {
                    taker.countRefused()
                    return source.skip()
                }
                gathering.arena.cut(to: mark)
                gathering.removeAll()
                readPoint(&source, kind, gathering, taker)
            }
            source.leave(frame)
        }
        source.leave(frame)
    }

    private static func head<Source: OTLPSource>(_ source: Source) -> MetricHead {
        var head = MetricHead()
        source.lookAhead(.metric) { source, field in
            switch field {
            case 1: head.name = source.text(OTLPLimits.textBytes) ?? head.name
            case 3: head.unit = source.text(OTLPLimits.textBytes) ?? head.unit
            case 5, 7, 9, 10, 11:
                let (type, kind) = data(field)
                head.kind = kind
                var (temporality, isMonotonic) = (head.temporality, head.isMonotonic)
                source.message(type) { source, field in
                    if field == 2, kind != .gauge, kind != .summary {
                        temporality = source.enumeration() ?? temporality
                    } else if field == 3, kind == .sum {
                        isMonotonic = source.bool() ?? isMonotonic
                    } else {
                        source.skip()
                    }
                }
                (head.temporality, head.isMonotonic) = (temporality, isMonotonic)
            default: source.skip()
            }
        }
        return head
    }

    private static func readPoint<Source: OTLPSource>(
        _ source: inout Source, _ kind: MetricHead.Kind, _ gathering: AttributeGathering, _ taker: any MetricsTaker
    ) {
        switch kind {
        case .gauge, .sum: readNumber(&source, gathering, taker)
        case .histogram: readHistogram(&source, gathering, taker)
        case .exponential: readExponential(&source, gathering, taker)
        case .none, .summary:
            taker.countRefused()
            source.skip()
        }
    }

    private static func readNumber<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any MetricsTaker
    ) {
        var point = PointHead()
        var number = PointNumber.none
        source.message(.numberPoint) { source, field in
            switch field {
            case 2: point.start = source.fixed64() ?? point.start
            case 3: point.time = source.fixed64() ?? point.time
            case 4: if let value = source.double() { number = .double(value) }
            case 6: if let value = source.signedFixed64() { number = .int(value) }
            case 7: source.keyValue(gathering)
            case 8: point.flags = source.unsigned() ?? point.flags
            default: source.skip()
            }
        }
        taker.take(point, number, gathering)
    }

    private static func readHistogram<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any MetricsTaker
    ) {
        var point = PointHead()
        var histogram = HistogramPoint()
        source.message(.histogramPoint) { source, field in
            switch field {
            case 2: point.start = source.fixed64() ?? point.start
            case 3: point.time = source.fixed64() ?? point.time
            case 4: histogram.count = source.fixed64() ?? histogram.count
            case 5: histogram.sum = source.double() ?? histogram.sum
            case 6:
                source.eachFixed64 {
                    if histogram.counts.count <= HistogramPoint.mostBounds {
                        histogram.counts.append($0)
                    } else {
                        histogram.isTooLong = true
                    }
                }
            case 7:
                source.eachDouble {
                    if histogram.bounds.count < HistogramPoint.mostBounds {
                        histogram.bounds.append($0)
                    } else {
                        histogram.isTooLong = true
                    }
                }
            case 9: source.keyValue(gathering)
            case 10: point.flags = source.unsigned() ?? point.flags
            case 11: histogram.low = source.double() ?? histogram.low
            case 12: histogram.high = source.double() ?? histogram.high
            default: source.skip()
            }
        }
        taker.take(point, histogram, gathering)
    }

    private static func readExponential<Source: OTLPSource>(
        _ source: inout Source, _ gathering: AttributeGathering, _ taker: any MetricsTaker
    ) {
        var point = PointHead()
        var histogram = ExponentialPoint()
        source.message(.exponentialPoint) { source, field in
            switch field {
            case 1: source.keyValue(gathering)
            case 2: point.start = source.fixed64() ?? point.start
            case 3: point.time = source.fixed64() ?? point.time
            case 4: histogram.count = source.fixed64() ?? histogram.count
            case 5: histogram.sum = source.double() ?? histogram.sum
            case 6: histogram.scale = source.zigzag() ?? histogram.scale
            case 7: histogram.zeroCount = source.fixed64() ?? histogram.zeroCount
            case 8: if !readBuckets(&source, &histogram.positive) { histogram.isTooLong = true }
            case 9: if !readBuckets(&source, &histogram.negative) { histogram.isTooLong = true }
            case 10: point.flags = source.unsigned() ?? point.flags
            case 12: histogram.low = source.double() ?? histogram.low
            case 13: histogram.high = source.double() ?? histogram.high
            case 14: histogram.zeroThreshold = source.double() ?? histogram.zeroThreshold
            default: source.skip()
            }
        }
        taker.take(point, histogram, gathering)
    }

    /// False: there are more than are kept.
    private static func readBuckets<Source: OTLPSource>(
        _ source: inout Source, _ buckets: inout ReceivedExponential.Buckets
    ) -> Bool {
        var read = buckets
        var fits = true
        source.message(.buckets) { source, field in
            switch field {
            case 1: read.offset = source.zigzag() ?? read.offset
            case 2:
                source.eachUnsigned {
                    if read.counts.count < ExponentialPoint.mostBuckets { read.counts.append($0) } else { fits = false }
                }
            default: source.skip()
            }
        }
        buckets = read
        return fits
    }
}
