// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Records data points into the metrics of their tools.
final class MetricsIntake: MetricsTaker {
    private let tools: ToolCollectors
    private let tally: IntakeTally
    private var tool: OpenTool?
    private var resource = StreamDigest()
    private var scope = StreamDigest()
    private var metric = MetricHead()
    private var metricName: UnsafePointer<CChar>?
    private var unit = ""
    /// What the points of the present metric go into, once that is known: of a histogram for these bounds.
    private var intake: MetricIntake?
    /// Of it, what is kept for each audience.
    private var parts: [(audience: Audience, intake: MetricIntake)] = []
    private var bounds: [Double]?
    /// They were looked for in what is kept for the user's own receivers alone.
    private var isForOwn = false
    /// Metrics of the present resource that were looked for and not found: each of them costs a look at all that there are.
    private var misses = 0
    private static let mostMisses = 256
    /// Why the points that come are refused; nil: those of a whole resource are.
    private var refusal: IntakeRefusal?

    init(_ tools: ToolCollectors, _ tally: IntakeTally) {
        self.tools = tools
        self.tally = tally
    }

    func begin(_ resource: OTLPResource, _ attributes: AttributeGathering) -> Bool {
        tool = tally.open(
            tools, resource, takes: { $0.takesMetrics }, isSafe: { $0.keeps(.metrics) })
        refusal = nil
        misses = 0
        self.resource = resource.digest
        attributes.hasDigest = true
        attributes.keepsErrors = tool?.collector.options.collectsErrors == true
        return tool != nil
    }

    func begin(scope: StreamDigest) { self.scope = scope }

    func countRefused() { if let refusal { tally.refuse(refusal) } else { tally.countRefused() } }

    func begin(_ metric: MetricHead, _ arena: TextArena) -> Bool {
        self.metric = metric
        intake = nil
        bounds = nil
        unit = metric.unit.string
        metricName = arena.cString(metric.name, Self.nameBytes)
        refusal = Self.refusal(of: metric, hasName: metricName != nil && metricName?.pointee != 0)
        return refusal == nil
    }

    private static let nameBytes = 256
    /// Of a histogram: more cannot be told.
    private static let mostValues = UInt64(Int64.max)

    private static func refusal(of metric: MetricHead, hasName: Bool) -> IntakeRefusal? {
        if !hasName { return .metricName }
        switch metric.kind {
        case .none: return .metricValue
        case .summary: return .metricSummary
        case .gauge: return nil
        case .sum, .histogram, .exponential:
            let isKnown = metric.temporality == MetricHead.delta || metric.temporality == MetricHead.cumulative
            return isKnown ? nil : .metricTemporality
        }
    }

    // MARK: points

    func take(_ point: PointHead, _ number: PointNumber, _ attributes: AttributeGathering) {
        if point.hasNoValue { return tally.accept() }
        let state: StreamState
        switch number {
        case .none: return tally.refuse(.metricValue)
        case .int(let value): state = .int(value)
        case .double(let value):
            guard value.isFinite else { return tally.refuse(.metricValue) }
            state = .double(value)
        }
        let type: MetricType = metric.kind == .gauge ? .gauge : metric.isMonotonic ? .counter : .upDownCounter
        record(point, state, type, [], attributes)
    }

    func take(_ point: PointHead, _ histogram: HistogramPoint, _ attributes: AttributeGathering) {
        if point.hasNoValue { return tally.accept() }
        var counts = histogram.counts
        // "bucket_counts and explicit_bounds may both be empty": one bucket.
        if counts.isEmpty && histogram.bounds.isEmpty { counts = [histogram.count] }
        var received = ReceivedHistogram(counts: counts)
        received.sum = histogram.sum
        received.low = histogram.low
        received.high = histogram.high
        guard !histogram.isTooLong, counts.count == histogram.bounds.count &+ 1, received.total == histogram.count,
            histogram.count <= Self.mostValues,
            histogram.count == 0 || histogram.sum?.isFinite == true
        else { return tally.refuse(.metricValue) }
        if received.sum == nil { received.sum = 0 }
        record(point, .histogram(received), .histogram, histogram.bounds, attributes)
    }

