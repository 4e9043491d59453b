// SPDX-License-Identifier: Apache-2.0
import CSystem

// The wire format of Protocol Buffers, as far as OTLP needs it: https://protobuf.dev/programming-guides/encoding/.
// Lengths are written in their shortest form. The caller writes fields in the order of their numbers. So the bytes are
// those of every other encoder.
extension ByteBuffer {
    /// Most bytes of a varint.
    static let longestVarint = 10

    @inline(__always)
    static func varintSize(_ value: UInt64) -> Int {
        // 7 bits a byte; 0 takes one as well.
        (70 &- (value | 1).leadingZeroBitCount) / 7
    }

    /// `target` has room for `longestVarint`. Returns the address behind it.
    @inline(__always)
    static func writeVarint(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var (rest, at) = (value, target)
        while rest >= 0x80 {
            at.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            at += 1
        }
        at.pointee = UInt8(truncatingIfNeeded: rest)
        return at + 1
    }

    @inline(never)
    mutating func appendVarint(_ tag: UInt8, _ value: UInt64) {
        guard let to = reserve(1 &+ Self.longestVarint) else { return }
        to[0] = tag
        commit(upTo: Self.writeVarint(value, to: to + 1))
    }

    @inline(never)
    mutating func appendFixed64(_ tag: UInt8, _ value: UInt64) {
        guard let to = reserve(9) else { return }
        to[0] = tag
        UnsafeMutableRawPointer(to + 1).storeBytes(of: value.littleEndian, as: UInt64.self)
        commit(upTo: to + 9)
    }

    /// A message or a text inside of another message: its length is known when it ends. `width`: bytes that it will
    /// probably take. Returns where the content begins, for `endMessage`.
    @inline(never)
    mutating func beginMessage(_ tag: UInt8, width: Int) -> Int {
        guard let to = reserve(1 &+ width) else { return count }
        to[0] = tag
        commit(upTo: to + (1 &+ width))
        return count
    }

    @inline(never)
    mutating func endMessage(_ start: Int, width: Int) {
        let length = count &- start
        guard length >= 0, let end = reserve(Self.longestVarint), !isIncomplete else { return }
        let content = end - length
        let shift = Self.varintSize(UInt64(length)) &- width
        if shift != 0 { memmove(content + shift, content, length) }
        _ = Self.writeVarint(UInt64(length), to: content - width)
        commit(upTo: end + shift)
    }
}

/// Reads the fields of a message, whatever its bytes say.
struct ProtobufReader {
    enum Value {
        case number(UInt64)
        case bytes(Range<Int>)
        /// A number of fixed size; its value is not needed.
        case fixed
    }

    private let bytes: [UInt8]
    private var at: Int
    private let end: Int

    /// `range`: where the message is; nil: from the first byte to the last.
    init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
        self.bytes = bytes
        at = range?.lowerBound ?? 0
        end = min(bytes.count, range?.upperBound ?? bytes.count)
    }

    var isAtEnd: Bool { at == end }

    /// Nil: there is no more, or what follows is malformed.
    @inline(never)
    mutating func next() -> (number: UInt64, value: Value)? {
        guard let tag = varint(), tag >> 3 > 0 else { return nil }
        switch tag & 7 {
        case 0: return varint().map { (tag >> 3, .number($0)) }
        case 1: return skip(8).map { _ in (tag >> 3, .fixed) }
        case 2:
            guard let length = varint(), length <= UInt64(end &- at) else { return nil }
            return skip(Int(truncatingIfNeeded: length)).map { (tag >> 3, .bytes($0)) }
        case 5: return skip(4).map { _ in (tag >> 3, .fixed) }
        default: return nil
        }
    }

    private mutating func skip(_ count: Int) -> Range<Int>? {
        guard count <= end &- at else { return nil }
        at &+= count
        return (at &- count)..<at
    }

    @inline(never)
    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end, shift < 70 {
            let byte = bytes[at]
            at &+= 1
            value |= UInt64(byte & 0x7F) &<< (shift & 63)
            if byte < 0x80 { return value }
            shift &+= 7
        }
        return nil
    }
}
