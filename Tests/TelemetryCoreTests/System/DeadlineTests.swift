import XCTest

@testable import TelemetryCore

/// E9: how long something may take.
final class DeadlineTests: XCTestCase {
    func testNever() {
        XCTAssertFalse(Deadline.never.isPast)
        XCTAssertEqual(Deadline.never.remainingMilliseconds(cap: 77), 77)
        XCTAssertEqual(Deadline.never.remainingNanoseconds, .max)
        XCTAssertGreaterThan(Deadline.never.timespecValue.tv_sec, 0)
    }

    func testPast() {
        for nanoseconds in [0, 1, Clock.monotonic()] {
            let deadline = Deadline(nanoseconds: nanoseconds)
            XCTAssertTrue(deadline.isPast)
            XCTAssertEqual(deadline.remainingMilliseconds(cap: 77), 0)
            XCTAssertEqual(deadline.remainingNanoseconds, 0)
        }
        XCTAssertTrue(Deadline(timeoutMilliseconds: 0).isPast)
    }

    func testFromNow() {
        for timeout in [1000, 1_000_000, UInt32.max] {
            let before = Clock.monotonic()
            let deadline = Deadline(timeoutMilliseconds: timeout)
            let span = Int64(timeout) * 1_000_000
            XCTAssertGreaterThanOrEqual(deadline.nanoseconds, before + span)
            XCTAssertLessThanOrEqual(deadline.nanoseconds, Clock.monotonic() + span)
            XCTAssertFalse(deadline.isPast)
            XCTAssertLessThanOrEqual(deadline.remainingMilliseconds(cap: .max), Int(timeout))
            XCTAssertEqual(deadline.remainingMilliseconds(cap: 3), 3)
        }
    }

    /// Rounded up: a wait for the result must not end before the deadline and be tried again at once.
    func testRemainingIsRoundedUp() {
        let deadline = Deadline(timeoutMilliseconds: 100_000)
        let milliseconds = deadline.remainingMilliseconds(cap: .max)
        XCTAssertGreaterThanOrEqual(Int64(milliseconds) * 1_000_000, deadline.remainingNanoseconds)
        XCTAssertGreaterThan(Deadline(nanoseconds: Clock.monotonic() + 50_000_000).remainingMilliseconds(cap: .max), 0)
    }

    func testEarlierAndLater() {
        let (first, second) = (Deadline(nanoseconds: 5), Deadline(nanoseconds: 6))
        for (a, b) in [(first, second), (second, first)] {
            XCTAssertEqual(a.earlier(b).nanoseconds, 5)
            XCTAssertEqual(a.later(b).nanoseconds, 6)
        }
        XCTAssertEqual(Deadline.never.earlier(first).nanoseconds, 5)
        XCTAssertEqual(Deadline.never.later(first).nanoseconds, .max)
    }

    func testAsATimespec() {
        for (nanoseconds, seconds, rest) in [
            (Int64(0), 0, 0), (999_999_999, 0, 999_999_999), (1_000_000_000, 1, 0), (61_000_000_007, 61, 7), (-5, 0, 0),
            (.min, 0, 0),
        ] {
            let value = Deadline(nanoseconds: nanoseconds).timespecValue
            XCTAssertEqual([value.tv_sec, value.tv_nsec], [seconds, rest])
        }
    }

    func testSleepLastsAtLeastAsLong() {
        let before = Clock.monotonic()
        Clock.sleep(nanoseconds: 3_000_000)
        XCTAssertGreaterThanOrEqual(Clock.monotonic() - before, 3_000_000)
        Clock.sleep(nanoseconds: 0)
    }
}
