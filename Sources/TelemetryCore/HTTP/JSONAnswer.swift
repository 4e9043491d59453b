// SPDX-License-Identifier: Apache-2.0

/// Finds one number in the JSON that a receiver answered, without building a tree. It ends for any bytes.
struct JSONAnswer {
    private let bytes: [UInt8]
    private var at = 0

    /// The value of the first member of that name, at any depth: a number, or a string of digits, which protobuf's JSON
    /// uses for 64 bits. Nil: there is none.
    static func integer(_ name: StaticString, in bytes: [UInt8]) -> Int? {
        var answer = JSONAnswer(bytes: bytes)
        while let text = answer.nextString() {
            if answer.is(text, name) && answer.take(UInt8(ascii: ":")) { return answer.integer() }
        }
        return nil
    }

    /// Whether there is a member of that name, at any depth.
    static func has(_ name: StaticString, in bytes: [UInt8]) -> Bool {
        var answer = JSONAnswer(bytes: bytes)
        while let text = answer.nextString() {
            if answer.is(text, name) && answer.take(UInt8(ascii: ":")) { return true }
        }
        return false
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The content of the next string, with its escapes.
    private mutating func nextString() -> Range<Int>? {
        while at < bytes.count && bytes[at] != UInt8(ascii: "\"") { at &+= 1 }
        let start = at &+ 1
        at = start
        while at < bytes.count && bytes[at] != UInt8(ascii: "\"") { at &+= bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
        guard at < bytes.count else { return nil }
        at &+= 1
        return start..<(at &- 1)
    }

    private func `is`(_ text: Range<Int>, _ name: StaticString) -> Bool {
        guard text.count == name.utf8CodeUnitCount else { return false }
        for index in text where bytes[index] != name.utf8Start[index &- text.lowerBound] { return false }
        return true
    }

    /// Whether that byte comes next, after blanks; if so, it is skipped.
    private mutating func take(_ byte: UInt8) -> Bool {
        while at < bytes.count, bytes[at] == 0x20 || (0x09...0x0D).contains(bytes[at]) { at &+= 1 }
        guard at < bytes.count, bytes[at] == byte else { return false }
        at &+= 1
        return true
    }

    private mutating func integer() -> Int? {
        _ = take(UInt8(ascii: "\""))
        let isNegative = take(UInt8(ascii: "-"))
        var value: Int?
        while at < bytes.count, Authority.isDigit(bytes[at]) {
            // Larger than any number that is meant.
            value = min(1 << 40, (value ?? 0) &* 10 &+ Int(bytes[at] &- UInt8(ascii: "0")))
            at &+= 1
        }
        return value.map { isNegative ? 0 &- $0 : $0 }
    }
}
