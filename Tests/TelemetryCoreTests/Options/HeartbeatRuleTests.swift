import XCTest

@testable import TelemetryCore

/// C12, with a clock of the test's own.
final class HeartbeatRuleTests: XCTestCase {
    private let second: Int64 = 1_000_000_000
    private let begin: Int64 = 1_763_711_841_000_000_000

    func testFirstIsDueAtOnce() {
        XCTAssertTrue(HeartbeatRule().isDue(last: 0, now: begin))
    }

    func testPeriod() {
        let rule = HeartbeatRule()
        XCTAssertEqual(rule.seconds, 4 * 3600)
        XCTAssertFalse(rule.isDue(last: begin, now: begin))
        XCTAssertFalse(rule.isDue(last: begin, now: begin + 4 * 3600 * second - 1))
        XCTAssertTrue(rule.isDue(last: begin, now: begin + 4 * 3600 * second))
        XCTAssertEqual(rule.next(after: begin), begin + 4 * 3600 * second)
    }

    func testClockSetBack() {
        XCTAssertTrue(HeartbeatRule().isDue(last: begin, now: begin - 1))
    }

    func testMomentThatAWrongClockHasNamed() {
        let rule = HeartbeatRule()
        XCTAssertTrue(rule.isReached(begin, now: begin))
        XCTAssertFalse(rule.isReached(begin + 1, now: begin))
        XCTAssertFalse(rule.isReached(begin + 4 * 3600 * second, now: begin))
        XCTAssertTrue(rule.isReached(begin + 4 * 3600 * second + 1, now: begin))
    }

    func testNoOverflow() {
        XCTAssertEqual(HeartbeatRule().next(after: .max - 1), .max)
        XCTAssertFalse(HeartbeatRule().isDue(last: .max - 1, now: .max - 1))
    }

    /// Flipt: three failures in a row.
    func testStops() {
        XCTAssertFalse(HeartbeatRule().isStopped(failures: 2))
        XCTAssertTrue(HeartbeatRule().isStopped(failures: 3))
        XCTAssertFalse(HeartbeatRule(failures: 1000).isStopped(failures: 999))
    }

    func testRange() {
        for (seconds, failures, isAccepted) in [
            (0, 0, true), (59, 0, false), (60, 1, true), (2_592_000, 1000, true), (2_592_001, 0, false),
            (60, 1001, false),
        ] as [(UInt32, UInt32, Bool)] {
            let options = Options(toolName: "mytool", toolVersion: "")
            XCTAssertEqual(
                options.setHeartbeat(seconds: seconds, failures: failures), isAccepted, "\(seconds) \(failures)")
            XCTAssertEqual(options.heartbeat?.seconds, isAccepted ? seconds == 0 ? 14_400 : Int64(seconds) : nil)
            XCTAssertEqual(options.heartbeat?.failures, isAccepted ? failures == 0 ? 3 : failures : nil)
        }
    }

    func testPeriodTexts() {
        let cases: [(String, Int64?)] = [
            ("60", 60), ("90s", 90), ("5m", 300), ("4h", 14_400), ("30d", 2_592_000), ("0", 0), ("", nil), ("h", nil),
            ("4 h", nil),
            ("-4h", nil), ("4H", nil), ("1.5h", nil), ("4hh", nil), ("99999999", nil), ("9999999d", 863_999_913_600),
        ]
        for (text, seconds) in cases { XCTAssertEqual(HeartbeatSection.seconds(text), seconds, text) }
    }
}
