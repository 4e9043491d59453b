// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

// opentelemetry/proto/common/v1/common.proto and resource/v1/resource.proto

extension OTLPSource {
    /// Goes into the message that comes, calls `body` for each field, and leaves it. `body` takes each value.
    @inline(__always)
    mutating func message(_ type: OTLPMessageType, _ body: (inout Self, UInt32) -> Void) {
        guard let frame = enter() else { return }
        eachField(type, body)
        leave(frame)
    }

    @inline(__always)
    mutating func eachField(_ type: OTLPMessageType, _ body: (inout Self, UInt32) -> Void) {
        while true {
            let field = next(type)
            if field == 0 { return }
            body(&self, field)
        }
    }

    /// The same fields once more, from a copy: what comes later in a message may say how to take what comes before.
    func lookAhead(_ type: OTLPMessageType, _ body: (inout Self, UInt32) -> Void) {
        var copy = self
        copy.checksTexts = false
        copy.eachField(type, body)
    }

    /// A `KeyValue`. Nil: only checked.
    mutating func keyValue(_ gathering: AttributeGathering?) {
        guard let gathering else { return checkKeyValue() }
        let mark = gathering.arena.used
        var key = OTLPText.empty
        var value = OTLPValue.none
        message(.keyValue) { source, field in
            switch field {
            case 1: key = source.text(OTLPLimits.textBytes) ?? .empty
            case 2: value = source.value(gathering.arena)
            default: source.skip()
            }
        }
        if key.count > 0 { gathering.add(key, value) } else { gathering.arena.cut(to: mark) }
    }

    private mutating func checkKeyValue() {
        message(.keyValue) { source, field in
            switch field {
            case 1: _ = source.text(0)
            case 2: source.checkValue()
            default: source.skip()
            }
        }
    }

    /// Calls `body` with a `KeyValue`, whose texts are gone when it returns.
    mutating func keyValue(_ arena: TextArena, _ body: (OTLPText, OTLPValue) -> Void) {
        let mark = arena.used
        var key = OTLPText.empty
        var value = OTLPValue.none
        message(.keyValue) { source, field in
            switch field {
            case 1: key = source.text(OTLPLimits.textBytes) ?? .empty
            case 2: value = source.value(arena)
            default: source.skip()
            }
        }
        body(key, value)
        arena.cut(to: mark)
    }

    /// An `AnyValue`.
    mutating func value(_ arena: TextArena) -> OTLPValue {
        var result = OTLPValue.none
        message(.anyValue) { source, field in
            switch field {
            case 1: if let text = source.text(OTLPLimits.textBytes) { result = .string(text) }
            case 2: if let flag = source.bool() { result = .bool(flag) }
            case 3: if let number = source.signed() { result = .int(number) }
            case 4: if let number = source.double() { result = .double(number) }
            case 5, 6, 7:
                var text = BoundedText(arena, limit: Self.nestedBytes)
                // What is nested has its texts in the arena too, behind this one.
                arena.take(Self.nestedBytes &+ 1)
                source.writeJSON(field, arena, &text)
                if let text = text.finished() { result = .nested(text) }
            default: source.skip()
            }
        }
        return result
    }

    private static var nestedBytes: Int { AttributeGathering.valueBytes &+ 8 }

    /// A list, a map or bytes of an `AnyValue`, as JSON.
    private mutating func writeJSON(_ field: UInt32, _ arena: TextArena, _ text: inout BoundedText) {
        let mark = arena.used
        defer { arena.cut(to: mark) }
        switch field {
        case 1: text.appendQuoted(self.text(OTLPLimits.textBytes) ?? .empty)
        case 2: text.append(bool() == true ? "true" : "false")
        case 3: text.append((signed() ?? 0).description)
        case 4: text.append(double() ?? .nan)
        case 5: writeJSON(.arrayValue, arena, &text)
        case 6: writeJSON(.keyValueList, arena, &text)
        case 7: text.appendBase64(bytes(Self.nestedBytes) ?? .empty)
        default: skip()
        }
    }

