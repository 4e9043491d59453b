import XCTest

@testable import TelemetryCore

/// C2: UTC RFC 3339 with nanoseconds.
final class TimestampTests: XCTestCase {
    private func text(_ nanoseconds: Int64) -> String {
        var writer = TimestampWriter()
        return text(nanoseconds, &writer)
    }

    private func text(_ nanoseconds: Int64, _ writer: inout TimestampWriter) -> String {
        var bytes = [UInt8](repeating: 0, count: Timestamp.length)
        bytes.withUnsafeMutableBufferPointer { writer.write(nanoseconds, to: $0.baseAddress!) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The second is kept from one text to the next: around its ends, and over long ways.
    func testInAnyOrder() {
        var writer = TimestampWriter()
        let moments: [Int64] = [
            0, 999_999_999, 1_000_000_000, 999_999_999, -1, 0, .min, .max, .min + 1, 1_778_596_245_123_456_789, .min,
        ]
        for moment in moments { XCTAssertEqual(text(moment, &writer), text(moment)) }
    }

    func testTable() {
        let second: Int64 = 1_000_000_000
        let cases: [(Int64, String)] = [
            (0, "1970-01-01T00:00:00.000000000Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
            (-second, "1969-12-31T23:59:59.000000000Z"), (1_778_596_245_123_456_789, "2026-05-12T14:30:45.123456789Z"),
            (951_782_400 * second, "2000-02-29T00:00:00.000000000Z"),
            (951_868_800 * second, "2000-03-01T00:00:00.000000000Z"),
            (1_709_164_800 * second, "2024-02-29T00:00:00.000000000Z"),
            (4_107_542_400 * second, "2100-03-01T00:00:00.000000000Z"),
            (4_107_542_400 * second - 1, "2100-02-28T23:59:59.999999999Z"),
            (-2_203_891_200 * second, "1900-03-01T00:00:00.000000000Z"),
            (1_735_689_599 * second + 7, "2024-12-31T23:59:59.000000007Z"),
            (.max, "2262-04-11T23:47:16.854775807Z"), (.min, "1677-09-21T00:12:43.145224192Z"),
        ]
        for (nanoseconds, expected) in cases { XCTAssertEqual(text(nanoseconds), expected) }
    }

    /// Every day of 800 years, by counting: leap years are those divisible by 4, centuries only by 400.
    func testEveryDayOfTwoErasInBothDirections() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var days = CivilDate(year: 1600, month: 1, day: 1).daysSinceEpoch
        XCTAssertEqual(days, -135_140)
        for year in 1600..<2400 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for month in 1...12 {
                for day in 1...(lengths[month - 1] + (month == 2 && isLeap ? 1 : 0)) {
                    let date = CivilDate(year: year, month: month, day: day)
                    if CivilDate(daysSinceEpoch: days) != date || date.daysSinceEpoch != days {
                        return XCTFail("\(date) is not day \(days)")
                    }
                    days += 1
                }
            }
        }
    }
}
