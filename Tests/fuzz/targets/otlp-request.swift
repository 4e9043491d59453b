// sources: Sources/TelemetryAgent/OTLP/OTLPSource.swift Sources/TelemetryAgent/OTLP/OTLPMessageType.swift Sources/TelemetryAgent/OTLP/ProtobufSource.swift Sources/TelemetryAgent/OTLP/JSONSource.swift Sources/TelemetryAgent/OTLP/TextArena.swift Sources/TelemetryAgent/OTLP/AttributeGathering.swift Sources/TelemetryAgent/OTLP/CommonMessages.swift Sources/TelemetryAgent/OTLP/StreamDigest.swift Sources/TelemetryAgent/OTLP/MetricStreams.swift Sources/TelemetryAgent/OTLP/LogsReader.swift Sources/TelemetryAgent/OTLP/SpansReader.swift Sources/TelemetryAgent/OTLP/MetricsReader.swift
import CSystem

@testable import TelemetryCore

/// What a program sends by OTLP. First byte: 0 to 2: logs, traces or metrics in protobuf, 3 to 5: in JSON. What passes the
/// check is read to its end, and everything that is taken out of it is whole.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOTLPRequest(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var input = Input(bytes, size)
    let kind = input.byte() % 6
    let body = input.remaining
    let arena = TextArena()
    if kind < 3 {
        var source = ProtobufSource(body)
        check(kind, &source)
        if source.failure != nil { return 0 }
        var again = ProtobufSource(body)
        again.checksTexts = false
        read(kind, &again, arena)
        precondition(again.failure == nil)
    } else {
        guard JSONSource.isUTF8(body) else { return 0 }
        var source = JSONSource(body, arena)
        check(kind - 3, &source)
        guard source.isAtEnd() else { return 0 }
        precondition(source.failure == nil)
        arena.cut()
        var again = JSONSource(body, arena)
        read(kind - 3, &again, arena)
        precondition(again.failure == nil && again.isAtEnd())
    }
    return 0
}

private func check<Source: OTLPSource>(_ kind: UInt8, _ source: inout Source) {
    switch kind {
    case 0: LogsReader.check(&source)
    case 1: SpansReader.check(&source)
    default: MetricsReader.check(&source)
    }
}

private func read<Source: OTLPSource>(_ kind: UInt8, _ source: inout Source, _ arena: TextArena) {
    let gathering = AttributeGathering(arena)
    gathering.keepsErrors = true
    let taker = Taker(arena)
    switch kind {
    case 0: LogsReader.read(&source, gathering, taker)
    case 1: SpansReader.read(&source, gathering, taker)
    default: MetricsReader.read(&source, gathering, taker)
    }
}

private final class Taker: LogsTaker, SpansTaker, MetricsTaker {
    private let arena: TextArena
    private let streams = MetricStreams(nil, since: 1)
    private var digest = StreamDigest()

    init(_ arena: TextArena) { self.arena = arena }

    private func see(_ text: OTLPText) { touch(UnsafeRawBufferPointer(start: text.start, count: text.count)) }

    private func see(_ value: OTLPValue) {
        if case .string(let text) = value { see(text) }
        if case .nested(let text) = value {
            see(text)
            precondition(text.count <= AttributeGathering.valueBytes + 8)
        }
    }

    private func see(_ resource: OTLPResource) { sink &+= resource.tool.utf8.count &+ resource.version.utf8.count }

    private func see(_ attributes: AttributeGathering) {
        precondition(attributes.count <= AttributeGathering.most && attributes.given >= attributes.count)
        precondition(arena.used <= TextArena.size)
        for index in 0..<attributes.count {
            let attribute = attributes.first[index]
            precondition(attribute.key.map { strlen($0) } ?? 0 > 0)
            if attribute.type == TELEMETRY_STRING { precondition(attribute.value.string.map { strlen($0) } ?? .max <= 3 * 2048 + 32) }
        }
        digest.add(attributes.digest)
    }

    func begin(_ resource: OTLPResource, _ attributes: AttributeGathering) -> Bool {
        see(resource)
        return !resource.tool.utf8.isEmpty
    }

