import XCTest

@testable import TelemetryCore

/// How far an exponential histogram goes down for a new value.
final class ExponentialRangeTests: XCTestCase {
    func testMemoryOfZerosIsEmpty() {
        XCTAssertEqual(ExponentialRange(packed: 0), .empty)
        XCTAssertEqual(ExponentialRange.empty.packed, 0)
        XCTAssertTrue(ExponentialRange.empty.isEmpty)
        XCTAssertEqual(ExponentialRange.empty.bucketCount, 0)
        XCTAssertEqual(ExponentialRange.empty.stepsToFit(0), 0)
        XCTAssertEqual(ExponentialRange.empty.downscaled(by: 3), .empty)
        XCTAssertEqual(ExponentialRange(low: 1, high: 0), .empty)
    }

    func testPackedAndBack() {
        for (low, high) in [(0, 0), (-1, 0), (.min, .max), (.max, .max), (.min, .min), (-7, 1_073_741_823)]
            as [(Int32, Int32)]
        {
            let range = ExponentialRange(low: low, high: high)
            XCTAssertEqual(ExponentialRange(packed: range.packed), range)
            XCTAssertNotEqual(range.packed, 0)
            XCTAssertEqual(range.bucketCount, Int(high) - Int(low) + 1)
        }
        for _ in 0..<1000 {
            let range = ExponentialRange(packed: .random(in: .min ... .max))
            XCTAssertEqual(ExponentialRange(packed: range.packed), range)
        }
    }

    func testWidened() {
        var range = ExponentialRange.empty
        for (index, low, high) in [(5, 5, 5), (5, 5, 5), (7, 5, 7), (-3, -3, 7), (.max, -3, .max), (.min, .min, .max)]
            as [(Int32, Int32, Int32)]
        {
            range = range.widened(by: index)
            XCTAssertEqual(range, ExponentialRange(low: low, high: high))
            XCTAssertTrue(range.contains(index))
        }
        XCTAssertEqual(ExponentialRange.empty.union(range), range)
        XCTAssertEqual(range.union(.empty), range)
    }

    func testStepsToFit() {
        let cases: [(Int32, Int32, Int, Int)] = [
            (0, 159, 160, 0), (0, 160, 160, 1), (1, 160, 160, 0), (-1, 159, 160, 1), (-80, 79, 160, 0),
            (0, 319, 160, 1),
            (-1, 0, 2, 0), (-1, 1, 2, 1), (-2, 0, 2, 1), (.min, .max, 2, 31), (.min, .max, 160, 25), (3, 3, 2, 0),
            // Fewer than two are taken as two.
            (-1, 0, 1, 0), (-1, 0, .min, 0), (.min, .max, 0, 31),
            (.min, .max, .max, 16),
        ]
        for (low, high, most, expected) in cases {
            let steps = ExponentialRange(low: low, high: high).stepsToFit(most)
            XCTAssertEqual(steps, expected, "\(low)...\(high) in \(most)")
        }
    }

    /// The first scale that fits, and every one below it does.
    func testTheFirstThatFits() {
        for _ in 0..<2000 {
            let range = ExponentialRange.empty.widened(by: .random(in: .min ... .max)).widened(
                by: .random(in: -5000...5000))
            let most = Int.random(in: 2...300)
            let steps = range.stepsToFit(most)
            for further in 0...31 {
                XCTAssertEqual(range.downscaled(by: further).bucketCount <= most, further >= steps)
            }
        }
    }

    func testDownscaledByAnyNumber() {
        let range = ExponentialRange(low: -5, high: 9)
        XCTAssertEqual(range.downscaled(by: -1), range)
        XCTAssertEqual(range.downscaled(by: .min), range)
        XCTAssertEqual(range.downscaled(by: 1), ExponentialRange(low: -3, high: 4))
        XCTAssertEqual(range.downscaled(by: 1000), ExponentialRange(low: -1, high: 0))
        XCTAssertEqual(range.downscaled(by: .max), ExponentialRange(low: -1, high: 0))
    }
}
