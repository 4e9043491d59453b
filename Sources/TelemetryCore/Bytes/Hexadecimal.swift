// SPDX-License-Identifier: Apache-2.0

/// Numbers and bytes as lower-case hexadecimal digits.
package enum Hexadecimal {
    /// 16 digits, the most significant first.
    package static func text(_ word: UInt64) -> String {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        return text(bytes)
    }

    /// Two digits a byte.
    package static func text(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            digits.append(digit(byte >> 4))
            digits.append(digit(byte & 15))
        }
        return String(bytes: digits)
    }

    /// Two digits a byte, into memory that has room for them.
    static func write(_ bytes: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>) {
        for (index, byte) in bytes.enumerated() {
            target[2 &* index] = digit(byte >> 4)
            target[2 &* index &+ 1] = digit(byte & 15)
        }
    }

    /// The eight digits of `word`, the first one in the lowest byte.
    @inline(__always)
    static func digits(_ word: UInt32) -> UInt64 {
        // One digit in each byte, the last one in the lowest.
        var value = UInt64(word)
        value = (value | value << 16) & 0x0000_FFFF_0000_FFFF
        value = (value | value << 8) & 0x00FF_00FF_00FF_00FF
        value = (value | value << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // 1 in the bytes of a to f, which come 39 behind ":".
        let letters = (value &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (value &+ 0x3030_3030_3030_3030 &+ letters &* 39).byteSwapped
    }

    /// 16 digits, the most significant first, into memory that has room for them.
    @inline(__always)
    static func write(_ word: UInt64, to target: UnsafeMutablePointer<UInt8>) {
        let place = UnsafeMutableRawPointer(target)
        place.storeBytes(of: digits(UInt32(truncatingIfNeeded: word >> 32)).littleEndian, as: UInt64.self)
        place.storeBytes(of: digits(UInt32(truncatingIfNeeded: word)).littleEndian, toByteOffset: 8, as: UInt64.self)
    }

    static func isDigit(_ byte: UInt8) -> Bool { value(byte) != nil }

    /// The number that these digits mean. Nil unless there are 1 to 16 of them, and nothing else.
    static func word(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard (1...16).contains(digits.count) else { return nil }
        var result: UInt64 = 0
        for digit in digits {
            guard let value = value(digit) else { return nil }
            result = result << 4 | UInt64(value)
        }
        return result
    }

    /// The number that `count` digits mean, 1 to 16 of them. Nil: one of them is something else.
    @_optimize(speed)
    static func word(_ digits: UnsafePointer<UInt8>, count: Int) -> UInt64? {
        var result: UInt64 = 0
        var isWrong = false
        for index in 0..<count {
            let number = digits[index] &- UInt8(ascii: "0")
            let letter = digits[index] &- UInt8(ascii: "a")
            isWrong = isWrong || (number > 9 && letter > 5)
            result = result << 4 | UInt64(number <= 9 ? number : letter &+ 10)
        }
        return isWrong ? nil : result
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &- 10 &+ value
    }

    /// Of a digit in upper or lower case.
    package static func value(inAnyCase digit: UInt8) -> UInt8? {
        (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(digit) ? digit &- UInt8(ascii: "A") &+ 10 : value(digit)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit &- UInt8(ascii: "a") &+ 10
        default: nil
        }
    }
}
