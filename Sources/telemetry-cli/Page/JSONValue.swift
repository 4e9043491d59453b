// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// A JSON value (RFC 8259) that was read whole: what the helper's own commands print, and what the user's files hold.
indirect enum JSONValue {
    case null
    case bool(Bool)
    /// As it was written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([(key: String, value: JSONValue)])

    /// Nil: it is something else.
    static func parse(_ bytes: [UInt8]) -> JSONValue? {
        guard JSONSyntax.isValue(bytes[...]) else { return nil }
        var reader = JSONValueReader(bytes)
        return reader.value()
    }

    /// Null: there is no such member.
    subscript(_ key: StaticString) -> JSONValue {
        guard case .object(let members) = self else { return .null }
        for member in members where key.isSame(Array(member.key.utf8)) { return member.value }
        return .null
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var isTrue: Bool { if case .bool(true) = self { true } else { false } }
    var isNull: Bool { if case .null = self { true } else { false } }
    var items: [JSONValue] { if case .array(let items) = self { items } else { [] } }
    var members: [(key: String, value: JSONValue)] { if case .object(let members) = self { members } else { [] } }

    /// A number, or a text that is one, as OTLP writes 64 bits.
    var number: Double? {
        switch self {
        case .number(let text), .string(let text): PlainNumber.double(text)
        default: nil
        }
    }

    /// The same without a fraction, exact.
    var integer: Int64? {
        switch self {
        case .number(let text), .string(let text): Int64(text)
        default: nil
        }
    }

    var count: UInt64 { integer.map { UInt64(clamping: $0) } ?? 0 }

    /// In one line, for people.
    var shown: String {
        switch self {
        case .null: "none"
        case .bool(let value): value ? "true" : "false"
        case .number(let text), .string(let text): text
        case .array(let items): joined(items.map { $0.shown }, ", ")
        case .object(let members): joined(members.map { $0.key + "=" + $0.value.shown }, ", ")
        }
    }
}

/// Reads what is known to be JSON.
private struct JSONValueReader {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8 { at < bytes.count ? bytes[at] : 0 }

    private mutating func skipSpace() {
        while next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 { at &+= 1 }
    }

    mutating func value() -> JSONValue {
        skipSpace()
        defer { skipSpace() }
        switch next {
        case UInt8(ascii: "{"): return object()
        case UInt8(ascii: "["): return array()
        case UInt8(ascii: "\""): return .string(string())
        case UInt8(ascii: "t"): return word(4, .bool(true))
        case UInt8(ascii: "f"): return word(5, .bool(false))
        case UInt8(ascii: "n"): return word(4, .null)
        default:
            let start = at
            while PlainNumber.isPart(next) { at &+= 1 }
            return .number(String(decoding: bytes[start..<at], as: UTF8.self))
        }
    }

    private mutating func word(_ length: Int, _ value: JSONValue) -> JSONValue {
        at &+= length
        return value
    }

    private mutating func object() -> JSONValue {
        var members: [(key: String, value: JSONValue)] = []
        at &+= 1
        skipSpace()
        while next == UInt8(ascii: "\"") {
            let key = string()
            skipSpace()
            at &+= 1
            members.append((key, value()))
            guard next == UInt8(ascii: ",") else { break }
            at &+= 1
            skipSpace()
        }
        at &+= 1
        return .object(members)
    }

    private mutating func array() -> JSONValue {
        var items: [JSONValue] = []
        at &+= 1
        skipSpace()
        while at < bytes.count, next != UInt8(ascii: "]") {
            items.append(value())
            guard next == UInt8(ascii: ",") else { break }
            at &+= 1
        }
        at &+= 1
        return .array(items)
    }

    /// With its quotes.
    private mutating func string() -> String {
        let start = at
        at &+= 1
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at &+= bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
        at = min(at &+ 1, bytes.count)
        return String(decoding: FlatJSON.text(Array(bytes[start..<at])) ?? [], as: UTF8.self)
    }
}
