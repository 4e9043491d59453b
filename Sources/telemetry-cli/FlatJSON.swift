// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A JSON object (RFC 8259) of strings, numbers and booleans; a null leaves its key out. Arrays and objects inside it
/// are refused, because a property has one value.
struct FlatJSON {
    private let bytes: [UInt8]
    private var index = 0

    static func parse(_ bytes: [UInt8]) throws(Property.Mistake) -> [Property] {
        var parser = FlatJSON(bytes: bytes)
        let properties = try parser.object()
        parser.skipSpace()
        guard parser.peek == nil else { throw parser.mistake("text after the object") }
        return properties
    }

    /// The text of a JSON string, which is given with its quotes. Nil: it holds a character that no text may hold.
    static func text(_ token: [UInt8]) -> [UInt8]? {
        var parser = FlatJSON(bytes: token)
        parser.index = 1
        do throws(Property.Mistake) { return Array(try parser.string().utf8) } catch { return nil }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private func mistake(_ what: String) -> Property.Mistake {
        Property.Mistake(message: "is not a flat JSON object: " + what + " at byte \(index)")
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { index += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard peek == byte else { return false }
        index += 1
        return true
    }

    private mutating func object() throws(Property.Mistake) -> [Property] {
        guard take(UInt8(ascii: "{")) else { throw mistake("expected '{'") }
        var properties: [Property] = []
        if take(UInt8(ascii: "}")) { return properties }
        repeat {
            guard take(UInt8(ascii: "\"")) else { throw mistake("expected a key") }
            let key = try string()
            guard take(UInt8(ascii: ":")) else { throw mistake("expected ':'") }
            guard !key.utf8.isEmpty else { throw mistake("empty key") }
            if let value = try value() { properties.append(Property(key: key, value: value)) }
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw mistake("expected ',' or '}'") }
        return properties
    }

    private mutating func value() throws(Property.Mistake) -> AttributeValue? {
        skipSpace()
        switch peek {
        case UInt8(ascii: "\""):
            index += 1
            return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", nil)
        case UInt8(ascii: "{"), UInt8(ascii: "["): throw mistake("a nested value")
        default: return try number()
        }
    }

    private mutating func literal(_ word: String, _ value: AttributeValue?) throws(Property.Mistake) -> AttributeValue?
    {
        guard bytes[index...].starts(with: word.utf8) else { throw mistake("expected a value") }
        index += word.utf8.count
        return value
    }

    private mutating func number() throws(Property.Mistake) -> AttributeValue {
        let start = index
        while let byte = peek, PlainNumber.isPart(byte) { index += 1 }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if let integer = Int64(text) { return .int(integer) }
        guard let double = PlainNumber.double(text) else {
            index = start
            throw mistake("expected a value")
        }
        return .double(double)
    }

    /// After the opening quote; RFC 8259, section 7.
    private mutating func string() throws(Property.Mistake) -> String {
        var text: [UInt8] = []
        while let byte = peek {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw mistake("a control character in a string")
            default: text.append(byte)
            }
        }
        throw mistake("a string without end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Property.Mistake) {
        guard peek != nil else { throw mistake("a string without end") }
        var at = index
        let wrong = bytes.withUnsafeBytes { JSONEscape.read($0, &at, into: &text) }
        index = at
        switch wrong {
        case nil: return
        case .unknown?:
            index += 1
            throw mistake("an unknown escape")
        case .digits?: throw mistake("expected four hex digits")
        case .zero?: throw mistake("U+0000, which no text may hold,")
        }
    }
}
