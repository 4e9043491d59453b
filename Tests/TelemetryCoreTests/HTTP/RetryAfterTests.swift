import XCTest

@testable import TelemetryCore

/// E8: Retry-After in seconds and as a date.
final class RetryAfterTests: XCTestCase {
    /// 1994-11-06 08:49:37 UTC, the example of RFC 9110, section 5.6.7.
    private let example = 784_111_777

    func testTable() {
        let now = example - 60
        let cases: [(String, Int?)] = [
            ("0", 0), ("120", 120), ("99999999999999999999999999", RetryAfter.maxSeconds), ("", nil), ("-5", nil),
            ("1.5", nil),
            ("soon", nil), ("Sun, 06 Nov 1994 08:49:37 GMT", 60), ("Sunday, 06-Nov-94 08:49:37 GMT", 60),
            ("Sun Nov  6 08:49:37 1994", 60), ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", RetryAfter.maxSeconds), ("Sun, 06 Nov 1994 08:49:37 UTC", nil),
            ("Sun, 06 Foo 1994 08:49:37 GMT", nil), ("Sun, 6 Nov 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 24:49:37 GMT", nil),
            ("Sun, 06 Nov 1994", nil), (" ", nil), (",", nil), ("Sun, ", nil), ("aaa,                         ", nil),
            ("Sun, 00 Nov 1994 08:49:37 GMT", nil), ("Sunday, 06-Nov-9x 08:49:37 GMT", nil),
            ("Sun Nov 16 08:50:37 1994", 864_120),
        ]
        for (text, seconds) in cases {
            XCTAssertEqual(RetryAfter.seconds(Array(text.utf8), now: now), seconds, text)
        }
    }

    func testTwoDigitYearMoreThanFiftyYearsAheadIsPast() {
        XCTAssertEqual(HTTPDate.parse(Array("Sunday, 06-Nov-94 08:49:37 GMT".utf8), now: 1_778_596_245), example)
        XCTAssertEqual(
            HTTPDate.parse(Array("Sunday, 06-Nov-94 08:49:37 GMT".utf8), now: 2_400_000_000), example + 3_155_760_000)
    }

    func testNoBytesReachATrap() {
        let seed = Array("Sunday, 06-Nov-94 08:49:37 GMT".utf8)
        for _ in 0..<20_000 {
            var bytes = Array(seed[Int.random(in: 0..<seed.count)...])
            if !bytes.isEmpty { bytes[Int.random(in: 0..<bytes.count)] = .random(in: 0...255) }
            if let seconds = RetryAfter.seconds(bytes, now: example) { XCTAssertGreaterThanOrEqual(seconds, 0) }
        }
    }
}