    func begin(_ resource: OTLPResource) -> Bool {
        see(resource)
        return !resource.tool.utf8.isEmpty
    }

    func countRefused() { sink &+= 1 }

    func take(_ record: LogRecord, _ attributes: AttributeGathering) {
        for text in [record.severityText, record.eventName, record.nameAttribute, record.typeAttribute] { see(text) }
        see(record.body)
        see(attributes)
        reached()
    }

    func begin(_ span: SpanHead, _ attributes: AttributeGathering) -> Bool {
        for text in [span.name, span.traceState, span.statusMessage] { see(text) }
        return span.kind != 5
    }

    func take(_ attributes: AttributeGathering) { see(attributes) }

    func take(_ event: SpanEventHead, _ attributes: AttributeGathering) {
        see(event.name)
        see(attributes)
    }

    func take(_ link: SpanLinkHead, _ attributes: AttributeGathering) {
        see(link.traceState)
        see(attributes)
    }

    func end(_ span: SpanHead, _ arena: TextArena) {
        see(span.statusMessage)
        reached()
    }

    func begin(scope: StreamDigest) { digest = scope }

    func begin(_ metric: MetricHead, _ arena: TextArena) -> Bool {
        see(metric.name)
        see(metric.unit)
        return metric.name.count != 3
    }

    /// As a stream: what it has grown by, and what is kept of it in words.
    private func follow(_ point: PointHead, _ state: StreamState) {
        let words = state.words
        precondition(StreamState(words: words)?.words == words)
        if case .grown(let grown) = streams.step(digest, point, state, isMonotonic: true) { sink &+= grown.words.count }
        streams.keep(digest, point, state)
    }

    func take(_ point: PointHead, _ number: PointNumber, _ attributes: AttributeGathering) {
        see(attributes)
        if case .int(let value) = number { follow(point, .int(value)) }
        if case .double(let value) = number, value.isFinite { follow(point, .double(value)) }
        reached()
    }

    func take(_ point: PointHead, _ histogram: HistogramPoint, _ attributes: AttributeGathering) {
        see(attributes)
        precondition(histogram.counts.count <= 257 && histogram.bounds.count <= 256)
        var received = ReceivedHistogram(counts: histogram.counts)
        received.sum = 1
        follow(point, .histogram(received))
        if received.counts.count == 3 {
            let series = Store.histogram
            _ = Store.map?.add(received, to: series, 2)
        }
        reached()
    }

    func take(_ point: PointHead, _ histogram: ExponentialPoint, _ attributes: AttributeGathering) {
        see(attributes)
        let received = ReceivedExponential(
            scale: histogram.scale, zeroCount: histogram.zeroCount, zeroThreshold: histogram.zeroThreshold,
            positive: histogram.positive, negative: histogram.negative, sum: 1, min: histogram.low,
            max: histogram.high)
        follow(point, .exponential(received))
        if let map = Store.map {
            let series = Store.fresh(map)
            if series != 0 {
                _ = map.add(received, to: series)
                _ = map.add(received, to: series)
            }
        }
        reached()
    }
}

/// Series that what is received goes into.
private enum Store {
    static let map = MetricMap.inMemory()

    private static let declarations: (MetricDeclaration, MetricDeclaration) = {
        var histogram = MetricDeclaration(name: "h", type: .histogram)
        histogram.bounds = [1, 2]
        return (histogram, MetricDeclaration(name: "e", type: .exponentialHistogram))
    }()

    static let histogram: Int = {
        var former: UInt64 = 0
        guard let map else { return 0 }
        let metric = map.metric(declarations.0, former: &former)
        return map.overflow(of: metric, declarations.0.shape)
    }()

    /// The store is full after a while, and refuses then.
    static func fresh(_ map: MetricMap) -> Int {
        var former: UInt64 = 0
        let metric = map.metric(declarations.1, former: &former)
        if metric == 0 { return 0 }
        return map.seriesOrOverflow(
            UnsafeRawBufferPointer(start: nil, count: 0), metric, declarations.1.shape, limit: 10
        ).entry
    }
}
