// SPDX-License-Identifier: Apache-2.0

/// An OTLP message while it is written to bytes, in either form: with tags and lengths, or with names and brackets
/// (docs "JSON Protobuf Encoding" of the specification: names in lowerCamelCase, 64 bits as strings, enums as numbers).
/// Code that depends on the form is only here, and in `OTLPMessage+Numbers.swift`.
struct OTLPMessage: ~Copyable {
    let isJSON: Bool
    var json = JSONWriter()
    /// The tag of the attributes that follow: field number and wire type.
    private var attributeTag: UInt8 = 0

    /// Nil: the tool's own name and version.
    let service: OTLPService?

    init(isJSON: Bool, _ service: OTLPService? = nil) {
        self.isJSON = isJSON
        self.service = service
    }

    static var none: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    /// Nil: memory ran out.
    var bytes: UnsafeRawBufferPointer? { json.buffer.isIncomplete ? nil : json.buffer.bytes }
    var count: Int { json.buffer.count }

    /// Empties it, and begins the outermost message.
    mutating func begin() {
        json.removeAll()
        if isJSON { json.beginObject() }
    }

    mutating func end() { if isJSON { json.endObject() } }

    /// Begins an inner message: a field of that tag and name; without a name, an element of a list. Returns what `end`
    /// needs.
    @inline(never)
    mutating func begin(_ tag: UInt8, _ name: StaticString) -> Int {
        guard isJSON else { return json.buffer.beginMessage(tag, width: 2) }
        if name.utf8CodeUnitCount > 0 { json.key(name) } else { json.element() }
        json.beginObject()
        return 0
    }

    @inline(never)
    mutating func end(_ start: Int) {
        if isJSON { json.endObject() } else { json.buffer.endMessage(start, width: 2) }
    }

    /// Repeated fields: a list in JSON; in protobuf only the fields themselves.
    @inline(never)
    mutating func beginList(_ name: StaticString) {
        if isJSON { json.beginList(name) }
    }

    mutating func endList() { if isJSON { json.endArray() } }

    @inline(never)
    mutating func text(_ tag: UInt8, _ name: StaticString, _ text: UnsafeRawBufferPointer) {
        if isJSON {
            json.member(name, text)
        } else if OTLPText.isWellFormed(text) {
            json.buffer.appendVarint(tag, UInt64(text.count))
            json.buffer.append(text)
        } else {
            OTLPText.repaired(text).withUnsafeBytes { self.text(tag, name, $0) }
        }
    }

    @inline(never)
    mutating func fixed64(_ tag: UInt8, _ name: StaticString, _ value: UInt64) {
        guard isJSON else { return json.buffer.appendFixed64(tag, value) }
        json.key(name)
        quoted(Int64(clamping: value))
    }

    @inline(never)
    mutating func quoted(_ value: Int64) {
        json.buffer.append(UInt8(ascii: "\""))
        json.integer(value)
        json.buffer.append(UInt8(ascii: "\""))
    }

