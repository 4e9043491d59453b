// SPDX-License-Identifier: Apache-2.0

/// Numbers with up to four decimal places, as most measured values are: their shortest digits need no search. At most
/// one decimal of up to 15 digits reads back as a given double (IEEE 754, 5.12.2), so one that does is also the
/// shortest.
enum ShortDecimal {
    /// Bytes that `write` takes at most.
    static let maxLength = 24

    private static let limit = 1e9

    /// Writes what `description` would. Returns the address behind it; nil: `value` is not of that kind.
    @_optimize(speed)
    @inline(never)
    static func write(_ value: Double, to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>? {
        let magnitude = value.magnitude
        guard magnitude >= 0.001, magnitude < limit else { return nil }
        var scale: UInt64 = 1
        for places in 1...4 {
            scale &*= 10
            let digits = UInt64(magnitude * Double(scale) + 0.5)
            // Both operands are exact, and their quotient is rounded in the same way as a number that is read.
            if Double(digits) / Double(scale) != magnitude { continue }
            target[0] = UInt8(ascii: "-")
            let point = Decimal.write(digits / scale, to: value < 0 ? target + 1 : target)
            point[0] = UInt8(ascii: ".")
            var rest = digits % scale
            for place in stride(from: places, to: 0, by: -1) {
                point[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return point + (places &+ 1)
        }
        return nil
    }
}
