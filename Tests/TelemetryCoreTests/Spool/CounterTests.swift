import CSystem
import XCTest

@testable import TelemetryCore

final class CounterTests: XCTestCase {
    /// Each has its own place in each copy, and its own member.
    func testEachCounterIsItsOwn() {
        XCTAssertLessThanOrEqual(Counter.allCases.count, Counter.limit)
        let shared = SharedCounts()
        defer { shared.deallocate() }
        for counter in Counter.allCases { shared.add(counter, UInt64(counter.rawValue) + 10) }
        var statistics = telemetry_statistics()
        statistics.add(shared.all)
        statistics.add(shared.take())
        for counter in Counter.allCases {
            XCTAssertEqual(statistics[counter], 2 * (UInt64(counter.rawValue) + 10), counter.name)
            XCTAssertEqual(shared[counter], 0, counter.name)
        }
        XCTAssertEqual(
            [
                statistics.adjusted, statistics.refused, statistics.refused_undeclared, statistics.attributes_refused,
                statistics.redacted,
            ], [20, 22, 24, 26, 28])
        XCTAssertEqual(statistics.recorded + statistics.spool_bytes + UInt64(statistics.reserved), 0)
    }

    func testSumWrapsAround() {
        var counts = Counts()
        counts[.redacted] = .max
        var more = Counts()
        more[.redacted] = 2
        counts += more
        XCTAssertEqual(counts[.redacted], 1)
        more[.redacted] = 1
        XCTAssertEqual(counts, more)
    }
}
