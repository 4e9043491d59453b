// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Reads OTLP in JSON (RFC 8259, in UTF-8): lowerCamelCase keys, ids in hexadecimal digits, enumerations as integers, 64-bit
/// integers as numbers or strings. Unknown keys are read over. The depth of everything is bounded.
struct JSONSource: OTLPSource {
    private let base: UnsafePointer<UInt8>
    private let end: Int
    private var at = 0
    private var depth = 0
    private let arena: TextArena
    private(set) var failure: OTLPFailure?
    /// Bytes of the whole body are checked when reading begins.
    var checksTexts = false
    /// No member of the present object has been read yet.
    private var isFirst = true
    /// The repeated field whose array is being read; 0: none.
    private var list: UInt32 = 0

    private static let quote = UInt8(ascii: "\"")

    /// `arena`: for texts with escapes.
    init(_ body: UnsafeRawBufferPointer, _ arena: TextArena) {
        base = body.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? OTLPText.empty.start
        end = body.baseAddress == nil ? 0 : body.count
        self.arena = arena
        skipSpace()
        if !take(UInt8(ascii: "{")) { fail(.malformed) }
    }

    /// To be asked once: the body is UTF-8.
    static func isUTF8(_ body: UnsafeRawBufferPointer) -> Bool {
        guard let base = body.baseAddress else { return true }
        return OTLPText(start: base.assumingMemoryBound(to: UInt8.self), count: body.count).isUTF8
    }

    /// After the outermost object: nothing follows.
    mutating func isAtEnd() -> Bool {
        skipSpace()
        return failure == nil && at == end
    }

    private mutating func fail(_ failure: OTLPFailure) {
        if self.failure == nil { self.failure = failure }
        at = end
    }

    private var peek: UInt8? { at < end ? base[at] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < end, base[at] == byte else { return false }
        at &+= 1
        return true
    }

    private mutating func skipSpace() {
        while at < end, base[at] == 0x20 || base[at] == 0x0A || base[at] == 0x0D || base[at] == 0x09 { at &+= 1 }
    }

    // MARK: members

    mutating func next(_ message: OTLPMessageType) -> UInt32 {
        while failure == nil {
            skipSpace()
            if list != 0 {
                if take(UInt8(ascii: ",")) {
                    skipSpace()
                    return list
                }
                guard take(UInt8(ascii: "]")) else { break }
                list = 0
                continue
            }
            if take(UInt8(ascii: "}")) { return 0 }
            if !isFirst {
                guard take(UInt8(ascii: ",")) else { break }
                skipSpace()
            }
            isFirst = false
            let mark = arena.used
            guard let key = string(64) else { break }
            let field = message.field(key)
            arena.cut(to: mark)
            skipSpace()
            guard take(UInt8(ascii: ":")) else { break }
            skipSpace()
            // proto3: null is the same as no member.
            if peek == UInt8(ascii: "n") {
                guard word("null") else { break }
                continue
            }
            if field.number == 0 {
                skip()
                continue
            }
            if !field.isRepeated { return field.number }
            guard take(UInt8(ascii: "[")) else {
                fail(.wrongType)
                return 0
            }
            skipSpace()
            if take(UInt8(ascii: "]")) { continue }
            list = field.number
            return list
        }
        fail(.malformed)
        return 0
    }

    mutating func enter() -> OTLPFrame? {
        guard take(UInt8(ascii: "{")) else {
            fail(.wrongType)
            return nil
        }
        depth &+= 1
        if depth > OTLPLimits.depth {
            fail(.tooDeep)
            return nil
        }
        let frame = OTLPFrame(field: list)
        isFirst = true
        list = 0
        return frame
    }

    mutating func leave(_ frame: OTLPFrame) {
        depth &-= 1
        isFirst = false
        list = frame.field
    }

    // MARK: values that nobody asks for

    mutating func skip() { if !skipValue() { fail(.malformed) } }

    private mutating func skipValue() -> Bool {
        switch peek {
        case UInt8(ascii: "{"): return skipList(UInt8(ascii: "}"), hasKeys: true)
        case UInt8(ascii: "["): return skipList(UInt8(ascii: "]"), hasKeys: false)
        case Self.quote: return skipString()
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number() != nil
        }
    }

    private mutating func skipList(_ close: UInt8, hasKeys: Bool) -> Bool {
        at &+= 1
        depth &+= 1
        defer { depth &-= 1 }
        if depth > OTLPLimits.depth {
            fail(.tooDeep)
            return false
        }
        skipSpace()
        if take(close) { return true }
        repeat {
            skipSpace()
            if hasKeys {
                guard skipString() else { return false }
                skipSpace()
                guard take(UInt8(ascii: ":")) else { return false }
                skipSpace()
            }
            guard skipValue() else { return false }
            skipSpace()
        } while take(UInt8(ascii: ","))
        return take(close)
    }

