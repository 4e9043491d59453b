/// The index of a value by squaring: each squaring of a number in [1, 2) gives a binary digit of its logarithm. What is cut
/// off is counted, so that a result is certain, or nil. Shares nothing with the sources, which multiply roots of 2.
struct ReferenceIndex {
    private let exponent: Int
    private let isPowerOfTwo: Bool
    /// The first digits of the logarithm of the significand, as many as the highest scale needs.
    private let digits: Int
    private let highestScale: Int

    /// Of a finite value above 0, at scales up to `scale`.
    init?(_ value: Double, scale: Int) {
        highestScale = max(scale, 0)
        exponent = Int(value.exponent)
        isPowerOfTwo = value.significand == 1
        var digits = 0
        // 127 bits behind the point. The true power is not below, and above by less than `error` units.
        var power = UInt128(value.significand.bitPattern & 0xF_FFFF_FFFF_FFFF | 0x10_0000_0000_0000) << 75
        var error: UInt128 = 0
        for _ in 0..<highestScale {
            let square = power.multipliedFullWidth(by: power)
            let digit = square.high >> 127
            power = digit == 1 ? square.high : square.high << 1 | square.low >> 127
            error = 4 * error + 2
            if power.addingReportingOverflow(error).overflow { return nil }
            digits = digits << 1 | Int(digit)
        }
        self.digits = digits
    }

    func at(scale: Int) -> Int {
        let atHighest = exponent << highestScale + digits
        // Only a power of two is a bound, and belongs to the bucket that ends there.
        let below = isPowerOfTwo ? atHighest - 1 : atHighest
        return below >> (highestScale - scale)
    }
}
