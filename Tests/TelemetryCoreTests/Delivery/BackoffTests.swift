import XCTest

@testable import TelemetryCore

/// E8: the schedule, with the random numbers given.
final class BackoffTests: XCTestCase {
    private let second: Int64 = 1_000_000_000
    private let week = 7 * 24 * 3600

    /// Failures in a row and the longest wait in seconds: doubled each time, up to an hour.
    private let schedule: [(failures: UInt32, ceiling: Int64)] = [
        (1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 320), (8, 640), (9, 1280), (10, 2560), (11, 3600),
        (12, 3600),
        (16, 3600), (17, 3600), (100, 3600), (.max, 3600), (0, 5),
    ]

    func testScheduleAndItsJitter() {
        for (failures, ceiling) in schedule {
            let longest = ceiling * second
            let delay = { Backoff.delay(failures: failures, retryAfterSeconds: nil, random: $0) }
            XCTAssertEqual(delay(0), longest / 2, "\(failures) failures")
            XCTAssertEqual(delay(UInt64(longest / 4)), longest / 2 + longest / 4)
            XCTAssertEqual(delay(UInt64(longest / 2)), longest)
            XCTAssertEqual(delay(UInt64(longest / 2) + 1), longest / 2)
            for random in [UInt64.max, UInt64.max / 2, 12345] as [UInt64] {
                XCTAssertGreaterThanOrEqual(delay(random), longest / 2)
                XCTAssertLessThanOrEqual(delay(random), longest)
            }
        }
    }

    func testRetryAfter() {
        let table: [(asked: Int?, failures: UInt32, seconds: Int64)] = [
            (nil, 3, 10), (0, 3, 10), (-1, 3, 10), (.min, 3, 10), (1, 20, 1), (9, 3, 9), (10, 3, 10), (11, 3, 11),
            (120, 1, 120), (3600, 20, 3600),
            (week, 1, Int64(week)), (week + 1, 1, Int64(week)), (.max, 1, Int64(week)),
        ]
        for (asked, failures, seconds) in table {
            let delay = Backoff.delay(failures: failures, retryAfterSeconds: asked, random: 0)
            XCTAssertEqual(delay, seconds * second, "asked for \(String(describing: asked))")
        }
    }
}
