// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// A property as it is written on the command line and on standard input: `key=value`,
/// `key:string=…`, `key:int=…`, `key:double=…` or `key:bool=…`.
struct Property {
    let key: String
    let value: AttributeValue

    /// Why a text is not a property. Never holds the text itself, which may be private.
    struct Mistake: Error {
        let message: String
    }

    static func parse(_ text: String) throws(Mistake) -> Property {
        let bytes = text.utf8
        if bytes.contains(0) { throw Mistake(message: "holds U+0000, which no text may") }
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { throw Mistake(message: "needs k=v") }
        let value = String(text[bytes.index(after: equals)...])
        let left = text[..<equals]
        guard let colon = left.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            return try make(String(left), .string(value))
        }
        let type = String(left[left.utf8.index(after: colon)...])
        return try make(String(left[..<colon]), typed(value, type))
    }

    private static func make(_ key: String, _ value: AttributeValue) throws(Mistake) -> Property {
        if key.utf8.isEmpty { throw Mistake(message: "needs a key before '='") }
        return Property(key: key, value: value)
    }

    private static func typed(_ text: String, _ type: String) throws(Mistake) -> AttributeValue {
        if ArgumentParser.same(type, "string") { return .string(text) }
        if ArgumentParser.same(type, "int") {
            guard let value = Int64(text) else {
                throw Mistake(message: "needs a whole number of 64 bits after ':int='")
            }
            return .int(value)
        }
        if ArgumentParser.same(type, "double") {
            guard let value = PlainNumber.double(text) else {
                throw Mistake(message: "needs a number after ':double='")
            }
            return .double(value)
        }
        if ArgumentParser.same(type, "bool") {
            if ArgumentParser.same(text, "true") { return .bool(true) }
            if ArgumentParser.same(text, "false") { return .bool(false) }
            throw Mistake(message: "needs true or false after ':bool='")
        }
        throw Mistake(message: "has an unknown type after ':', expected string, int, double or bool")
    }
}
