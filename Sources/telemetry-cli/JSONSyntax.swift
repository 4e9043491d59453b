// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// JSON (RFC 8259) in UTF-8, read over once. Only the places of its parts are kept.
struct JSONSyntax {
    /// Valid as long as the text is.
    private let bytes: UnsafeBufferPointer<UInt8>
    private var index: Int
    /// An entry of the audit log has four levels.
    private var depth = 0

    private static let limitDepth = 64

    /// A member of an object: its key, without quotes, and its value, without space around it.
    typealias Member = (key: Range<Int>, value: Range<Int>)

    static func isObject(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { members(of: $0) { _ in } }
    }

    /// It is one value, with space around it perhaps.
    static func isValue(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { text in
            guard isUTF8(text) else { return false }
            var syntax = JSONSyntax(text, at: 0)
            syntax.skipSpace()
            guard syntax.value() else { return false }
            syntax.skipSpace()
            return syntax.isAtEnd
        }
    }

    /// Calls `body` with each member of an object that is all of `text`. False: it is not such an object, which may
    /// show only behind some members.
    static func members(of text: UnsafeBufferPointer<UInt8>, _ body: (Member) -> Void) -> Bool {
        guard isUTF8(text) else { return false }
        var syntax = JSONSyntax(text, at: 0)
        return syntax.object(body) && syntax.isAtEnd
    }

    /// Calls `body` with each member of the object at `range`, which was read over as a value before.
    static func members(of text: UnsafeBufferPointer<UInt8>, in range: Range<Int>, _ body: (Member) -> Void) {
        var syntax = JSONSyntax(text, at: range.lowerBound)
        _ = syntax.object(body)
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) {
        self.bytes = bytes
        self.index = index
    }

    private static func isUTF8(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = text.baseAddress else { return true }
        var index = 0
        while index < text.count {
            if base[index] < 0x80 {
                index += 1
                continue
            }
            let (length, isWellFormed) = UTF8Sequence.examine(base + index, available: text.count - index)
            if !isWellFormed { return false }
            index += length
        }
        return true
    }

    private var isAtEnd: Bool { index == bytes.count }
    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// Takes the space behind it as well.
    private mutating func object(_ body: (Member) -> Void) -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        defer { skipSpace() }
        return list(until: UInt8(ascii: "}")) { syntax in
            let key = syntax.index + 1
            guard syntax.string() else { return false }
            let keyEnd = syntax.index - 1
            syntax.skipSpace()
            guard syntax.take(UInt8(ascii: ":")) else { return false }
            syntax.skipSpace()
            let start = syntax.index
            guard syntax.value() else { return false }
            body((key..<keyEnd, start..<syntax.index))
            return true
        }
    }

    private mutating func value() -> Bool {
        switch next {
        case UInt8(ascii: "{"): return nested(UInt8(ascii: "}"), hasKeys: true)
        case UInt8(ascii: "["): return nested(UInt8(ascii: "]"), hasKeys: false)
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }

    private mutating func nested(_ end: UInt8, hasKeys: Bool) -> Bool {
        index += 1
        return list(until: end) { syntax in
            if hasKeys {
                guard syntax.string() else { return false }
                syntax.skipSpace()
                guard syntax.take(UInt8(ascii: ":")) else { return false }
                syntax.skipSpace()
            }
            return syntax.value()
        }
    }

    /// From behind the opening bracket to behind the closing one.
    private mutating func list(until end: UInt8, _ item: (inout JSONSyntax) -> Bool) -> Bool {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.limitDepth { return false }
        skipSpace()
        if take(end) { return true }
        repeat {
            skipSpace()
            if !item(&self) { return false }
            skipSpace()
        } while take(UInt8(ascii: ","))
        return take(end)
    }

    private mutating func string() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while let byte = next {
            index += 1
            if byte == UInt8(ascii: "\"") { return true }
            if byte < 0x20 || byte == UInt8(ascii: "\\") && !escape() { return false }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard let byte = next else { return false }
        index += 1
        if byte != UInt8(ascii: "u") { return Self.isIn("\"\\/bfnrt", byte) }
        for _ in 0..<4 {
            guard let digit = next, Self.isIn("0123456789abcdefABCDEF", digit) else { return false }
            index += 1
        }
        return true
    }

    private static func isIn(_ text: StaticString, _ byte: UInt8) -> Bool {
        (0..<text.utf8CodeUnitCount).contains { text.utf8Start[$0] == byte }
    }

    private mutating func word(_ text: StaticString) -> Bool {
        for offset in 0..<text.utf8CodeUnitCount where !take(text.utf8Start[offset]) { return false }
        return true
    }

    private mutating func number() -> Bool {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) && !digits() { return false }
        if take(UInt8(ascii: ".")) && !digits() { return false }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            return digits()
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = index
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index > start
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }
}