    private mutating func writeJSON(_ list: OTLPMessageType, _ arena: TextArena, _ text: inout BoundedText) {
        let isMap = list == .keyValueList
        text.append(isMap ? UInt8(ascii: "{") : UInt8(ascii: "["))
        var isFirst = true
        var out = text
        message(list) { source, field in
            // What has no room is read over.
            guard field == 1, !out.isFull else { return source.skip() }
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            if isMap { source.writeMember(arena, &out) } else { source.writeElement(arena, &out) }
        }
        text = out
        text.append(isMap ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    }

    /// A `KeyValue` in a map. Its key comes first in every encoder that is known; one that comes later is left empty.
    private mutating func writeMember(_ arena: TextArena, _ text: inout BoundedText) {
        var out = text
        guard let frame = enter() else { return }
        var key = OTLPText.empty
        lookAhead(.keyValue) { source, field in
            if field == 1 { key = source.text(OTLPLimits.textBytes) ?? .empty } else { source.skip() }
        }
        out.appendQuoted(key)
        out.append(UInt8(ascii: ":"))
        var hasValue = false
        eachField(.keyValue) { source, field in
            guard field == 2, !hasValue else { return source.skip() }
            hasValue = true
            source.writeElement(arena, &out)
        }
        if !hasValue { out.append("null") }
        text = out
        leave(frame)
    }

    /// An `AnyValue` in a list.
    private mutating func writeElement(_ arena: TextArena, _ text: inout BoundedText) {
        var out = text
        var hasValue = false
        message(.anyValue) { source, field in
            guard field <= 7, !hasValue else { return source.skip() }
            hasValue = true
            source.writeJSON(field, arena, &out)
        }
        if !hasValue { out.append("null") }
        text = out
    }

    /// An `AnyValue` that nobody wants.
    mutating func checkValue() {
        message(.anyValue) { source, field in
            switch field {
            case 1: _ = source.text(0)
            case 2: _ = source.bool()
            case 3: _ = source.signed()
            case 4: _ = source.double()
            case 5: source.message(.arrayValue) { $1 == 1 ? $0.checkValue() : $0.skip() }
            case 6: source.message(.keyValueList) { $1 == 1 ? $0.keyValue(nil) : $0.skip() }
            case 7: _ = source.bytes(0)
            default: source.skip()
            }
        }
    }
}

extension BoundedText {
    mutating func append(_ number: Double) {
        if number.isFinite {
            append(number.description)
        } else {
            append(number.isNaN ? "\"NaN\"" : number < 0 ? "\"-Infinity\"" : "\"Infinity\"")
        }
    }

    /// RFC 8259, section 7.
    mutating func appendQuoted(_ text: OTLPText) {
        append(UInt8(ascii: "\""))
        for index in 0..<text.count where !isFull {
            let byte = text.start[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                append(UInt8(ascii: "\\"))
                append(byte)
            } else if byte < 0x20 {
                append("\\u00")
                append(Self.hexDigit(byte >> 4))
                append(Self.hexDigit(byte & 15))
            } else {
                append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &- 10 &+ value
    }

    /// In quotes, except at the outermost level, where it is the whole value.
    mutating func appendBase64(_ bytes: OTLPText) {
        let isWhole = count == 0
        if !isWhole { append(UInt8(ascii: "\"")) }
        let digits = Base64.text(of: Array(UnsafeBufferPointer(start: bytes.start, count: bytes.count)))
        append(digits)
        if !isWhole { append(UInt8(ascii: "\"")) }
    }
}

/// Whom records are from.
struct OTLPResource {
    /// service.name
    var tool = ""
    /// service.version
    var version = ""
    /// Of all attributes, in whatever order: what tells one instance from another.
    var digest = StreamDigest()

    /// The resource of a `ResourceLogs`, `ResourceSpans` or `ResourceMetrics` that is being read, wherever in it that is.
    static func read<Source: OTLPSource>(_ source: Source, _ type: OTLPMessageType, _ arena: TextArena) -> OTLPResource
    {
        var result = OTLPResource()
        source.lookAhead(type) { source, field in
            guard field == 1 else { return source.skip() }
            source.message(.resource) { source, field in
                guard field == 1 else { return source.skip() }
                source.keyValue(arena) { key, value in
                    result.digest.add(key, value)
                    guard case .string(let text) = value else { return }
                    if key.equals("service.name") { result.tool = text.string }
                    if key.equals("service.version") { result.version = text.string }
                }
            }
        }
        return result
    }
}

extension OTLPText {
    /// At most as much as a name may have.
    var string: String {
        String(decoding: UnsafeBufferPointer(start: start, count: min(count, 256)), as: UTF8.self)
    }
}