    func take(_ point: PointHead, _ histogram: ExponentialPoint, _ attributes: AttributeGathering) {
        if point.hasNoValue { return tally.accept() }
        let received = ReceivedExponential(
            scale: histogram.scale, zeroCount: histogram.zeroCount, zeroThreshold: histogram.zeroThreshold,
            positive: histogram.positive, negative: histogram.negative, sum: histogram.sum, min: histogram.low,
            max: histogram.high)
        guard !histogram.isTooLong, received.count == histogram.count, histogram.count <= Self.mostValues,
            histogram.count == 0 || histogram.sum?.isFinite == true
        else { return tally.refuse(.metricValue) }
        record(point, .exponential(received), .exponentialHistogram, [], attributes)
    }

    private func record(
        _ point: PointHead, _ state: StreamState, _ type: MetricType, _ bounds: [Double],
        _ attributes: AttributeGathering
    ) {
        if tally.isForLater { return }
        guard let tool else { return countRefused() }
        let isFollowed = type != .gauge && metric.temporality != MetricHead.delta
        let digest = isFollowed ? digest(point, type, bounds, attributes) : StreamDigest()
        // Where the tool declares no metrics, a name is made by what is recorded, and by nothing else.
        let isForOwn = !tool.declaresMetrics && !isRecorded(point, type, digest, .author, tool, isFollowed)
        if isForOwn && !isRecorded(point, type, digest, .own, tool, isFollowed) {
            return countUnrecorded(point, state, type, digest, tool, isFollowed)
        }
        if isForOwn && isFollowed {
            _ = tool.streams(.author)?.step(digest, point, state, isMonotonic: type != .upDownCounter)
        }
        guard find(tool, type, bounds, isForOwn: isForOwn) else { return countRefused() }
        var result = Outcome.status(TELEMETRY_DISABLED)
        // What is kept for one of them depends on nothing that the other has agreed to.
        for part in parts {
            let outcome =
                isFollowed
                ? follow(point, state, type, digest, part, tool, attributes)
                : add(point, state, type, part, tool, attributes)
            if case .status(TELEMETRY_DISABLED) = result { result = outcome }
        }
        switch result {
        case .refused(let why): tally.refuse(why)
        case .nothing: tally.accept()
        case .status(TELEMETRY_ERROR_ARGUMENT): tally.refuse(.metricValue)
        case .status(let status): tally.add(status)
        }
    }

    /// Something of it is added for that audience.
    private func isRecorded(
        _ point: PointHead, _ type: MetricType, _ digest: StreamDigest, _ audience: Audience, _ tool: OpenTool,
        _ isFollowed: Bool
    ) -> Bool {
        guard isFollowed else { return !tool.isEarly(audience, Self.begin(point, type)) }
        guard let streams = tool.streams(audience) else { return false }
        return streams.grows(digest, point)
    }

    /// For nobody: it is noted how far the stream was followed, and that is all.
    private func countUnrecorded(
        _ point: PointHead, _ state: StreamState, _ type: MetricType, _ digest: StreamDigest, _ tool: OpenTool,
        _ isFollowed: Bool
    ) {
        guard isFollowed else { return tally.refuse(.beforeConsent) }
        var why: IntakeRefusal? = .noConsent
        for audience in [Audience.own, .author] {
            guard let streams = tool.streams(audience) else { continue }
            if case .tooMany = streams.step(digest, point, state, isMonotonic: type != .upDownCounter) {
                why = .streamCount
            } else {
                why = nil
            }
        }
        if let why { tally.refuse(why) } else { tally.accept() }
    }

    private enum Outcome {
        case status(telemetry_status)
        case nothing
        case refused(IntakeRefusal)
    }

