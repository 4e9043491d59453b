// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Numbers of the YAML 1.2 core schema (section 10.3.2), in decimal.
enum YAMLNumber {
    /// `[-+]? [0-9]+`
    static func isInteger(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        skipSign(&bytes)
        return skipDigits(&bytes) > 0 && bytes.isEmpty
    }

    /// Nil when it does not fit, and for a text that is not an integer.
    static func integer(_ text: String) -> Int64? {
        guard isInteger(text) else { return nil }
        var bytes = Array(text.utf8)[...]
        let isNegative = bytes.first == UInt8(ascii: "-")
        skipSign(&bytes)
        var result: Int64 = 0
        for byte in bytes {
            let digit = Int64(byte &- UInt8(ascii: "0"))
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            // Downwards, since the smallest number has no positive counterpart.
            let (next, overflowToo) = product.subtractingReportingOverflow(digit)
            if overflow || overflowToo { return nil }
            result = next
        }
        if isNegative { return result }
        return result == .min ? nil : -result
    }

    /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
    static func isDecimal(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        skipSign(&bytes)
        let whole = skipDigits(&bytes)
        if bytes.first == UInt8(ascii: ".") {
            bytes.removeFirst()
            let fraction = skipDigits(&bytes)
            if whole == 0 && fraction == 0 { return false }
        } else if whole == 0 {
            return false
        }
        if bytes.first == UInt8(ascii: "e") || bytes.first == UInt8(ascii: "E") {
            bytes.removeFirst()
            skipSign(&bytes)
            if skipDigits(&bytes) == 0 { return false }
        }
        return bytes.isEmpty
    }

    /// Nil when it is too large. `text` is a decimal.
    static func double(_ text: String) -> Double? {
        var result = 0.0
        guard csystem_yaml_double(text, &result), result.isFinite else { return nil }
        return result
    }

    private static func skipSign(_ bytes: inout ArraySlice<UInt8>) {
        if bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") { bytes.removeFirst() }
    }

    private static func skipDigits(_ bytes: inout ArraySlice<UInt8>) -> Int {
        let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        bytes.removeFirst(digits)
        return digits
    }
}
