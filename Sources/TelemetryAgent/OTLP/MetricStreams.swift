// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A cumulative stream, as far as it was followed.
struct FollowedStream {
    /// When its last point was made, as its sender says.
    var time: UInt64
    /// When that was received.
    var seen: Int64
    /// Its last point.
    var state: StreamState
    /// It has values that were not counted, and they may be its extremes.
    var isPartial: Bool
}

/// How far the cumulative streams of one tool's programs have been followed. What they have grown by since is what is added
/// to the tool's metrics. Kept in a file, so that an agent that begins anew adds nothing twice.
final class MetricStreams {
    /// Of one tool: each is a series of one process.
    static let most = 4096
    /// A stream that ended so long ago makes room for another one.
    private static let forgottenNanoseconds: Int64 = 600_000_000_000

    private var streams: [StreamDigest: FollowedStream] = [:]
    private let file: ReceivedStreamsFile?
    /// A stream that began before, or had its last point before, has values from before consent: only what it grows by later
    /// counts.
    private let since: Int64
    private let now: () -> Int64
    /// Streams that made room for others had their last points until then. One that began later is none of them.
    private var forgotten: Int64 = 0
    /// No stream ends before that: when the one was heard of that has been silent for longest.
    private var longestSilent: Int64 = 0
    private var isChanged = false
    /// Of all streams, as they are written.
    private var words = 1

    /// `file`: nil: they are forgotten with this process. `since`: consent has held without a gap from then on.
    init(_ file: ReceivedStreamsFile?, since: Int64, now: @escaping () -> Int64 = Clock.realtime) {
        self.file = file
        self.now = now
        switch file?.read() {
        case .words(let words)?:
            self.since = since
            if !load(words) { (isChanged, forgotten) = (true, now()) }
        case .unusable?:
            // What was followed is not known: nothing is added twice.
            self.since = max(since, now())
        case .absent?, nil:
            self.since = since
        }
    }

    /// There is room in the file for how far this stream is followed then. False: what it adds must not be recorded, because the next
    /// agent would record it again.
    func hasRoom(_ digest: StreamDigest, _ state: StreamState) -> Bool {
        file?.prepare(words &+ Self.headWords &+ state.wordCount) ?? true
    }

    enum Step {
        /// What it has grown by.
        case grown(StreamState)
        /// Its values until now are from before the user's answer, or it is a point that was counted already.
        case nothing
        case tooMany
    }

    /// It adds something: `step` says what.
    func grows(_ digest: StreamDigest, _ point: PointHead) -> Bool {
        guard let known = streams[digest] else {
            return Int64(clamping: point.start) > forgotten && point.start > 0
                && Int64(clamping: point.start) >= since
        }
        return point.time > known.time && Int64(clamping: known.time) >= since && known.seen >= since
    }

    /// What a point of a cumulative stream adds. `keep` must be called when that is recorded.
    func step(_ digest: StreamDigest, _ point: PointHead, _ state: StreamState, isMonotonic: Bool) -> Step {
        if let known = streams[digest] {
            // Sent again, or late: it is in a later one.
            if point.time <= known.time { return .nothing }
            // It may have grown during a no.
            guard grows(digest, point) else {
                keep(digest, point, state, isPartial: true)
                return .nothing
            }
            // Otherwise it has begun again, and its sender does not say so.
            let grown = state.since(known.state, isMonotonic: isMonotonic) ?? state
            return .grown(known.isPartial ? grown.withoutExtremes : grown)
        }
        let isNew = grows(digest, point)
        if streams.count >= Self.most && !forgetOne() { return .tooMany }
        if isNew { return .grown(state) }
        keep(digest, point, state, isPartial: true)
        return .nothing
    }

    func keep(_ digest: StreamDigest, _ point: PointHead, _ state: StreamState, isPartial: Bool = false) {
        let isPartial = isPartial || streams[digest]?.isPartial == true
        let former = streams.updateValue(
            FollowedStream(time: point.time, seen: now(), state: state, isPartial: isPartial), forKey: digest)
        words &+= state.wordCount &- (former.map { $0.state.wordCount } ?? -Self.headWords)
        isChanged = true
    }

    /// The one that has been silent for longest, if that is long enough.
    private func forgetOne() -> Bool {
        let oldest = now() &- Self.forgottenNanoseconds
        if longestSilent > oldest { return false }
        guard let found = streams.min(by: { $0.value.seen < $1.value.seen }) else { return false }
        longestSilent = found.value.seen
        if longestSilent > oldest { return false }
        streams[found.key] = nil
        words &-= Self.headWords &+ found.value.state.wordCount
        forgotten = max(forgotten, found.value.seen, Int64(clamping: found.value.time))
        isChanged = true
        return true
    }

    // MARK: the file

