// SPDX-License-Identifier: Apache-2.0

/// A segment, for sorting by age.
final class AgedSegment {
    let name: String
    /// Nil: it cannot be read.
    let header: SegmentHeader?

    init(_ name: String, _ header: SegmentHeader?) {
        self.name = name
        self.header = header
    }

    private var created: Int64 { header?.created ?? .min }

    /// The index behind all segments that are not younger.
    func place(in sorted: [AgedSegment]) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = low &+ (high &- low) / 2
            if sorted[middle].created <= created { low = middle &+ 1 } else { high = middle }
        }
        return low
    }
}
