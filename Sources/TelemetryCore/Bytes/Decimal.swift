// SPDX-License-Identifier: Apache-2.0

/// Decimal digits, written straight into memory.
enum Decimal {
    /// Most digits of a UInt64.
    static let maxDigits = 20

    private static let pairs: StaticString =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

    /// Two digits of `value`, which is below 100.
    @inline(__always)
    static func writePair(_ value: Int, to target: UnsafeMutablePointer<UInt8>) {
        let from = pairs.utf8Start + (value &* 2)
        target[0] = from[0]
        target[1] = from[1]
    }

    /// Writes `value` without leading zeros. Returns the address behind its last digit.
    @inline(__always)
    static func write(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let end = target + digitCount(value)
        var at = end
        var rest = value
        while rest >= 100 {
            at -= 2
            writePair(Int(truncatingIfNeeded: rest % 100), to: at)
            rest /= 100
        }
        if rest >= 10 {
            writePair(Int(truncatingIfNeeded: rest), to: at - 2)
        } else {
            (at - 1).pointee = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest)
        }
        return end
    }

    @inline(__always)
    private static func digitCount(_ value: UInt64) -> Int {
        var digits = 1
        var rest = value
        while rest >= 10_000 {
            rest /= 10_000
            digits &+= 4
        }
        return digits &+ (rest >= 1000 ? 3 : rest >= 100 ? 2 : rest >= 10 ? 1 : 0)
    }
}