    private typealias Part = (audience: Audience, intake: MetricIntake)

    /// A delta has what happened from its start on. Nothing tells what one without a start and a time has, as with values
    /// of StatsD.
    private func add(
        _ point: PointHead, _ state: StreamState, _ type: MetricType, _ part: Part, _ tool: OpenTool,
        _ attributes: AttributeGathering
    ) -> Outcome {
        if tool.isEarly(part.audience, Self.begin(point, type)) { return .refused(.beforeConsent) }
        return .status(part.intake.record(state.increase(type), attributes.first, attributes.count))
    }

    private static func begin(_ point: PointHead, _ type: MetricType) -> UInt64 {
        type == .gauge || point.start == 0 ? point.time : point.start
    }

    private func follow(
        _ point: PointHead, _ state: StreamState, _ type: MetricType, _ digest: StreamDigest, _ part: Part,
        _ tool: OpenTool, _ attributes: AttributeGathering
    ) -> Outcome {
        guard let streams = tool.streams(part.audience) else { return .status(TELEMETRY_DISABLED) }
        switch streams.step(digest, point, state, isMonotonic: type != .upDownCounter) {
        case .tooMany: return .refused(.streamCount)
        case .nothing: return .nothing
        case .grown(let grown):
            guard streams.hasRoom(digest, state) else { return .status(TELEMETRY_ERROR_DROPPED) }
            let status = part.intake.record(grown.increase(type), attributes.first, attributes.count)
            if status == TELEMETRY_OK || status == TELEMETRY_ADJUSTED { streams.keep(digest, point, state) }
            return .status(status)
        }
    }

    /// What tells this stream from all others. Another start is another stream.
    private func digest(
        _ point: PointHead, _ type: MetricType, _ bounds: [Double], _ attributes: AttributeGathering
    ) -> StreamDigest {
        var state = DigestState()
        state.add(resource)
        state.add(scope)
        state.add(metric.name)
        state.add(metric.unit)
        state.add(UInt64(type.rawValue))
        state.add(attributes.digest)
        state.add(point.start)
        for bound in bounds { state.add(bound.bitPattern) }
        return state.digest
    }

    /// False, with the refusal: there is no such metric.
    private func find(_ tool: OpenTool, _ type: MetricType, _ bounds: [Double], isForOwn: Bool) -> Bool {
        if intake != nil, self.isForOwn == isForOwn, type != .histogram || self.bounds == bounds { return true }
        guard let collector = isForOwn ? tool.collector.keepsForOwn : tool.collector else {
            refusal = .noConsent
            return false
        }
        if misses >= Self.mostMisses { refusal = .metricCount }
        guard let metricName, misses < Self.mostMisses else { return false }
        refusal = nil
        switch MetricIntake.find(collector, metricName, type, unit: unit, bounds: bounds) {
        case .metric(let found):
            intake = found
            self.bounds = bounds
            self.isForOwn = isForOwn
            parts = []
            for audience in [Audience.author, .own] {
                if let part = found.part(for: audience) { parts.append((audience, part)) }
            }
            return true
        case .notDeclared: refusal = .undeclared
        case .otherType: refusal = .metricType
        case .otherBounds: refusal = .metricBounds
        case .malformed: refusal = .metricName
        case .tooMany: refusal = .metricCount
        case .disabled: refusal = .noConsent
        case .noMemory: refusal = .noRoom
        }
        misses &+= 1
        return false
    }
}

extension StreamState {
    fileprivate func increase(_ type: MetricType) -> ReceivedIncrease {
        switch self {
        case .int(let value): return .one(type == .gauge ? .set(Double(value)) : .add(value))
        case .double(let value): return .one(type == .gauge ? .set(value) : .addNumber(value))
        case .histogram(let histogram): return .histogram(histogram)
        case .exponential(let histogram): return .exponential(histogram)
        }
    }
}
