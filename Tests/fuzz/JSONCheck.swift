/// RFC 8259, to the letter, and UTF-8: traps on the first byte that is not as it must be.
/// Independent of the writer that it checks.
struct JSONCheck {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    static func check(_ bytes: UnsafeRawBufferPointer) {
        precondition(String(validating: bytes, as: UTF8.self) != nil, "not UTF-8")
        var check = JSONCheck(bytes: bytes)
        check.value()
        precondition(check.index == bytes.count, "text after the value")
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var peek: UInt8 { index < bytes.count ? bytes[index] : 0 }

    private mutating func take(_ text: StaticString) {
        for byte in UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount) {
            precondition(peek == byte, "expected another byte")
            index += 1
        }
    }

    /// The library writes no white space in JSON Lines.
    private mutating func value() {
        switch peek {
        case UInt8(ascii: "{"): members(close: UInt8(ascii: "}")) { $0.string(); $0.take(":"); $0.value() }
        case UInt8(ascii: "["): members(close: UInt8(ascii: "]")) { $0.value() }
        case UInt8(ascii: "\""): string()
        case UInt8(ascii: "t"): take("true")
        case UInt8(ascii: "f"): take("false")
        case UInt8(ascii: "n"): take("null")
        default: number()
        }
    }

    private mutating func members(close: UInt8, _ member: (inout JSONCheck) -> Void) {
        index += 1
        if peek == close { index += 1; return }
        while true {
            member(&self)
            if peek == close { index += 1; return }
            take(",")
        }
    }

    private mutating func string() {
        take("\"")
        while peek != UInt8(ascii: "\"") {
            precondition(index < bytes.count && peek >= 0x20, "control character or end in a string")
            if peek == UInt8(ascii: "\\") { escape() } else { index += 1 }
        }
        index += 1
    }

    private mutating func escape() {
        index += 1
        if peek == UInt8(ascii: "u") {
            for digit in bytes[(index + 1)...].prefix(4) { precondition(Self.isHexadecimal(digit), "no hex digit") }
            precondition(index + 5 <= bytes.count)
            index += 5
        } else {
            precondition("\"\\/bfnrt".utf8.contains(peek), "unknown escape")
            index += 1
        }
    }

    private mutating func number() {
        if peek == UInt8(ascii: "-") { index += 1 }
        if peek == UInt8(ascii: "0") { index += 1 } else { digits() }
        if peek == UInt8(ascii: ".") { index += 1; digits() }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            index += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { index += 1 }
            digits()
        }
    }

    private mutating func digits() {
        precondition(Self.isDigit(peek), "no digit")
        while Self.isDigit(peek) { index += 1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
    }
}
