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
