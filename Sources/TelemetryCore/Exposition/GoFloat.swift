// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Doubles as Go's `strconv.FormatFloat(value, 'g', -1, 64)` writes them: the fewest digits that read back as the same
/// value, with an exponent below -4 and from 6 on.
enum GoFloat {
    /// Bytes that `write` takes at most.
    static let maxLength = 40

    private static let exponentFrom = 6
    /// Below it, whole numbers are exact, and their digits are the fewest.
    private static let exactLimit = 9_007_199_254_740_992.0

    /// Returns the address behind the text.
    @_optimize(speed)
    @inline(never)
    static func write(_ value: Double, to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        guard value.isFinite else { return special(value, target) }
        var to = target
        if value.sign == .minus {
            to[0] = UInt8(ascii: "-")
            to += 1
        }
        let magnitude = value.magnitude
        if magnitude < exactLimit {
            let whole = UInt64(magnitude)
            if Double(whole) == magnitude {
                return magnitude < 1e6 ? Decimal.write(whole, to: to) : wholeNumber(whole, to)
            }
            if magnitude < 1e6, let end = ShortDecimal.write(magnitude, to: to) { return end }
        }
        return anyNumber(magnitude, to)
    }

    /// As OpenMetrics wants bounds: whole numbers have a point too.
    static func writeBound(_ value: Double, to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        // -0 is the same bound as 0, and has the same text.
        let end = write(value == 0 ? 0 : value, to: target)
        guard value.isFinite else { return end }
        var at = target
        while at < end {
            if at.pointee == UInt8(ascii: ".") || at.pointee == UInt8(ascii: "e") { return end }
            at += 1
        }
        end[0] = UInt8(ascii: ".")
        end[1] = UInt8(ascii: "0")
        return end + 2
    }

    private static func special(_ value: Double, _ to: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let text: StaticString = value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf"
        UnsafeMutableRawPointer(to).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        return to + text.utf8CodeUnitCount
    }

    private static func wholeNumber(_ value: UInt64, _ to: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let count = Decimal.write(value, to: to + scratch) - (to + scratch)
        return arrange(count, point: count, to)
    }

    // MARK: numbers with many digits

    /// Where digits are collected, behind the address of the text.
    private static let scratch = 8
    private static let mostDigits = 20
    private static var zero: UInt8 { 0x30 }
    private static var point: UInt8 { 0x2E }

    /// Takes the digits from the standard library's text, which are the fewest as well: of a positive number, with or
    /// without a point, with or without an exponent.
    @_optimize(speed)
    @inline(never)
    private static func anyNumber(_ value: Double, _ to: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var text = value.description
        return text.withUTF8 { area in
            guard var from = area.baseAddress else { return to }
            let end = from + area.count
            var count = 0
            var point = 0
            var isFraction = false
            while from < end, from[0] != 0x65 {
                let byte = from[0]
                from += 1
                if byte == Self.point {
                    isFraction = true
                } else if count == 0 && byte == zero {
                    // In front of all digits, as in 0.00012.
                    if isFraction { point &-= 1 }
                } else if count < mostDigits {
                    to[scratch &+ count] = byte
                    count &+= 1
                    if !isFraction { point &+= 1 }
                }
            }
            return arrange(count, point: point &+ exponent(from, end), to)
        }
    }

    /// Of `e-05`; 0 if there is none.
    private static func exponent(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
        var result = 0
        var from = start + 1
        let isNegative = from < end && from[0] == 0x2D
        while from < end {
            let digit = from[0] &- zero
            if digit < 10, result < 1000 { result = result &* 10 &+ Int(digit) }
            from += 1
        }
        return isNegative ? 0 &- result : result
    }

    /// The collected digits as a number with `point` of them in front of its point.
    @_optimize(speed)
    private static func arrange(
        _ all: Int, point: Int, _ to: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let digits = to + scratch
        var count = all
        while count > 1, digits[count &- 1] == zero { count &-= 1 }
        let exponent = point &- 1
        if exponent < -4 || exponent >= exponentFrom { return scientific(digits, count, exponent, to) }
        return exponent < 0 ? fraction(digits, count, point, to) : plain(digits, count, point, to)
    }

    private static func scientific(
        _ digits: UnsafeMutablePointer<UInt8>, _ count: Int, _ exponent: Int, _ target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        target[0] = digits[0]
        var to = target + 1
        if count > 1 {
            to[0] = point
            memmove(to + 1, digits + 1, count &- 1)
            to += count
        }
        to[0] = 0x65
        to[1] = exponent < 0 ? 0x2D : 0x2B
        to[2] = zero
        return Decimal.write(UInt64(exponent.magnitude), to: exponent.magnitude < 10 ? to + 3 : to + 2)
    }

    /// Below 1: point and at most three zeros in front of the digits.
    private static func fraction(
        _ digits: UnsafeMutablePointer<UInt8>, _ count: Int, _ point: Int, _ target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        target[0] = zero
        target[1] = Self.point
        var to = target + 2
        for _ in point..<0 {
            to[0] = zero
            to += 1
        }
        memmove(to, digits, count)
        return to + count
    }

    private static func plain(
        _ digits: UnsafeMutablePointer<UInt8>, _ count: Int, _ point: Int, _ target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let whole = min(count, point)
        memmove(target, digits, whole)
        var to = target + whole
        for _ in whole..<point {
            to[0] = zero
            to += 1
        }
        if count <= point { return to }
        to[0] = Self.point
        memmove(to + 1, digits + whole, count &- whole)
        return to + (1 &+ count &- whole)
    }
}
