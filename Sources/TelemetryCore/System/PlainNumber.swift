// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Decimal numbers, as in JSON. For a process that never leaves the "C" locale, so that strtod(3) reads a point as a point:
/// the helper and the agent.
package enum PlainNumber {
    package static let longest = 400

    /// It may be in such a number.
    package static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    /// Digits, with a sign or without one. Nil also if 64 bits cannot hold it.
    package static func whole(_ text: UnsafeRawBufferPointer) -> Int64? {
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
    package static func double(_ text: UnsafeRawBufferPointer) -> Double? {
        guard (1...longest).contains(text.count) else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: longest + 1) { area -> Double? in
            guard let start = area.baseAddress else { return nil }
            for (at, byte) in text.enumerated() {
                guard isPart(byte) else { return nil }
                start[at] = CChar(bitPattern: byte)
            }
            start[text.count] = 0
            var end: UnsafeMutablePointer<CChar>?
            let value = strtod(start, &end)
            return end == start + text.count && value.isFinite ? value : nil
        }
    }
    package static func double(_ text: String) -> Double? { Array(text.utf8).withUnsafeBytes { double($0) } }
}
