// SPDX-License-Identifier: Apache-2.0

/// Doubles as Go's `strconv.FormatFloat(value, 'g', -1, 64)` writes them: the fewest digits that read back as the same
/// value, with an exponent below -4 and from 6 on.
enum GoFloat {
    /// Bytes that `write` takes at most.
    static let maxLength = 32

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
        let end = write(value, to: target)
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
        var digits = Digits()
        withUnsafeMutableBytes(of: &digits.bytes) { area in
            guard let base = area.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            digits.count = Decimal.write(value, to: base) - base
        }
        digits.point = digits.count
        return digits.write(to: to)
    }

    /// Reads the digits of the standard library's text, which are the fewest as well.
    @inline(never)
    private static func anyNumber(_ value: Double, _ to: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var text = value.description
        return text.withUTF8 { Digits($0).write(to: to) }
    }

    /// Decimal digits, and how many of them are in front of the point.
    private struct Digits {
        var bytes: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var count = 0
        var point = 0

        private static let capacity = 24

        init() {}

        /// Of a positive number: digits with or without a point, with or without an exponent.
        init(_ text: UnsafeBufferPointer<UInt8>) {
            var isFraction = false
            var at = 0
            while at < text.count, text[at] != UInt8(ascii: "e") {
                let byte = text[at]
                at &+= 1
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else {
                    isFraction = true
                    continue
                }
                if count == 0 && byte == UInt8(ascii: "0") {
                    // A zero in front of all digits: 0.00012.
                    if isFraction { point &-= 1 }
                    continue
                }
                append(byte)
                if !isFraction { point &+= 1 }
            }
            point &+= Self.exponent(text, at &+ 1)
        }

        private mutating func append(_ byte: UInt8) {
            guard count < Self.capacity else { return }
            withUnsafeMutableBytes(of: &bytes) { $0[count] = byte }
            count &+= 1
        }

        private static func exponent(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
            var result = 0
            var isNegative = false
            for byte in text.dropFirst(start) {
                if byte == UInt8(ascii: "-") { isNegative = true }
                if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), result < 1000 {
                    result = result &* 10 &+ Int(byte &- UInt8(ascii: "0"))
                }
            }
            return isNegative ? 0 &- result : result
        }

        func write(to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
            withUnsafeBytes(of: bytes) { digits in
                var count = count
                while count > 1, digits[count &- 1] == UInt8(ascii: "0") { count &-= 1 }
                let exponent = point &- 1
                return exponent < -4 || exponent >= GoFloat.exponentFrom
                    ? Self.scientific(digits, count, exponent, target) : Self.plain(digits, count, point, target)
            }
        }

        private static func scientific(
            _ digits: UnsafeRawBufferPointer, _ count: Int, _ exponent: Int, _ target: UnsafeMutablePointer<UInt8>
        ) -> UnsafeMutablePointer<UInt8> {
            var to = target
            for index in 0..<max(1, count) {
                if index == 1 {
                    to[0] = UInt8(ascii: ".")
                    to += 1
                }
                to[0] = digits[index]
                to += 1
            }
            to[0] = UInt8(ascii: "e")
            to[1] = exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
            to += 2
            if exponent.magnitude < 10 {
                to[0] = UInt8(ascii: "0")
                to += 1
            }
            return Decimal.write(UInt64(exponent.magnitude), to: to)
        }

        private static func plain(
            _ digits: UnsafeRawBufferPointer, _ count: Int, _ point: Int, _ target: UnsafeMutablePointer<UInt8>
        ) -> UnsafeMutablePointer<UInt8> {
            var to = target
            if point <= 0 {
                to[0] = UInt8(ascii: "0")
                to[1] = UInt8(ascii: ".")
                to += 2
            }
            for _ in 0..<max(0, 0 &- point) {
                to[0] = UInt8(ascii: "0")
                to += 1
            }
            for index in 0..<max(count, point) {
                if index == point && index > 0 {
                    to[0] = UInt8(ascii: ".")
                    to += 1
                }
                to[0] = index < count ? digits[index] : UInt8(ascii: "0")
                to += 1
            }
            return to
        }
    }
}
