// SPDX-License-Identifier: Apache-2.0

/// The values that a number set by an author may have: the same in a manifest and in code.
struct NumberRange {
    var low: Int64
    var high: Int64
    let step: Int64

    @inline(__always)
    init(_ low: Int64, _ high: Int64, step: Int64 = 1) {
        self.low = low
        self.high = high
        self.step = step
    }

    @inline(never)
    func contains(_ value: Int64) -> Bool { value >= low && value <= high && value % step == 0 }

    @inline(never)
    var expected: String {
        let range = "an integer from " + low.description + " to " + high.description
        return step > 1 ? range + ", a multiple of " + step.description : range
    }
}
