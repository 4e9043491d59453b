import XCTest

@testable import TelemetryCore

final class SpoolLimitsTests: XCTestCase {
    /// An event is too old by more than a clock's mistake, and by less than one.
    func testExpiry() {
        let day: Int64 = 86_400_000_000_000
        let oldest: Int64 = 1_763_711_841_000_000_000
        let table: [(timestamp: Int64, isExpired: Bool)] = [
            (oldest, false), (oldest - 1, true), (oldest - 366 * day, true), (oldest - 366 * day - 1, false),
            (oldest + 2000 * day, false),
            (0, false), (.min, false), (.max, false), (-1, false),
        ]
        for (timestamp, isExpired) in table {
            XCTAssertEqual(SpoolLimits.isExpired(timestamp, oldest: oldest), isExpired, "\(timestamp)")
        }
        XCTAssertFalse(SpoolLimits.isExpired(0, oldest: .min))
        XCTAssertFalse(SpoolLimits.isExpired(.max, oldest: .min))
    }
}
