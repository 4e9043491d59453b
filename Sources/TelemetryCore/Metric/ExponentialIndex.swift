// SPDX-License-Identifier: Apache-2.0

/// The buckets of OpenTelemetry's exponential histograms (opentelemetry-specification, metrics/data-model.md,
/// "ExponentialHistogram"): bucket i at scale s has the values v with bᶦ < v ≤ bᶦ⁺¹, where b is 2^(2^−s).
///
/// No result is off by one. From scale 1 on a logarithm of the significand is estimated with integers. If a bound lies
/// within the error of the estimate, the value is compared with that bound. Except powers of two no bound is a double, and
/// none between 1 and 2 is closer than 2⁻⁷⁸ to one, as `scripts/exponential-tables` finds by looking at all of them. So a
/// bound computed with 127 bits is on the right side of each double.
enum ExponentialIndex {
    static let maximumScale = 20
    /// Of histograms that are recorded. Those of others may have lower ones.
    static let minimumScale = -10
    /// Each scale below has the same two buckets: −1 up to the value 1, and 0 above.
    static let coarsestScale = -11

    /// The estimate of log₂ is wrong by less than 2⁻³⁵.
    private static let error: Int64 = 1 << (52 - 35)
    private static let implicitBit: UInt64 = 1 << 52

    /// The bucket of `value`, whose sign does not matter. 0, infinity and NaN are in no bucket: their result has no meaning.
    /// A scale outside `coarsestScale`...`maximumScale` counts as the nearest of these.
    @_optimize(speed)
    @inline(never)
    static func index(of value: Double, scale: Int) -> Int32 {
        let scale = Swift.max(coarsestScale, Swift.min(scale, maximumScale))
        let bits = value.magnitude.bitPattern
        var exponent = Int(truncatingIfNeeded: bits &>> 52) &- 1023
        var significand = bits & (implicitBit &- 1) | implicitBit
        if _slowPath(exponent == -1023) {
            significand ^= implicitBit
            let shift = significand.leadingZeroBitCount &- 11
            significand &<<= UInt64(truncatingIfNeeded: shift)
            exponent = -1022 &- shift
        }
        guard scale > 0 else {
            let below = significand == implicitBit ? exponent &- 1 : exponent
            return Int32(truncatingIfNeeded: below &>> (0 &- scale))
        }
        let highest = log2(significand, exponent: exponent) &+ error
        let shift = Int64(truncatingIfNeeded: 52 &- scale)
        let index = highest &>> shift
        if _slowPath((highest &- error &* 2) &>> shift != index) {
            return indexBeside(index, of: significand, exponent: exponent, scale: scale)
        }
        return Int32(truncatingIfNeeded: index)
    }

    /// The largest double that is not above the lower bound of bucket `index`: a finite value is in the bucket exactly if
    /// it is above this, and not above that of the next bucket. 0 if the bound is below all doubles, infinity if above.
    @inline(never)
    static func lowerBound(of index: Int32, scale: Int) -> Double {
        let scale = Swift.max(coarsestScale, Swift.min(scale, maximumScale))
        var exponent = Int(index)
        var significand = implicitBit
        if scale > 0 {
            let fraction = exponent & ((1 &<< scale) &- 1)
            exponent &>>= scale
            significand = power(fraction &<< (maximumScale &- scale))
        } else {
            exponent &<<= 0 &- scale
        }
        if exponent > 1023 { return .infinity }
        if exponent < -1022 { return Double(bitPattern: significand >> (-1022 &- exponent)) }
        return Double(bitPattern: UInt64(truncatingIfNeeded: exponent &+ 1022) &<< 52 &+ significand)
    }

    /// log₂ of the value, 52 bits behind the point: the exponent, the logarithm of the reciprocal that the first bits of the
    /// significand choose, and four terms of the series for what the product of both is above 1.
    @inline(__always)
    private static func log2(_ significand: UInt64, exponent: Int) -> Int64 {
        let cell = ExponentialTables.cells[unchecked: Int(truncatingIfNeeded: significand &>> 46 & 63)]
        let reciprocal = cell &>> 52
        // Exact, with 63 bits behind the point.
        let rest = Int64(bitPattern: significand &* reciprocal &- 1 &<< 63)
        let x = rest &>> 24
        var factor = ExponentialTables.third &- (x &* ExponentialTables.fourth) &>> 39
        factor = ExponentialTables.second &- (x &* factor) &>> 39
        factor = ExponentialTables.first &- (x &* factor) &>> 39
        // Also takes the reciprocal off the cell.
        let whole = (Int64(truncatingIfNeeded: exponent) &- Int64(bitPattern: reciprocal)) &<< 52
        return Int64(bitPattern: cell) &+ whole &+ (x &* factor) &>> 17
    }

    /// `index`, if the value is above its lower bound, or the one before.
    @inline(never)
    private static func indexBeside(_ index: Int64, of significand: UInt64, exponent: Int, scale: Int) -> Int32 {
        let step = Int(truncatingIfNeeded: index) &- exponent &<< scale
        let isBelowTwo = step &>> scale == 0
        let isAbove = isBelowTwo && significand > power(step &<< (maximumScale &- scale))
        return Int32(truncatingIfNeeded: isAbove ? index : index &- 1)
    }

    /// 2^(fraction / 2^20) for a fraction below 2^20, 52 bits behind the point, rounded down.
    @_optimize(speed)
    @inline(never)
    private static func power(_ fraction: Int) -> UInt64 {
        var high: UInt64 = 1 &<< 63
        var low: UInt64 = 0
        var bits = fraction & ((1 &<< maximumScale) &- 1)
        while bits != 0 {
            let at = bits.trailingZeroBitCount &* 2
            let rootHigh = ExponentialTables.roots[unchecked: at]
            let rootLow = ExponentialTables.roots[unchecked: at &+ 1]
            // The lowest of the four products is left out.
            let first = high.multipliedFullWidth(by: rootLow).high
            let second = low.multipliedFullWidth(by: rootHigh).high
            let product = high.multipliedFullWidth(by: rootHigh)
            let (once, carry) = product.low.addingReportingOverflow(first)
            let (twice, secondCarry) = once.addingReportingOverflow(second)
            high = product.high &+ (carry ? 1 : 0) &+ (secondCarry ? 1 : 0)
            high = high &<< 1 | twice &>> 63
            low = twice &<< 1
            bits &= bits &- 1
        }
        return high &>> 11
    }
}
