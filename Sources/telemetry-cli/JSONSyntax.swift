/// Whether bytes are JSON (RFC 8259) in UTF-8; nothing is kept of them.
struct JSONSyntax {
    private var rest: ArraySlice<UInt8>
    /// An entry of the audit log has four levels.
    private var depth = 0

    private static let limitDepth = 64

    static func isObject(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.first == UInt8(ascii: "{"), ShownText.text(Array(bytes)) != nil else { return false }
        var syntax = JSONSyntax(rest: bytes)
        return syntax.value() && syntax.rest.isEmpty
    }

    private mutating func value() -> Bool {
        skipSpace()
        defer { skipSpace() }
        switch rest.first {
        case UInt8(ascii: "{"): return list(until: UInt8(ascii: "}"), hasKeys: true)
        case UInt8(ascii: "["): return list(until: UInt8(ascii: "]"), hasKeys: false)
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }

    private mutating func list(until end: UInt8, hasKeys: Bool) -> Bool {
        rest.removeFirst()
        depth += 1
        defer { depth -= 1 }
        if depth > Self.limitDepth { return false }
        skipSpace()
        if take(end) { return true }
        repeat {
            skipSpace()
            if hasKeys && !(string() && colon()) { return false }
            if !value() { return false }
        } while take(UInt8(ascii: ","))
        return take(end)
    }

    private mutating func colon() -> Bool {
        skipSpace()
        return take(UInt8(ascii: ":"))
    }

    private mutating func string() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return true }
            if byte < 0x20 || byte == UInt8(ascii: "\\") && !escape() { return false }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard let byte = rest.popFirst() else { return false }
        if byte != UInt8(ascii: "u") { return Array("\"\\/bfnrt".utf8).contains(byte) }
        for _ in 0..<4 {
            guard let digit = rest.popFirst(), Array("0123456789abcdefABCDEF".utf8).contains(digit) else { return false }
        }
        return true
    }

    private mutating func word(_ text: String) -> Bool {
        for byte in text.utf8 where !take(byte) { return false }
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
        let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        rest.removeFirst(count)
        return count > 0
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func skipSpace() {
        while let byte = rest.first, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { rest.removeFirst() }
    }
}
