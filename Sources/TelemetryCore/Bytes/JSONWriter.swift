// SPDX-License-Identifier: Apache-2.0

/// Writes JSON (RFC 8259) into a byte buffer, without a tree and without `String`.
///
/// The caller gives the structure: `key` before each member of an object, `element` before each
/// element of an array. Compact, or pretty with two spaces per level.
struct JSONWriter: ~Copyable {
    var buffer = ByteBuffer()
    let isPretty: Bool
    private var depth = 0
    private var isFirst = true

    init(pretty: Bool = false) { isPretty = pretty }

    mutating func removeAll() {
        buffer.removeAll()
        depth = 0
        isFirst = true
    }

    mutating func beginObject() { begin(UInt8(ascii: "{")) }
    mutating func endObject() { end(UInt8(ascii: "}")) }
    mutating func beginArray() { begin(UInt8(ascii: "[")) }
    mutating func endArray() { end(UInt8(ascii: "]")) }

    /// `name` needs no escaping.
    @inline(__always)
    mutating func key(_ name: StaticString) {
        let size = name.utf8CodeUnitCount
        guard let to = place(size &+ 4) else { return }
        to[0] = UInt8(ascii: "\"")
        UnsafeMutableRawPointer(to + 1).copyMemory(from: name.utf8Start, byteCount: size)
        finishKey(to + (size &+ 1))
    }

    @inline(__always)
    mutating func key(_ name: UnsafeRawBufferPointer) {
        guard let to = place(name.count &* JSONString.maxExpansion &+ 12) else { return }
        to[0] = UInt8(ascii: "\"")
        finishKey(JSONString.write(name, to: to + 1))
    }

    @inline(__always)
    private mutating func finishKey(_ at: UnsafeMutablePointer<UInt8>) {
        at[0] = UInt8(ascii: "\"")
        at[1] = UInt8(ascii: ":")
        at[2] = UInt8(ascii: " ")
        buffer.commit(upTo: at + (isPretty ? 3 : 2))
    }

    /// What separates an element from the one before.
    mutating func element() {
        if let to = place(0) { buffer.commit(upTo: to) }
    }

    /// Room for `extra` bytes of an element, behind the separator from the one before.
    @inline(__always)
    private mutating func place(_ extra: Int) -> UnsafeMutablePointer<UInt8>? {
        if isPretty { beginLine() }
        guard let to = buffer.reserve(extra &+ 1) else { return nil }
        to[0] = UInt8(ascii: ",")
        // In pretty output, the comma is written already.
        let isSeparated = isFirst || isPretty
        isFirst = false
        return isSeparated ? to : to + 1
    }

    @inline(never)
    private mutating func beginLine() {
        if !isFirst { buffer.append(UInt8(ascii: ",")) }
        newLine()
    }

    @_optimize(speed)
    @inline(never)
    mutating func string(_ text: UnsafeRawBufferPointer) {
        guard let to = buffer.reserve(text.count &* JSONString.maxExpansion &+ 10) else { return }
        to[0] = UInt8(ascii: "\"")
        let end = JSONString.write(text, to: to + 1)
        end[0] = UInt8(ascii: "\"")
        buffer.commit(upTo: end + 1)
    }

    /// The characters of a string without its quotes.
    @inline(never)
    mutating func fragment(_ text: UnsafeRawBufferPointer) {
        guard let to = buffer.reserve(text.count &* JSONString.maxExpansion &+ 8) else { return }
        buffer.commit(upTo: JSONString.write(text, to: to))
    }

    @inline(__always)
    mutating func integer(_ value: Int64) {
        guard var to = buffer.reserve(Decimal.maxDigits &+ 1) else { return }
        if value < 0 {
            to[0] = UInt8(ascii: "-")
            to += 1
        }
        buffer.commit(upTo: Decimal.write(value.magnitude, to: to))
    }

    /// The shortest text that reads back as the same value; null for NaN and the infinities, which
    /// JSON cannot express (RFC 8259, section 6).
    mutating func number(_ value: Double) {
        guard value.isFinite else { return null() }
        // Whole numbers are the most frequent and need no search for the shortest digits.
        // Below 2⁵³ the conversion is exact and safe; `exactly:` would need libm's round().
        if value.magnitude < 9_007_199_254_740_992, value != 0, Double(Int64(value)) == value {
            integer(Int64(value))
            return buffer.append(".0")
        }
        if let to = buffer.reserve(ShortDecimal.maxLength), let end = ShortDecimal.write(value, to: to) {
            return buffer.commit(upTo: end)
        }
        var text = value.description
        text.withUTF8 { buffer.append(UnsafeRawBufferPointer($0)) }
    }

    mutating func boolean(_ value: Bool) {
        if value { buffer.append("true") } else { buffer.append("false") }
    }

    mutating func null() { buffer.append("null") }

    private mutating func begin(_ bracket: UInt8) {
        buffer.append(bracket)
        depth &+= 1
        isFirst = true
    }

    private mutating func end(_ bracket: UInt8) {
        depth &-= 1
        if isPretty && !isFirst { newLine() }
        buffer.append(bracket)
        isFirst = false
    }

    private mutating func newLine() {
        buffer.append(UInt8(ascii: "\n"))
        for _ in 0..<max(0, depth) { buffer.append("  ") }
    }
}
