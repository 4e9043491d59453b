import XCTest

@testable import TelemetryCore

final class FixedBucketsTests: XCTestCase {
    private func buckets(
        _ negative: [UInt64], _ zero: UInt64, _ positive: [UInt64], from low: Int32 = 0, threshold: Double = 0
    ) -> ([Double], [UInt64], UInt64) {
        let buckets = FixedBuckets(
            zeroCount: zero, zeroThreshold: threshold, negative: (low, low + Int32(negative.count) - 1),
            positive: (low, low + Int32(positive.count) - 1))
        var bounds: [Double] = []
        var counts: [UInt64] = []
        let total = buckets.forEach(
            count: { ($0 ? negative : positive)[Int($1 - low)] },
            // Scale 0.
            bound: { $0 > 1023 ? .infinity : Double(sign: .plus, exponent: Int($0), significand: 1) }
        ) {
            bounds.append($0)
            counts.append($1)
        }
        return (bounds, counts, total)
    }

    func testBounds() {
        var found = buckets([], 0, [1, 0, 2])
        XCTAssertEqual(found.0, [2, 8])
        XCTAssertEqual(found.1, [1, 3])
        XCTAssertEqual(found.2, 3)
        // From -8 to -4, from -2 to -1, and 0.
        found = buckets([1, 0, 2], 0, [5])
        XCTAssertEqual(found.0, [-4, -1, 0, 2])
        XCTAssertEqual(found.1, [2, 3, 3, 8])
        found = buckets([], 4, [1], threshold: 0.5)
        XCTAssertEqual(found.0, [0.5, 2])
        XCTAssertEqual(found.1, [4, 5])
        found = buckets([], 0, [])
        XCTAssertEqual(found.0, [])
        XCTAssertEqual(found.2, 0)
    }

    /// Below the smallest number there is only 0, and no other bound.
    func testBoundsThatAreTheSameNumber() {
        var found = buckets([1], 2, [3], from: -1075)
        XCTAssertEqual(found.0, [0, 0x1p-1074])
        XCTAssertEqual(found.1, [3, 6])
        found = buckets([1], 0, [], from: -1075)
        XCTAssertEqual(found.0, [0])
        XCTAssertEqual(found.1, [1])
        found = buckets([1], 2, [], from: -1075, threshold: 0.5)
        XCTAssertEqual(found.0, [0, 0.5])
        XCTAssertEqual(found.1, [1, 3])
        found = buckets([], 0, [1, 2, 4], from: -1080)
        XCTAssertEqual(found.0, [0])
        XCTAssertEqual(found.1, [7])
        XCTAssertEqual(found.2, 7)
    }

    func testLastBucketHasNoBound() {
        let found = buckets([], 0, [1, 7], from: 1022)
        XCTAssertEqual(found.1, [1])
        XCTAssertEqual(found.2, 8)
    }
}
