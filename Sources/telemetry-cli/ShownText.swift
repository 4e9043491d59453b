// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Text made fit for a terminal: characters that a terminal would obey are made visible.
enum ShownText {
    /// Lines for people: a question mark for each such character.
    static func lines(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            let isLayout = scalar == "\n" || scalar == "\t"
            result.unicodeScalars.append(!isLayout && UnseenCharacter.isOne(scalar.value) ? "?" : scalar)
        }
        return result
    }

    /// The same for bytes that another program takes as they are.
    static func terminal(_ bytes: [UInt8]) -> [UInt8] { Array(lines(String(decoding: bytes, as: UTF8.self)).utf8) }

    /// JSON with the same values: the writer of an event escapes C0, and writes the other characters in strings as they
    /// are.
    static func json(_ bytes: [UInt8]) -> [UInt8] {
        guard let text = text(bytes) else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for scalar in text.unicodeScalars {
            if scalar.value >= 0x7F && UnseenCharacter.isOne(scalar.value) {
                result += escape(scalar)
            } else if let encoded = UTF8.encode(scalar) {
                result += encoded
            }
        }
        return result
    }

    /// Nil: the bytes are not UTF-8.
    static func text(_ bytes: [UInt8]) -> String? {
        let text = String(decoding: bytes, as: UTF8.self)
        return text.utf8.elementsEqual(bytes) ? text : nil
    }

    /// RFC 8259, section 7.
    static func escape(_ scalar: Unicode.Scalar) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for unit in UTF16.encode(scalar).map({ Array($0) }) ?? [] {
            result += [UInt8(ascii: "\\"), UInt8(ascii: "u")]
            for shift in [12, 8, 4, 0] { result.append(digits[Int(unit >> shift & 15)]) }
        }
        return result
    }
}