    private mutating func word(_ text: StaticString) -> Bool {
        for index in 0..<text.utf8CodeUnitCount where !take(text.utf8Start[index]) { return false }
        return true
    }

    // MARK: strings

    private mutating func skipString() -> Bool { stringRange() != nil }

    /// What is between the quotes, and whether it has escapes.
    private mutating func stringRange() -> (text: OTLPText, hasEscapes: Bool)? {
        guard take(Self.quote) else { return nil }
        let start = at
        var hasEscapes = false
        while at < end {
            let byte = base[at]
            at &+= 1
            if byte == Self.quote { return (OTLPText(start: base + start, count: at &- 1 &- start), hasEscapes) }
            if byte < 0x20 { return nil }
            guard byte == UInt8(ascii: "\\") else { continue }
            hasEscapes = true
            guard skipEscape() else { return nil }
        }
        return nil
    }

    private mutating func skipEscape() -> Bool {
        guard at < end else { return false }
        let byte = base[at]
        at &+= 1
        switch byte {
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                guard at < end, Hexadecimal.value(inAnyCase: base[at]) != nil else { return false }
                at &+= 1
            }
            return true
        default: return Self.escaped(byte) != nil
        }
    }

    private static func escaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// Nil: there is no string, and nothing is said about that.
    private mutating func string(_ limit: Int) -> OTLPText? {
        guard let (text, hasEscapes) = stringRange() else { return nil }
        return hasEscapes ? unescaped(text, limit) : text
    }

    /// `text` was read over before, so its escapes are whole.
    private func unescaped(_ text: OTLPText, _ limit: Int) -> OTLPText {
        var written = BoundedText(arena, limit: min(limit, text.count))
        var index = 0
        while index < text.count, !written.isFull {
            let byte = text.start[index]
            index &+= 1
            if byte != UInt8(ascii: "\\") {
                written.append(byte)
                continue
            }
            let kind = text.start[index]
            index &+= 1
            if kind != UInt8(ascii: "u") {
                written.append(Self.escaped(kind) ?? kind)
                continue
            }
            Self.append(Self.scalar(text, &index), &written)
        }
        return written.text() ?? .empty
    }

    /// `index`: behind `\u`. Half of a pair becomes U+FFFD.
    private static func scalar(_ text: OTLPText, _ index: inout Int) -> UInt32 {
        let first = unit(text, index)
        index &+= 4
        guard first & 0xF800 == 0xD800 else { return first }
        if first < 0xDC00, index &+ 6 <= text.count, text.start[index] == UInt8(ascii: "\\"),
            text.start[index &+ 1] == UInt8(ascii: "u")
        {
            let second = unit(text, index &+ 2)
            if second & 0xFC00 == 0xDC00 {
                index &+= 6
                return 0x10000 &+ (first & 0x3FF) << 10 &+ (second & 0x3FF)
            }
        }
        return 0xFFFD
    }

    private static func unit(_ text: OTLPText, _ index: Int) -> UInt32 {
        guard index &+ 4 <= text.count else { return 0xFFFD }
        var result: UInt32 = 0
        for offset in 0..<4 {
            result = result << 4 | UInt32(Hexadecimal.value(inAnyCase: text.start[index &+ offset]) ?? 0)
        }
        return result
    }

    private static func append(_ scalar: UInt32, _ text: inout BoundedText) {
        func part(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: scalar >> shift & 0x3F) | 0x80 }
        if scalar < 0x80 {
            text.append(UInt8(truncatingIfNeeded: scalar))
        } else if scalar < 0x800 {
            text.append(UInt8(truncatingIfNeeded: scalar >> 6) | 0xC0)
            text.append(part(0))
        } else if scalar < 0x10000 {
            text.append(UInt8(truncatingIfNeeded: scalar >> 12) | 0xE0)
            text.append(part(6))
            text.append(part(0))
        } else {
            text.append(UInt8(truncatingIfNeeded: scalar >> 18) | 0xF0)
            text.append(part(12))
            text.append(part(6))
            text.append(part(0))
        }
    }

    mutating func text(_ limit: Int) -> OTLPText? {
        if let text = string(limit) { return text }
        fail(peek == nil ? .malformed : .wrongType)
        return nil
    }

    /// RFC 4648, both alphabets, with or without padding.
    mutating func bytes(_ limit: Int) -> OTLPText? {
        guard let digits = text(OTLPLimits.textBytes) else { return nil }
        var written = BoundedText(arena, limit: min(limit, digits.count))
        var (bits, count): (UInt32, UInt32) = (0, 0)
        for index in 0..<digits.count {
            let byte = digits.start[index]
            if byte == UInt8(ascii: "=") { break }
            guard let value = Self.base64(byte) else {
                fail(.wrongType)
                return nil
            }
            bits = bits << 6 | UInt32(value)
            count &+= 6
            if count >= 8 {
                count &-= 8
                written.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return written.text()
    }

    private static func base64(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte &- UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte &- UInt8(ascii: "a") &+ 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0") &+ 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }

    mutating func id(_ size: Int) -> (high: UInt64, low: UInt64)? {
        guard let digits = text(64), digits.count == 2 &* size, size <= 16 else { return nil }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for index in 0..<digits.count {
            guard let value = Hexadecimal.value(inAnyCase: digits.start[index]) else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(value)
        }
        return (high, low)
    }

    // MARK: numbers

    /// The number that comes, or that is in a string. Nil: what comes is neither.
    private mutating func numberOrString() -> OTLPText? {
        if peek == Self.quote { return string(PlainNumber.longest) }
        return number()
    }

    private mutating func number() -> OTLPText? {
        let start = at
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) {
            guard digits() else { return nil }
        }
        if take(UInt8(ascii: ".")) {
            guard digits() else { return nil }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() else { return nil }
        }
        return OTLPText(start: base + start, count: at &- start)
    }

    private mutating func digits() -> Bool {
        let start = at
        while at < end, base[at] >= UInt8(ascii: "0"), base[at] <= UInt8(ascii: "9") { at &+= 1 }
        return at > start
    }

    private mutating func wrongType<T>() -> T? {
        fail(.wrongType)
        return nil
    }

    mutating func unsigned() -> UInt64? {
        guard let text = numberOrString() else { return wrongType() }
        if let value = Self.whole(text), !value.isNegative { return value.magnitude }
        // Protocol Buffers' JSON: a whole number may be written with a fraction of zero or an exponent.
        if let double = Self.double(text), let exact = Self.exact(double) { return exact }
        return wrongType()
    }

    mutating func signed() -> Int64? {
        guard let text = numberOrString() else { return wrongType() }
        if let value = Self.whole(text) {
            if !value.isNegative, value.magnitude <= UInt64(Int64.max) { return Int64(value.magnitude) }
            if value.isNegative, value.magnitude <= UInt64(Int64.max) &+ 1 {
                return 0 &- Int64(truncatingIfNeeded: value.magnitude)
            }
        }
        if let double = Self.double(text), let exact = Self.exactSigned(double) { return exact }
        return wrongType()
    }

    // `exactly:` would need trunc() of a library that the helper does not load.

    private static func exact(_ value: Double) -> UInt64? {
        guard value >= 0, value < 18_446_744_073_709_551_616 else { return nil }
        let whole = UInt64(value)
        return Double(whole) == value ? whole : nil
    }

    private static func exactSigned(_ value: Double) -> Int64? {
        guard value >= -9_223_372_036_854_775_808, value < 9_223_372_036_854_775_808 else { return nil }
        let whole = Int64(value)
        return Double(whole) == value ? whole : nil
    }

    private static func whole(_ text: OTLPText) -> (isNegative: Bool, magnitude: UInt64)? {
        let isNegative = text.count > 0 && text.start[0] == UInt8(ascii: "-")
        var value: UInt64 = 0
        let first = isNegative ? 1 : 0
        guard text.count > first else { return nil }
        for index in first..<text.count {
            let digit = text.start[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (tens, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, beyond) = tens.addingReportingOverflow(UInt64(digit))
            if over || beyond { return nil }
            value = sum
        }
        return (isNegative, value)
    }

    private static func double(_ text: OTLPText) -> Double? {
        PlainNumber.double(UnsafeRawBufferPointer(start: text.start, count: text.count))
    }

    mutating func zigzag() -> Int32? {
        guard let value = signed() else { return nil }
        return Int32(exactly: value) ?? wrongType()
    }

    mutating func fixed32() -> UInt32? {
        guard let value = unsigned() else { return nil }
        return UInt32(exactly: value) ?? wrongType()
    }

    mutating func fixed64() -> UInt64? { unsigned() }
    mutating func signedFixed64() -> Int64? { signed() }

    mutating func double() -> Double? {
        guard let text = numberOrString() else { return wrongType() }
        if text.equals("NaN") { return .nan }
        if text.equals("Infinity") { return .infinity }
        if text.equals("-Infinity") { return -.infinity }
        guard let value = Self.double(text) else { return wrongType() }
        return value
    }

    mutating func bool() -> Bool? {
        if peek == UInt8(ascii: "t"), word("true") { return true }
        if peek == UInt8(ascii: "f"), word("false") { return false }
        return wrongType()
    }

    mutating func enumeration() -> Int32? {
        // "Values MUST be integers": names of values are refused.
        guard peek != Self.quote else { return wrongType() }
        return zigzag()
    }

    mutating func eachFixed64(_ body: (UInt64) -> Void) { if let value = unsigned() { body(value) } }
    mutating func eachDouble(_ body: (Double) -> Void) { if let value = double() { body(value) } }
    mutating func eachUnsigned(_ body: (UInt64) -> Void) { if let value = unsigned() { body(value) } }
}
