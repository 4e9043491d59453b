import XCTest

@testable import TelemetryCore

/// E8: the schedule of retries, with a clock that the test moves.
final class RetryScheduleTests: XCTestCase {
    private let second: Int64 = 1_000_000_000

    func testADeadEndpointOverADay() {
        var state = DeliveryState()
        var now: Int64 = 1_700_000_000 * second
        let start = now
        var attempts: [Int64] = []
        while now < start + 24 * 3600 * second {
            if state.isDue(now) {
                attempts.append((now - start) / second)
                state.failed("refused", afterSeconds: nil, isFinal: false, now, random: UInt64.max)
            }
            now = max(now + second, state.nextAttempt)
        }
        // 5 s, 10 s, 20 s … 1 h, with the longest jitter or the shortest: some 10 steps to the hour, then one an hour.
        XCTAssertEqual(attempts.first, 0)
        XCTAssertTrue((31...60).contains(attempts.count), "\(attempts.count)")
        let pauses = zip(attempts, attempts.dropFirst()).map { $1 - $0 }
        for (index, pause) in pauses.enumerated() {
            let ceiling = min(3600, 5 << min(index, 20))
            XCTAssertTrue((Int64(ceiling / 2)...Int64(ceiling + 1)).contains(pause), "\(index): \(pause)")
        }
    }

    /// Such a clock shows a time before 1970; one that is past 2262 does as well.
    func testATimeBelowZero() {
        for now in [-1, -second, .min] as [Int64] {
            XCTAssertTrue(DeliveryState().isDue(now), "\(now)")
            XCTAssertTrue(SentMetrics().isDue(now, interval: 60 * second), "\(now)")
            var state = DeliveryState()
            state.answered(true, "", now)
            XCTAssertTrue(state.isDue(now), "\(now)")
        }
        var state = DeliveryState()
        state.failed("refused", afterSeconds: 5, isFinal: false, -100 * second, random: 0)
        XCTAssertFalse(state.isDue(-99 * second))
        XCTAssertTrue(state.isDue(-90 * second))
    }

    func testRetryAfterIsKeptAndSuccessEndsIt() {
        var state = DeliveryState()
        state.failed("HTTP 429", afterSeconds: 120, isFinal: false, 0, random: 0)
        XCTAssertFalse(state.isDue(120 * second - 1))
        XCTAssertTrue(state.isDue(120 * second))
        XCTAssertEqual([state.failures, UInt32(state.lastError.utf8.count)], [1, 8])
        state.answered(true, "", 130 * second)
        XCTAssertTrue(state.isDue(0))
        XCTAssertEqual(state, DeliveryState(lastAttempt: 130 * second, lastSuccess: 130 * second))
    }

    /// B1: a receiver that refuses events for good works, and status says why they are gone.
    func testRejectionIsNoFailure() {
        var state = DeliveryState(lastSuccess: 5)
        state.failed("HTTP 503", afterSeconds: nil, isFinal: false, 10, random: 0)
        state.answered(false, "HTTP 401", 20)
        XCTAssertTrue(state.isDue(0))
        XCTAssertEqual(state, DeliveryState(lastAttempt: 20, lastSuccess: 5, lastError: "HTTP 401"))
    }

    /// The times are of a clock that may have been wrong: no wait is longer than the longest pause.
    func testClocks() {
        let year = 365 * 86_400 * second
        let now = 50 * year
        var state = DeliveryState()
        state.failed("x", afterSeconds: nil, isFinal: false, now + 5 * year, random: 0)
        XCTAssertFalse(state.isDue(now + 5 * year))
        for moment in [now, now + 5 * year - 1, 0, 5, -5] as [Int64] {
            XCTAssertTrue(state.isDue(moment), "the clock was set back to \(moment)")
        }
        XCTAssertTrue(state.isDue(now + 6 * year))
        state = DeliveryState(nextAttempt: now + 8 * 86_400 * second)
        XCTAssertTrue(state.isDue(now), "no pause is that long")
        state.nextAttempt = now + 6 * 86_400 * second
        XCTAssertFalse(state.isDue(now))
        state = DeliveryState(nextAttempt: .max - 1)
        for moment in [.min, 0, now, .max - 2] as [Int64] { _ = state.isDue(moment) }
    }

    func testStoppedForGood() {
        var state = DeliveryState()
        state.failed("HTTP 410", afterSeconds: nil, isFinal: true, 5, random: 1)
        XCTAssertFalse(state.isDue(.max - 1))
    }

    func testFailuresDoNotOverflow() {
        var state = DeliveryState(failures: .max)
        state.failed("x", afterSeconds: .max, isFinal: false, .max - 1, random: .max)
        XCTAssertEqual(state.failures, 0)
    }
}
