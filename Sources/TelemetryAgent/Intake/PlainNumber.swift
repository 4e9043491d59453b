// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Decimal numbers in what clients send. The agent never leaves the "C" locale, so strtod(3) reads a point as a point.
enum PlainNumber {
    private static let most = 400

    /// Digits, with a sign or without one. Nil also if 64 bits cannot hold it.
    static func whole(_ text: UnsafeRawBufferPointer) -> Int64? {
        var at = 0
        let isNegative = text.first == UInt8(ascii: "-")
        if isNegative || text.first == UInt8(ascii: "+") { at = 1 }
        guard at < text.count, text.count <= 24 else { return nil }
        var value: Int64 = 0
        while at < text.count {
            guard (0x30...0x39).contains(text[at]) else { return nil }
            let digit = Int64(text[at] &- 0x30)
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) =
                isNegative ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            if isTooLarge || overflow { return nil }
            value = sum
            at += 1
        }
        return value
    }

    /// With a fraction and an exponent, or without. Nil also for what is not finite.
    static func double(_ text: UnsafeRawBufferPointer) -> Double? {
        guard (1...most).contains(text.count) else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: most + 1) { area -> Double? in
            guard let start = area.baseAddress else { return nil }
            for (at, byte) in text.enumerated() {
                switch byte {
                case 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"),
                    UInt8(ascii: "E"):
                    start[at] = CChar(bitPattern: byte)
                default: return nil
                }
            }
            start[text.count] = 0
            var end: UnsafeMutablePointer<CChar>?
            let value = strtod(start, &end)
            return end == start + text.count && value.isFinite ? value : nil
        }
    }
}
