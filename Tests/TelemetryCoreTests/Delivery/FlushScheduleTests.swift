import XCTest

@testable import TelemetryCore

/// When a living process delivers: by bytes (a full segment), by age (the flush interval), after a failure.
final class FlushScheduleTests: XCTestCase {
    private let second: Int64 = 1_000_000_000

    private func wakeUp(
        pending: Int64 = 0, fresh: Bool = false, backlog: Bool = false, any: Int64 = 0, failed: Int64 = .max
    ) -> Int64? {
        let schedule = FlushSchedule(
            now: (1000 * second, 5000 * second), firstPending: pending * second, intervalNanoseconds: 30 * second,
            hasFresh: fresh,
            hasBacklog: backlog,
            nextAttempt: (any == .max ? .max : any * second, failed == .max ? .max : failed * second))
        XCTAssertEqual(schedule.isDue, schedule.wakeUp <= 1000 * second)
        return schedule.wakeUp == .max ? nil : schedule.wakeUp / second
    }

    func testTable() {
        XCTAssertNil(wakeUp(), "nothing waits")
        XCTAssertEqual(wakeUp(fresh: true), 1000, "a full segment goes at once")
        XCTAssertEqual(wakeUp(pending: 990), 1020, "events wait for the interval")
        XCTAssertEqual(wakeUp(pending: 960), 1000, "it has passed")
        XCTAssertEqual(wakeUp(fresh: true, any: 5007), 1007, "the only destination has failed")
        XCTAssertEqual(wakeUp(pending: 990, any: 5100), 1100, "the backoff is longer than the interval")
        XCTAssertEqual(
            wakeUp(pending: 990, backlog: true, any: 0, failed: 5007), 1007,
            "the one that failed is tried again, the other has nothing")
        XCTAssertEqual(wakeUp(backlog: true, any: 0), 4600, "a look at the clock in an hour, no busy loop")
        XCTAssertEqual(wakeUp(fresh: true, any: .max), 4600, "stopped for good: no busy loop either")
        XCTAssertEqual(wakeUp(fresh: true, backlog: true, any: 0, failed: 5007), 1000)
    }
}
