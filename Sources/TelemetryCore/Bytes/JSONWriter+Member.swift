// SPDX-License-Identifier: Apache-2.0

// For members of objects that are written now and then: these functions are called. `key` and its like are expanded in
// place, for the events of a batch.
extension JSONWriter {
    @inline(never)
    mutating func member(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        key(name)
        string(value)
    }

    @inline(never)
    mutating func member(_ name: StaticString, _ value: Int64) {
        key(name)
        integer(value)
    }

    @inline(never)
    mutating func member(_ name: StaticString, _ value: String?) {
        key(name)
        if let value { string(value) } else { null() }
    }

    @inline(never)
    mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        boolean(value)
    }

    /// Two lower-case digits a byte, in quotes.
    @inline(never)
    mutating func hexadecimal(_ bytes: UnsafeRawBufferPointer) {
        let size = bytes.count &* 2
        guard let to = buffer.reserve(size &+ 2) else { return }
        to[0] = UInt8(ascii: "\"")
        Hexadecimal.write(bytes, to: to + 1)
        to[size &+ 1] = UInt8(ascii: "\"")
        buffer.commit(upTo: to + (size &+ 2))
    }

    @inline(never)
    mutating func beginList(_ name: StaticString) {
        key(name)
        beginArray()
    }

    @inline(never)
    mutating func beginObject(_ name: StaticString) {
        key(name)
        beginObject()
    }

    /// Appends text as it is, around the JSON.
    @inline(never)
    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { buffer.append(UnsafeRawBufferPointer($0)) }
    }

    @inline(never)
    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string(UnsafeRawBufferPointer($0)) }
    }
}
