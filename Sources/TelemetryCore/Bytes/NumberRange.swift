// SPDX-License-Identifier: Apache-2.0

/// The values that a number set by an author may have: the same in a manifest and in code.
struct NumberRange {
    var values: ClosedRange<Int64>
    var step: Int64 = 1

    @inline(never)
    func contains(_ value: Int64) -> Bool { values.contains(value) && value % step == 0 }

    @inline(never)
    var expected: String {
        let range = "an integer from " + values.lowerBound.description + " to " + values.upperBound.description
        return step > 1 ? range + ", a multiple of " + step.description : range
    }
}
