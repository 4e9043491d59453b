// SPDX-License-Identifier: Apache-2.0

/// The indexes of buckets at one scale, from the lowest to the highest that has counts.
struct ExponentialRange: Equatable {
    let low: Int32
    let high: Int32

    static let empty = ExponentialRange(low: .max, high: .min)

    /// No histogram has fewer: the buckets on both sides of 1 are apart at every scale. At
    /// `ExponentialIndex.minimumScale` all doubles are in three.
    static let fewestBuckets = 2
    /// At the highest scale all doubles are in 2³¹ buckets. More than these are never asked for.
    static let mostBuckets = 1 << 16

    private static let emptyWord: UInt64 = 0x8000_0000_7FFF_FFFF

    /// Empty if `low` is above `high`.
    init(low: Int32, high: Int32) {
        self.low = low <= high ? low : .max
        self.high = low <= high ? high : .min
    }

    init(packed: UInt64) {
        let word = packed ^ Self.emptyWord
        self.init(low: Int32(truncatingIfNeeded: word), high: Int32(truncatingIfNeeded: word &>> 32))
    }

    /// Both ends in one word, for one atomic exchange. Memory of zeros is the empty range.
    var packed: UInt64 {
        (UInt64(UInt32(bitPattern: high)) &<< 32 | UInt64(UInt32(bitPattern: low))) ^ Self.emptyWord
    }

    var isEmpty: Bool { low > high }

    var bucketCount: Int { isEmpty ? 0 : Int(high) &- Int(low) &+ 1 }

    func contains(_ index: Int32) -> Bool { index >= low && index <= high }

    func widened(by index: Int32) -> ExponentialRange {
        ExponentialRange(low: Swift.min(low, index), high: Swift.max(high, index))
    }

    func union(_ other: ExponentialRange) -> ExponentialRange {
        ExponentialRange(low: Swift.min(low, other.low), high: Swift.max(high, other.high))
    }

    /// The range of the same values `steps` scales below.
    func downscaled(by steps: Int) -> ExponentialRange {
        if isEmpty { return self }
        let shift = Int32(truncatingIfNeeded: Swift.max(0, Swift.min(steps, 31)))
        return ExponentialRange(low: low &>> shift, high: high &>> shift)
    }

    /// By how many scales to go down until there are not more than `maximumBuckets`, which counts as the nearest number
    /// from `fewestBuckets` to `mostBuckets`. At most 31.
    func stepsToFit(_ maximumBuckets: Int) -> Int {
        let most = Swift.max(Self.fewestBuckets, Swift.min(maximumBuckets, Self.mostBuckets))
        var steps = 0
        while downscaled(by: steps).bucketCount > most { steps &+= 1 }
        return steps
    }
}