    /// Appends what another message has written, inside a list that is not empty.
    @inline(never)
    mutating func append(_ other: borrowing OTLPMessage, _ range: Range<Int>) {
        guard let bytes = other.bytes, range.upperBound <= bytes.count, range.lowerBound < range.upperBound else {
            return
        }
        // The first element of a list is not preceded by a comma.
        if isJSON && bytes[range.lowerBound] != UInt8(ascii: ",") { json.element() }
        json.buffer.append(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
}

// MARK: attributes

extension OTLPMessage {
    @inline(never)
    mutating func beginAttributes(_ tag: UInt8) {
        attributeTag = tag
        beginList("attributes")
    }

    @inline(__always)
    mutating func attribute(_ name: StaticString, _ text: UnsafeRawBufferPointer) {
        attribute(name, Self.none, .string(text))
    }

    /// A KeyValue; its key is `prefix` and `key` together.
    @inline(never)
    mutating func attribute(_ prefix: StaticString, _ key: UnsafeRawBufferPointer, _ value: AttributeView.Value) {
        if isJSON { return jsonAttribute(prefix, key, value) }
        if !OTLPText.isWellFormed(key) {
            return OTLPText.repaired(key).withUnsafeBytes { attribute(prefix, $0, value) }
        }
        if case .string(let text) = value, !OTLPText.isWellFormed(text) {
            return OTLPText.repaired(text).withUnsafeBytes { attribute(prefix, key, .string($0)) }
        }
        json.buffer.appendKeyValue(attributeTag, prefix, key, value)
    }

    @inline(never)
    private mutating func jsonAttribute(
        _ prefix: StaticString, _ key: UnsafeRawBufferPointer, _ value: AttributeView.Value
    ) {
        json.element()
        put("{\"key\":\"")
        put(prefix)
        json.fragment(key)
        put("\",\"value\":{\"")
        switch value {
        case .string(let text):
            put("stringValue\":\"")
            json.fragment(text)
            put("\"")
        case .int(let number):
            put("intValue\":")
            quoted(number)
        case .double(let number):
            put("doubleValue\":")
            double(number)
        case .bool(let flag):
            put(flag ? "boolValue\":true" : "boolValue\":false")
        }
        put("}}")
    }

    @inline(never)
    private mutating func put(_ text: StaticString) { json.buffer.append(text) }

    /// Protobuf's JSON uses words for values that JSON numbers cannot express.
    @inline(never)
    mutating func double(_ value: Double) {
        if value.isFinite {
            json.number(value)
        } else {
            put(value.isNaN ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"")
        }
    }

    /// An attribute that is a list of texts, written with `element`.
    mutating func beginArray(_ name: UnsafeRawBufferPointer) -> (Int, Int, Int) {
        let keyValue = begin(attributeTag, "")
        text(0x0A, "key", name)
        let value = begin(0x12, "value")
        let array = begin(0x2A, "arrayValue")
        beginList("values")
        return (keyValue, value, array)
    }

    mutating func element(_ text: UnsafeRawBufferPointer) {
        let value = begin(0x0A, "")
        self.text(0x0A, "stringValue", text)
        end(value)
    }

    mutating func endArray(_ starts: (Int, Int, Int)) {
        endList()
        end(starts.2)
        end(starts.1)
        end(starts.0)
    }
}

/// Strings of protobuf must be UTF-8; spool files may contain any bytes.
enum OTLPText {
    @inline(__always)
    static func isWellFormed(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
        return Text.isASCII(base, text.count) || Text(measuring: base, text.count, limit: .max).isVerbatim
    }

    /// The same characters, with U+FFFD in place of invalid bytes, as in JSON.
    @inline(never)
    static func repaired(_ text: UnsafeRawBufferPointer) -> [UInt8] { TextLimit.cut(Array(text), .max) }
}

extension ByteBuffer {
    /// common.proto's KeyValue. All its lengths are known in advance: key 1, value 2 (AnyValue: string 1, bool 2, int
    /// 3, double 4).
    @_optimize(speed) @inline(never)
    fileprivate mutating func appendKeyValue(
        _ tag: UInt8, _ prefix: StaticString, _ key: UnsafeRawBufferPointer, _ value: AttributeView.Value
    ) {
        let keySize = prefix.utf8CodeUnitCount &+ key.count
        let size: Int
        switch value {
        case .string(let text): size = 1 &+ Self.varintSize(UInt64(text.count)) &+ text.count
        case .int(let number): size = 1 &+ Self.varintSize(UInt64(bitPattern: number))
        case .double: size = 9
        case .bool: size = 2
        }
        let total = 2 &+ Self.varintSize(UInt64(keySize)) &+ keySize &+ Self.varintSize(UInt64(size)) &+ size
        guard var to = reserve(total &+ 1 &+ Self.longestVarint) else { return }
        to[0] = tag
        to = Self.writeVarint(UInt64(total), to: to + 1)
        to[0] = 0x0A
        to = Self.writeVarint(UInt64(keySize), to: to + 1)
        to = Self.copy(prefix.rawBytes, to: to)
        to = Self.copy(key, to: to)
        to[0] = 0x12
        to = Self.writeVarint(UInt64(size), to: to + 1)
        commit(upTo: Self.writeValue(value, to: to))
    }

    @_optimize(speed) @inline(never)
    private static func copy(_ text: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>)
        -> UnsafeMutablePointer<UInt8>
    {
        guard let base = text.baseAddress else { return target }
        Text.copyBytes(target, base.assumingMemoryBound(to: UInt8.self), text.count)
        return target + text.count
    }

    @inline(__always)
    private static func writeValue(_ value: AttributeView.Value, to target: UnsafeMutablePointer<UInt8>)
        -> UnsafeMutablePointer<UInt8>
    {
        switch value {
        case .string(let text):
            target[0] = 0x0A
            return copy(text, to: writeVarint(UInt64(text.count), to: target + 1))
        case .bool(let flag):
            target[0] = 0x10
            target[1] = flag ? 1 : 0
            return target + 2
        case .int(let number):
            target[0] = 0x18
            return writeVarint(UInt64(bitPattern: number), to: target + 1)
        case .double(let number):
            target[0] = 0x21
            UnsafeMutableRawPointer(target + 1).storeBytes(of: number.bitPattern.littleEndian, as: UInt64.self)
            return target + 9
        }
    }
}
