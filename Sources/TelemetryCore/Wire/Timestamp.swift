/// RFC 3339 text of a point in time.
package enum Timestamp {
    /// `2026-05-12T14:30:45.123456789Z`
    static let length = 30

    /// Writes the 30 bytes for `nanoseconds` since 1970-01-01 UTC; every Int64 has a text, from
    /// 1677-09-21T00:12:43.145224192Z to 2262-04-11T23:47:16.854775807Z.
    @inline(__always)
    static func write(_ nanoseconds: Int64, to target: UnsafeMutablePointer<UInt8>) {
        let (seconds, fraction) = floorDivide(Int(nanoseconds), 1_000_000_000)
        let (days, secondOfDay) = floorDivide(seconds, 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        Decimal.writePair(date.year / 100, to: target)
        Decimal.writePair(date.year % 100, to: target + 2)
        writePart("-", date.month, to: target + 4)
        writePart("-", date.day, to: target + 7)
        writePart("T", secondOfDay / 3600, to: target + 10)
        writePart(":", secondOfDay / 60 % 60, to: target + 13)
        writePart(":", secondOfDay % 60, to: target + 16)
        target[19] = UInt8(ascii: ".")
        writeFraction(fraction, to: target + 20)
        target[29] = UInt8(ascii: "Z")
    }

    package static func text(_ nanoseconds: Int64) -> String {
        String(unsafeUninitializedCapacity: length) { target in
            guard let start = target.baseAddress else { return 0 }
            write(nanoseconds, to: start)
            return length
        }
    }

    @inline(__always)
    private static func writePart(_ separator: Unicode.Scalar, _ value: Int, to target: UnsafeMutablePointer<UInt8>) {
        target[0] = UInt8(ascii: separator)
        Decimal.writePair(value, to: target + 1)
    }

    /// Nine digits.
    @inline(__always)
    private static func writeFraction(_ value: Int, to target: UnsafeMutablePointer<UInt8>) {
        target[0] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / 100_000_000)
        Decimal.writePair(value / 1_000_000 % 100, to: target + 1)
        Decimal.writePair(value / 10_000 % 100, to: target + 3)
        Decimal.writePair(value / 100 % 100, to: target + 5)
        Decimal.writePair(value % 100, to: target + 7)
    }

    @inline(__always)
    private static func floorDivide(_ value: Int, _ divisor: Int) -> (quotient: Int, remainder: Int) {
        let remainder = value % divisor
        return remainder < 0
            ? (value / divisor &- 1, remainder &+ divisor)
            : (value / divisor, remainder)
    }
}
