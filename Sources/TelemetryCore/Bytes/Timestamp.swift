// SPDX-License-Identifier: Apache-2.0

/// RFC 3339 text of a point in time.
package enum Timestamp {
    /// `2026-05-12T14:30:45.123456789Z`
    static let length = 30

    package static func text(_ nanoseconds: Int64) -> String {
        String(unsafeUninitializedCapacity: length) { target in
            guard let start = target.baseAddress else { return 0 }
            write(nanoseconds, to: start)
            return length
        }
    }

    private static func write(_ nanoseconds: Int64, to target: UnsafeMutablePointer<UInt8>) {
        var writer = TimestampWriter()
        writer.write(nanoseconds, to: target)
    }
}

/// Writes the texts of points in time. Most of them lie in the same second as the one before.
struct TimestampWriter {
    private var hasSecond = false
    /// When that second began.
    private var begin: Int64 = 0
    /// Its text, as far as the point.
    private var text: (UInt64, UInt64, UInt32) = (0, 0, 0)

    private static let second: Int64 = 1_000_000_000

    /// Writes the 30 bytes for `nanoseconds` since 1970-01-01 UTC; every Int64 has a text, from
    /// 1677-09-21T00:12:43.145224192Z to 2262-04-11T23:47:16.854775807Z.
    @_optimize(speed)
    @inline(never)
    mutating func write(_ nanoseconds: Int64, to target: UnsafeMutablePointer<UInt8>) {
        var fraction = UInt64(bitPattern: nanoseconds &- begin)
        if !hasSecond || nanoseconds < begin || fraction >= UInt64(Self.second) {
            beginSecond(nanoseconds)
            fraction = UInt64(bitPattern: nanoseconds &- begin)
        }
        let to = UnsafeMutableRawPointer(target)
        to.storeBytes(of: text.0, as: UInt64.self)
        to.storeBytes(of: text.1, toByteOffset: 8, as: UInt64.self)
        to.storeBytes(of: text.2, toByteOffset: 16, as: UInt32.self)
        // Nine digits.
        let (first, rest) = fraction.quotientAndRemainder(dividingBy: 100_000_000)
        let (high, low) = (Int(truncatingIfNeeded: rest / 10_000), Int(truncatingIfNeeded: rest % 10_000))
        target[20] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: first)
        Decimal.writePair(high / 100, to: target + 21)
        Decimal.writePair(high % 100, to: target + 23)
        Decimal.writePair(low / 100, to: target + 25)
        Decimal.writePair(low % 100, to: target + 27)
        target[29] = UInt8(ascii: "Z")
    }

    @inline(never)
    private mutating func beginSecond(_ nanoseconds: Int64) {
        let (seconds, fraction) = Self.floorDivide(Int(nanoseconds), Int(Self.second))
        begin = nanoseconds &- Int64(fraction)
        // The first second of all began before the smallest Int64.
        hasSecond = begin <= nanoseconds
        let (days, secondOfDay) = Self.floorDivide(seconds, 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        withUnsafeMutableBytes(of: &text) { area in
            guard let target = area.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            Decimal.writePair(date.year / 100, to: target)
            Decimal.writePair(date.year % 100, to: target + 2)
            Self.writePart("-", date.month, to: target + 4)
            Self.writePart("-", date.day, to: target + 7)
            Self.writePart("T", secondOfDay / 3600, to: target + 10)
            Self.writePart(":", secondOfDay / 60 % 60, to: target + 13)
            Self.writePart(":", secondOfDay % 60, to: target + 16)
            target[19] = UInt8(ascii: ".")
        }
    }

    private static func writePart(_ separator: Unicode.Scalar, _ value: Int, to target: UnsafeMutablePointer<UInt8>) {
        target[0] = UInt8(ascii: separator)
        Decimal.writePair(value, to: target + 1)
    }

    private static func floorDivide(_ value: Int, _ divisor: Int) -> (quotient: Int, remainder: Int) {
        let remainder = value % divisor
        return remainder < 0
            ? (value / divisor &- 1, remainder &+ divisor)
            : (value / divisor, remainder)
    }
}
