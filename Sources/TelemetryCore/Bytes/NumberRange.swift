// SPDX-License-Identifier: Apache-2.0

/// The values that a number set by an author may have: the same in a manifest and in code.
struct NumberRange {
    var values: ClosedRange<Int64>
    var step: Int64 = 1

    static var flushMilliseconds: NumberRange { NumberRange(values: 1...86_400_000) }
    static var requestMilliseconds: NumberRange { NumberRange(values: 1...600_000) }
    static var segmentBytes: NumberRange { NumberRange(values: 8 << 10...16 << 20, step: 4096) }
    static var spoolSegments: NumberRange { NumberRange(values: 1...65_536) }
    static var spoolAgeSeconds: NumberRange { NumberRange(values: 1...315_360_000) }
    static var fileBytes: NumberRange { NumberRange(values: 4096...1 << 40) }
    static var fileCount: NumberRange { NumberRange(values: 1...1000) }

    /// A spool that cannot hold one segment would hold nothing.
    static func spoolBytes(segment: Int64) -> NumberRange { NumberRange(values: segment...max(segment, 1 << 40)) }

    @inline(never)
    func contains(_ value: Int64) -> Bool { values.contains(value) && value % step == 0 }

    @inline(never)
    var expected: String {
        let range = "an integer from " + values.lowerBound.description + " to " + values.upperBound.description
        return step > 1 ? range + ", a multiple of " + step.description : range
    }
}
