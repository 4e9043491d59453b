// SPDX-License-Identifier: Apache-2.0

/// One member of `baggage`: `key=value;property;property=value` (W3C Baggage, section 3.2.1).
package struct BaggageMember {
    /// As it is handed on: without spaces around its parts, the value encoded as it came.
    package let text: [UInt8]
    private let keyLength: Int
    /// Where the value ends.
    private let valueEnd: Int

    package var key: ArraySlice<UInt8> { text[..<keyLength] }

    /// Decoded. What is not UTF-8 is replaced by U+FFFD.
    package var value: String { String(bytes: PercentEncoding.decoded(text[(keyLength + 1)..<valueEnd])) }

    /// `property;property=value`, not decoded: what they mean is the application's affair.
    package var properties: ArraySlice<UInt8> { text[min(valueEnd + 1, text.count)...] }

    /// Nil: `bytes` is not a member.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var text: [UInt8] = []
        var parts = Parts(bytes, UInt8(ascii: ";"))
        guard let first = parts.next(), let keyLength = Self.append(first, to: &text), keyLength < text.count else {
            return nil
        }
        let valueEnd = text.count
        while let property = parts.next() {
            text.append(UInt8(ascii: ";"))
            if Self.append(property, to: &text) == nil { return nil }
        }
        (self.text, self.keyLength, self.valueEnd) = (text, keyLength, valueEnd)
    }

    /// Nil: `key` is not a token (RFC 9110, section 5.6.2).
    init?(key: String, value: String) {
        var text = Array(key.utf8)
        guard !text.isEmpty, text.allSatisfy({ HTTPHeader.isTokenByte($0) }) else { return nil }
        keyLength = text.count
        text.append(UInt8(ascii: "="))
        PercentEncoding.append(Array(value.utf8), to: &text)
        valueEnd = text.count
        self.text = text
    }

    // MARK: grammar

    /// Appends `key=value`, or `key` alone. Returns the length of the key; nil: it is neither.
    private static func append(_ part: UnsafeRawBufferPointer, to text: inout [UInt8]) -> Int? {
        let sign = part.firstIndex(of: UInt8(ascii: "=")) ?? part.count
        let key = OptionalSpace.trim(UnsafeRawBufferPointer(rebasing: part[..<sign]))
        guard !key.isEmpty, key.allSatisfy({ HTTPHeader.isTokenByte($0) }) else { return nil }
        text.append(contentsOf: key)
        if sign == part.count { return key.count }
        let value = OptionalSpace.trim(UnsafeRawBufferPointer(rebasing: part[(sign + 1)...]))
        guard value.allSatisfy({ isValueByte($0) }) else { return nil }
        text.append(UInt8(ascii: "="))
        text.append(contentsOf: value)
        return key.count
    }

    /// baggage-octet: visible ASCII except `"`, `,`, `;` and `\`.
    private static func isValueByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\\"): false
        default: byte > 0x20 && byte < 0x7F
        }
    }

    /// How many members a list has, right or wrong. Empty ones do not count.
    static func count(_ list: UnsafeRawBufferPointer) -> Int {
        var parts = Parts(list, UInt8(ascii: ","))
        var count = 0
        while let part = parts.next() { if !OptionalSpace.trim(part).isEmpty { count += 1 } }
        return count
    }

    /// What is between separators.
    struct Parts {
        private let bytes: UnsafeRawBufferPointer
        private let separator: UInt8
        private var start = 0

        init(_ bytes: UnsafeRawBufferPointer, _ separator: UInt8) {
            self.bytes = bytes
            self.separator = separator
        }

        mutating func next() -> UnsafeRawBufferPointer? {
            guard start <= bytes.count else { return nil }
            let end = bytes[start...].firstIndex(of: separator) ?? bytes.count
            defer { start = end + 1 }
            return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        }
    }
}