    /// After a request: what was recorded is not recorded again by the next agent.
    func save() {
        guard let file else { return }
        defer { file.release() }
        guard isChanged, Allocation.isAvailableForPass else { return }
        var checked = 0
        var words = [UInt64(bitPattern: forgotten)]
        for (digest, stream) in streams {
            // For the words as they grow, and for their bytes.
            if words.count &- checked >= Self.checkedWords {
                guard Allocation.isAvailable(for: 32 &* words.count) else { return }
                checked = words.count
            }
            words += [digest.high, digest.low, stream.time, UInt64(bitPattern: stream.seen)]
            let state = stream.state.words
            words += [stream.isPartial ? 1 : 0, UInt64(state.count)]
            words += state
        }
        // What cannot be written now is written after the next request.
        isChanged = !file.write(words)
    }

    private static let checkedWords = 8 << 10
    private static let headWords = 6

    private func load(_ words: [UInt64]) -> Bool {
        guard let first = words.first else { return false }
        forgotten = Int64(bitPattern: first)
        var rest = words.dropFirst()
        while rest.count >= Self.headWords, streams.count < Self.most {
            let head = Array(rest.prefix(Self.headWords))
            rest = rest.dropFirst(Self.headWords)
            guard head[5] <= UInt64(rest.count) else { return false }
            let count = Int(head[5])
            guard let state = StreamState(words: Array(rest.prefix(count))) else { return false }
            self.words &+= Self.headWords &+ count
            streams[StreamDigest(high: head[0], low: head[1])] = FollowedStream(
                time: head[2], seen: Int64(bitPattern: head[3]), state: state, isPartial: head[4] != 0)
            rest = rest.dropFirst(count)
        }
        return rest.isEmpty
    }
}

/// The value of a stream at one point.
enum StreamState {
    case int(Int64)
    case double(Double)
    case histogram(ReceivedHistogram)
    case exponential(ReceivedExponential)

    /// What has been added since `earlier`. Nil: it is not an earlier value of the same run of the stream.
    func since(_ earlier: StreamState, isMonotonic: Bool) -> StreamState? {
        switch (self, earlier) {
        case (.int(let now), .int(let before)):
            let (difference, overflow) = now.subtractingReportingOverflow(before)
            return overflow || isMonotonic && difference < 0 ? nil : .int(difference)
        case (.int(let now), .double(let before)): return Self.difference(Double(now), before, isMonotonic)
        case (.double(let now), .int(let before)): return Self.difference(now, Double(before), isMonotonic)
        case (.double(let now), .double(let before)): return Self.difference(now, before, isMonotonic)
        case (.histogram(let now), .histogram(let before)): return now.since(before).map { .histogram($0) }
        case (.exponential(let now), .exponential(let before)): return now.since(before).map { .exponential($0) }
        default: return nil
        }
    }

    private static func difference(_ now: Double, _ before: Double, _ isMonotonic: Bool) -> StreamState? {
        isMonotonic && now < before ? nil : .double(now - before)
    }

    var withoutExtremes: StreamState {
        guard case .histogram(var histogram) = self else { return self }
        (histogram.low, histogram.high) = (nil, nil)
        return .histogram(histogram)
    }

    var wordCount: Int {
        switch self {
        case .int, .double: 2
        case .histogram(let value): 2 &+ value.counts.count
        case .exponential(let value): 1 &+ value.words.count
        }
    }

    var words: [UInt64] {
        switch self {
        case .int(let value): [0, UInt64(bitPattern: value)]
        case .double(let value): [1, value.bitPattern]
        case .histogram(let value): [2, (value.sum ?? .nan).bitPattern] + value.counts
        case .exponential(let value): [3] + value.words
        }
    }

    init?(words: [UInt64]) {
        guard words.count >= 2 else { return nil }
        switch words[0] {
        case 0: self = .int(Int64(bitPattern: words[1]))
        case 1: self = .double(Double(bitPattern: words[1]))
        case 2:
            var histogram = ReceivedHistogram(counts: Array(words[2...]))
            histogram.sum = Double(bitPattern: words[1])
            self = .histogram(histogram)
        case 3:
            guard let value = ReceivedExponential(words: Array(words[1...])) else { return nil }
            self = .exponential(value)
        default: return nil
        }
    }
}

extension ReceivedHistogram {
    func since(_ earlier: ReceivedHistogram) -> ReceivedHistogram? {
        guard counts.count == earlier.counts.count else { return nil }
        var result = self
        for (index, count) in earlier.counts.enumerated() {
            guard result.counts[index] >= count else { return nil }
            result.counts[index] &-= count
        }
        guard let now = sum, let before = earlier.sum, before.isFinite else { return nil }
        result.sum = now - before
        return result
    }

    /// Of all buckets; nil: more than 64 bits can count.
    var total: UInt64? {
        var total: UInt64 = 0
        for count in counts {
            let (sum, overflow) = total.addingReportingOverflow(count)
            if overflow { return nil }
            total = sum
        }
        return total
    }
}
