// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What is wrong with a line: where, and what was expected. It quotes names of members, and no values.
struct LineMistake: Error {
    let text: String
    /// What the line names as the tool, if that can be read.
    var tool: String?
}

/// A value in a line.
enum LineValue {
    case none
    case string([UInt8])
    case int(Int64)
    case double(Double)
    case bool(Bool)
    case object([(key: [UInt8], value: LineValue)])

    var kind: StaticString {
        switch self {
        case .none: "nothing"
        case .string: "a text"
        case .int, .double: "a number"
        case .bool: "true or false"
        case .object: "an object"
        }
    }
}

/// Reads one JSON object (RFC 8259) whose values are texts, numbers, true, false, null, or objects of these. Pure; no input
/// makes it trap. What it keeps is not longer than the line.
struct LineJSON {
    typealias Members = [(key: [UInt8], value: LineValue)]

    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    /// Of one object.
    static let mostMembers = 128

    static func parse(_ line: UnsafeRawBufferPointer) throws(LineMistake) -> Members {
        guard JSONSource.isUTF8(line) else { throw LineMistake(text: "the line is not UTF-8") }
        var json = LineJSON(line)
        json.skipSpace()
        guard json.next == UInt8(ascii: "{") else {
            throw json.expected("'{': each line is a JSON object, such as {\"tool\":\"mytool\",\"name\":\"export\"}")
        }
        let members = try json.object(isOutermost: true)
        json.skipSpace()
        guard json.next == nil else { throw json.expected("the end of the line behind the object") }
        return members
    }

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func expected(_ what: StaticString) -> LineMistake {
        LineMistake(text: "byte " + (at + 1).description + ": expected " + what.text)
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0D { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func object(isOutermost: Bool) throws(LineMistake) -> Members {
        guard take(UInt8(ascii: "{")) else { throw expected("'{'") }
        var members: Members = []
        if take(UInt8(ascii: "}")) { return members }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
            let key = try string()
            guard !key.isEmpty else { throw expected("a key that is not empty") }
            guard take(UInt8(ascii: ":")) else { throw expected("':' behind the key") }
            guard members.count < Self.mostMembers else { throw expected("no more than 128 members") }
            members.append((key, try value(isOutermost)))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw expected("',' or '}'") }
        return members
    }

    private mutating func value(_ mayBeObject: Bool) throws(LineMistake) -> LineValue {
        skipSpace()
        switch next {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .none)
        case UInt8(ascii: "{"):
            guard mayBeObject else {
                throw expected("a text, a number, true, false or null, and no object in an object")
            }
            return .object(try object(isOutermost: false))
        case UInt8(ascii: "["): throw expected("a text, a number, true, false, null or an object, and no list")
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: LineValue) throws(LineMistake) -> LineValue {
        let end = at + text.utf8CodeUnitCount
        guard end <= bytes.count, text.isSame(UnsafeRawBufferPointer(rebasing: bytes[at..<end])) else {
            throw expected("a value")
        }
        at = end
        return value
    }

    /// RFC 8259, section 6.
    private mutating func number() throws(LineMistake) -> LineValue {
        let start = at
        var isWhole = true
        if next == UInt8(ascii: "-") { at += 1 }
        if next == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            isWhole = false
            at += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isWhole = false
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        let text = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
        if isWhole, let whole = PlainNumber.whole(text) { return .int(whole) }
        guard let number = PlainNumber.double(text) else {
            at = start
            throw expected("a number that 64 bits can hold")
        }
        return .double(number)
    }

    private mutating func digits() throws(LineMistake) {
        let start = at
        while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
        if at == start { throw expected("a value") }
    }

    /// RFC 8259, section 7. At its opening quote.
    private mutating func string() throws(LineMistake) -> [UInt8] {
        var text: [UInt8] = []
        at += 1
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return text
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw expected("no control character in a text")
            default:
                text.append(byte)
                at += 1
            }
        }
        throw expected("the end of a text")
    }

    private mutating func escape(into text: inout [UInt8]) throws(LineMistake) {
        at += 1
        switch JSONEscape.read(bytes, &at, into: &text) {
        case nil: return
        case .unknown?: throw expected("an escape of JSON")
        case .digits?: throw expected("four hexadecimal digits")
        case .zero?: throw expected("no U+0000 in a text")
        }
    }
}
