import XCTest

@testable import TelemetryCore

/// C9: The Unicode Standard, chapter 3, table 3-7 and section 3.9, "U+FFFD Substitution of Maximal Subparts".
final class UTF8WalkTests: XCTestCase {
    private func repair(_ bytes: [UInt8]) -> [UInt8] { TextLimit.cut(bytes, 3 * bytes.count) }

    /// The first and last of each row of the table.
    func testRowsOfTable3_7() {
        let rows: [[UInt8]] = [
            [0x00], [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xE0, 0xBF, 0xBF], [0xE1, 0x80, 0x80],
            [0xEC, 0xBF, 0xBF],
            [0xED, 0x80, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80],
            [0xF0, 0xBF, 0xBF, 0xBF], [0xF1, 0x80, 0x80, 0x80], [0xF3, 0xBF, 0xBF, 0xBF], [0xF4, 0x80, 0x80, 0x80],
            [0xF4, 0x8F, 0xBF, 0xBF],
        ]
        for row in rows { XCTAssertEqual(repair(row), row) }
    }

    /// Tables 3-8 to 3-11 of the standard; nil stands for U+FFFD.
    func testExamplesOfTheStandard() {
        let table: [(bytes: [UInt8], expected: [UInt8?])] = [
            ([0xC0, 0xAF, 0xE0, 0x80, 0xBF, 0xF0, 0x81, 0x82, 0x41], [nil, nil, nil, nil, nil, nil, nil, nil, 0x41]),
            ([0xED, 0xA0, 0x80, 0xED, 0xBF, 0xBF, 0xED, 0xAF, 0x41], [nil, nil, nil, nil, nil, nil, nil, nil, 0x41]),
            ([0xF4, 0x91, 0x92, 0x93, 0xFF, 0x41, 0x80, 0xBF, 0x42], [nil, nil, nil, nil, nil, 0x41, nil, nil, 0x42]),
            ([0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF, 0x41], [nil, nil, nil, nil, 0x41]),
        ]
        for row in table {
            XCTAssertEqual(repair(row.bytes), row.expected.flatMap { $0.map { [$0] } ?? [0xEF, 0xBF, 0xBD] })
        }
    }

    private let edges: [UInt8] = [
        0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
        0xEF, 0xF0, 0xF1,
        0xF3, 0xF4, 0xF5, 0xFF,
    ]

    private func assertLikeTheStandardLibrary(_ bytes: [UInt8]) {
        let expected = Array(String(decoding: bytes, as: UTF8.self).utf8)
        // Not XCTAssertEqual: a hundred thousand times it takes its time.
        if repair(bytes) != expected { XCTFail("\(bytes): \(repair(bytes)), expected \(expected)") }
    }

    func testTwoBytes() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max { assertLikeTheStandardLibrary([first, second]) }
        }
    }

    func testThreeBytesAtTheEdges() {
        for first in edges {
            for second in edges { for third in edges { assertLikeTheStandardLibrary([first, second, third]) } }
        }
    }

    func testFiveBytesAtTheEdges() {
        let inner: [UInt8] = [0x41, 0x7F, 0x80, 0x8F, 0x90, 0xBF, 0xC2, 0xF0]
        for first: UInt8 in [0xE0, 0xED, 0xF0, 0xF1, 0xF4, 0xF5] {
            for second in inner {
                for third in inner {
                    for fourth in inner {
                        for fifth: UInt8 in [0x41, 0x80] {
                            assertLikeTheStandardLibrary([first, second, third, fourth, fifth])
                        }
                    }
                }
            }
        }
    }

    func testCountsWhatItTookAndMade() {
        let bytes: [UInt8] = [0x61, 0xE2, 0x82, 0x62]
        bytes.withUnsafeBufferPointer { area in
            var walk = UTF8Walk(area.baseAddress!, 4, limit: 4)
            XCTAssertEqual(walk.next()?.count, 1)
            XCTAssertFalse(walk.hasReplaced)
            XCTAssertNil(walk.next()?.bytes)
            XCTAssertTrue(walk.hasReplaced)
            XCTAssertEqual([walk.consumed, walk.produced], [3, 4])
            XCTAssertTrue(walk.next() == nil, "the limit")
            XCTAssertEqual([walk.consumed, walk.produced], [3, 4])
        }
    }
}
