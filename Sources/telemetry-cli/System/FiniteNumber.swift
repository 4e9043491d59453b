// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A decimal number with a point and an exponent, as in JSON; finite.
enum FiniteNumber {
    /// Nil when it is not a number or is too large. The helper never leaves the "C" locale, so strtod(3) reads a point
    /// as a point.
    static func parse(_ text: String) -> Double? {
        guard !text.utf8.isEmpty, text.utf8.count <= 400, text.utf8.allSatisfy(isPart) else { return nil }
        let parsed: Double? = text.withCString { start in
            var end: UnsafeMutablePointer<CChar>?
            let value = strtod(start, &end)
            guard let end, end.pointee == 0 else { return nil }
            return value
        }
        guard let parsed, parsed.isFinite else { return nil }
        return parsed
    }

    static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}
