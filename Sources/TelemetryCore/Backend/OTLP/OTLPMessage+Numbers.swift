// SPDX-License-Identifier: Apache-2.0

// Fields that are numbers. 64 bits are texts in JSON, except for floating point.
extension OTLPMessage {
    /// An enumeration, or a number of 32 bits.
    mutating func number(_ tag: UInt8, _ name: StaticString, _ value: UInt8) {
        if isJSON { json.member(name, Int64(value)) } else { json.buffer.appendVarint(tag, UInt64(value)) }
    }

    /// A count, which nobody writes as long as it is 0.
    @inline(never)
    mutating func count(_ tag: UInt8, _ name: StaticString, _ value: UInt32) {
        if value == 0 { return }
        if isJSON { json.member(name, Int64(value)) } else { json.buffer.appendVarint(tag, UInt64(value)) }
    }

    /// protobuf's fixed32. The tag of a field whose number is above 15 takes two bytes.
    @inline(never)
    mutating func fixed32(_ tag: UInt64, _ name: StaticString, _ value: UInt32) {
        if isJSON { return json.member(name, Int64(value)) }
        json.buffer.appendVarint(tag)
        json.buffer.appendHalfWord(value)
    }

    /// The bytes of a trace's or a span's id. In JSON they are hexadecimal digits, unlike any other bytes.
    @inline(never)
    mutating func id(_ tag: UInt8, _ name: StaticString, _ id: UnsafeRawBufferPointer) {
        guard isJSON else {
            json.buffer.appendVarint(tag, UInt64(id.count))
            return json.buffer.append(id)
        }
        json.key(name)
        json.hexadecimal(id)
    }

    mutating func flag(_ tag: UInt8, _ name: StaticString, _ value: Bool) {
        if isJSON { json.member(name, value) } else { json.buffer.appendVarint(tag, value ? 1 : 0) }
    }

    @inline(never)
    mutating func signedFixed64(_ tag: UInt8, _ name: StaticString, _ value: Int64) {
        guard isJSON else { return json.buffer.appendFixed64(tag, UInt64(bitPattern: value)) }
        json.key(name)
        quoted(value)
    }

    @inline(never)
    mutating func double(_ tag: UInt8, _ name: StaticString, _ value: Double) {
        guard isJSON else { return json.buffer.appendFixed64(tag, value.bitPattern) }
        json.key(name)
        double(value)
    }

    /// protobuf's sint32.
    @inline(never)
    mutating func signed(_ tag: UInt8, _ name: StaticString, _ value: Int32) {
        if isJSON { return json.member(name, Int64(value)) }
        json.buffer.appendVarint(tag, UInt64(UInt32(bitPattern: value &<< 1 ^ value &>> 31)))
    }

    /// A packed field of numbers that take as many bytes as they need.
    @inline(never)
    mutating func varints(_ tag: UInt8, _ name: StaticString, _ values: [UInt64]) {
        if isJSON {
            json.beginList(name)
            for value in values { packed(value) }
            return json.endArray()
        }
        let start = json.buffer.beginMessage(tag, width: 2)
        for value in values { json.buffer.appendVarint(value) }
        json.buffer.endMessage(start, width: 2)
    }

    // MARK: lists of numbers of eight bytes

    /// Begins a packed field of `count` numbers.
    mutating func beginPacked(_ tag: UInt8, _ name: StaticString, _ count: Int) {
        if isJSON { json.beginList(name) } else { json.buffer.appendVarint(tag, UInt64(max(0, count)) &* 8) }
    }

    mutating func packed(_ value: UInt64) {
        guard isJSON else { return json.buffer.appendWord(value) }
        json.element()
        quoted(Int64(clamping: value))
    }

    mutating func packed(_ value: Double) {
        guard isJSON else { return json.buffer.appendWord(value.bitPattern) }
        json.element()
        double(value)
    }

    mutating func endPacked() { if isJSON { json.endArray() } }
}

extension ByteBuffer {
    fileprivate mutating func appendVarint(_ value: UInt64) {
        guard let to = reserve(Self.longestVarint) else { return }
        commit(upTo: Self.writeVarint(value, to: to))
    }

    fileprivate mutating func appendHalfWord(_ value: UInt32) {
        guard let to = reserve(4) else { return }
        UnsafeMutableRawPointer(to).storeBytes(of: value.littleEndian, as: UInt32.self)
        commit(upTo: to + 4)
    }

    @inline(never)
    fileprivate mutating func appendWord(_ value: UInt64) {
        guard let to = reserve(8) else { return }
        UnsafeMutableRawPointer(to).storeBytes(of: value.littleEndian, as: UInt64.self)
        commit(upTo: to + 8)
    }
}
