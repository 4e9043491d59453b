import TelemetryCore
import XCTest

@testable import TelemetryAgent

final class MetricStreamsTests: XCTestCase {
    private func point(_ start: UInt64, _ time: UInt64) -> PointHead { PointHead(start: start, time: time) }

    private func step(
        _ streams: MetricStreams, _ start: UInt64, _ time: UInt64, _ state: StreamState, isMonotonic: Bool = true
    ) -> StreamState? {
        let digest = StreamDigest(high: 1, low: start)
        guard case .grown(let grown) = streams.step(digest, point(start, time), state, isMonotonic: isMonotonic) else {
            return nil
        }
        streams.keep(digest, point(start, time), state)
        return grown
    }

    private func int(_ state: StreamState?) -> Int64? {
        guard case .int(let value)? = state else { return nil }
        return value
    }

    func testGrowth() {
        let streams = MetricStreams(nil, since: 100)
        XCTAssertEqual(int(step(streams, 100, 110, .int(5))), 5)
        XCTAssertEqual(int(step(streams, 100, 120, .int(8))), 3)
        // Sent again, or late.
        XCTAssertNil(step(streams, 100, 120, .int(8)))
        XCTAssertNil(step(streams, 100, 119, .int(99)))
        // Begun again without saying so.
        XCTAssertEqual(int(step(streams, 100, 130, .int(2))), 2)
        XCTAssertEqual(int(step(streams, 100, 140, .int(-3), isMonotonic: false)), -5)
        XCTAssertEqual(int(step(streams, 100, 150, .int(.min), isMonotonic: false)), .min &+ 3)
        XCTAssertEqual(int(step(streams, 100, 160, .int(.max), isMonotonic: false)), .max)
    }

    /// What was before the user's answer is not counted; a start that is not known is taken for one.
    func testBeforeTheAnswer() {
        let streams = MetricStreams(nil, since: 100)
        for start in [UInt64(0), 99] {
            XCTAssertNil(step(streams, start, 110, .int(5)))
            XCTAssertEqual(int(step(streams, start, 120, .int(9))), 4)
        }
    }

    /// A point before the time since when consent has held is only a base.
    func testKnownBeforeTheAnswer() {
        var time: Int64 = 50
        let streams = MetricStreams(nil, since: 100) { time }
        XCTAssertNil(step(streams, 10, 60, .int(5)))
        time = 110
        XCTAssertNil(step(streams, 10, 70, .int(7)))
        time = 120
        XCTAssertNil(step(streams, 10, 115, .int(8)))
        XCTAssertEqual(int(step(streams, 10, 118, .int(9))), 1)
    }

    /// A newcomer pushes out one idle stream, which counts as a base when it comes back; one that began later counts.
    func testMakingRoom() {
        let second: Int64 = 1_000_000_000
        var time = 1000 * second
        let streams = MetricStreams(nil, since: 1) { time }
        func send(_ id: UInt64, start: Int64, _ value: Int64) -> Int64? {
            let digest = StreamDigest(high: id, low: 0)
            let head = point(UInt64(start), UInt64(time))
            switch streams.step(digest, head, .int(value), isMonotonic: true) {
            case .tooMany: return -1
            case .nothing: return nil
            case .grown(.int(let grown)):
                streams.keep(digest, head, .int(value))
                return grown
            case .grown: return -2
            }
        }
        for id in 0..<UInt64(MetricStreams.most) { XCTAssertEqual(send(id, start: 900 * second, 10), 10) }
        time += 599 * second
        XCTAssertEqual(send(1 << 40, start: time, 1), -1)
        time += 2 * second
        for id in 1..<UInt64(3) { XCTAssertEqual(send(id << 40, start: 1500 * second, 1), 1) }
        let results = (0..<UInt64(MetricStreams.most)).map { send($0, start: 900 * second, 15) }
        XCTAssertFalse(results.contains(15))
        XCTAssertGreaterThan(results.filter { $0 == 5 }.count, MetricStreams.most - 100)
    }

    func testWords() {
        var histogram = ReceivedHistogram(counts: [1, 2, .max])
        histogram.sum = -0.5
        let exponential = ReceivedExponential(
            scale: 3, zeroCount: 4, zeroThreshold: 0, positive: .init(offset: -5, counts: [1, 0, 2]),
            negative: .init(offset: 7, counts: [9]), sum: 1.5, min: nil, max: nil)
        for state in [.int(-4), .double(2.5), .histogram(histogram), .exponential(exponential)] as [StreamState] {
            let words = state.words
            XCTAssertEqual(StreamState(words: words)?.words, words)
            for count in 0..<words.count where count > 0 { _ = StreamState(words: Array(words.prefix(count))) }
        }
        XCTAssertNil(StreamState(words: []))
        XCTAssertNil(StreamState(words: [9, 9]))
        XCTAssertNil(StreamState(words: [3, 1, 2, 3, 4, 5, .max, 0, 0]))
    }
}
