// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Reads the wire format of Protocol Buffers: https://protobuf.dev/programming-guides/encoding/. Any bytes may be given:
/// every length is compared with what is left before anything is looked at.
struct ProtobufSource: OTLPSource {
    private let base: UnsafePointer<UInt8>
    private var at = 0
    private var end: Int
    private var depth = 0
    private(set) var failure: OTLPFailure?
    var checksTexts = true

    /// The value of the field that `next` has found: a number, or where it lies.
    private var wireType: UInt8 = 0
    private var number: UInt64 = 0
    private var start = 0
    private var length = 0

    private static let varint: UInt8 = 0
    private static let eightBytes: UInt8 = 1
    private static let delimited: UInt8 = 2
    private static let fourBytes: UInt8 = 5
    /// Of field numbers: 2^29 - 1.
    private static let largestTag: UInt64 = 0xFFFF_FFFF

    init(_ body: UnsafeRawBufferPointer) {
        base = body.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? OTLPText.empty.start
        end = body.baseAddress == nil ? 0 : body.count
    }

    private mutating func fail(_ failure: OTLPFailure) {
        if self.failure == nil { self.failure = failure }
        at = end
    }

    @_optimize(speed)
    mutating func next(_ message: OTLPMessageType) -> UInt32 {
        // After a failure there is nothing more.
        if at >= end || failure != nil { return 0 }
        guard let tag = readVarint(), tag <= Self.largestTag, tag >> 3 != 0 else {
            fail(.malformed)
            return 0
        }
        wireType = UInt8(truncatingIfNeeded: tag & 7)
        guard readValue() else {
            fail(.malformed)
            return 0
        }
        return UInt32(truncatingIfNeeded: tag >> 3)
    }

    /// False: it does not fit, or is a group, which OTLP has never had.
    @inline(__always)
    private mutating func readValue() -> Bool {
        switch wireType {
        case Self.varint:
            guard let value = readVarint() else { return false }
            number = value
            return true
        case Self.delimited:
            guard let value = readVarint(), value <= UInt64(end &- at) else { return false }
            return take(Int(truncatingIfNeeded: value))
        case Self.eightBytes: return take(8)
        case Self.fourBytes: return take(4)
        default: return false
        }
    }

    @inline(__always)
    private mutating func take(_ count: Int) -> Bool {
        guard count <= end &- at else { return false }
        (start, length) = (at, count)
        at &+= count
        return true
    }

    /// Nil: it has no end, or more than 64 bits.
    @inline(__always)
    private mutating func readVarint() -> UInt64? {
        guard at < end, base[at] < 0x80 else { return readLongVarint() }
        at &+= 1
        return UInt64(base[at &- 1])
    }

    /// More than one byte.
    @inline(never)
    @_optimize(speed)
    private mutating func readLongVarint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end {
            let byte = base[at]
            at &+= 1
            if shift == 63 && byte > 1 { return nil }
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
        return nil
    }

    @inline(__always)
    mutating func skip() {}

    @inline(__always)
    mutating func enter() -> OTLPFrame? {
        guard wireType == Self.delimited else { return nil }
        depth &+= 1
        if depth > OTLPLimits.depth {
            fail(.tooDeep)
            return nil
        }
        let frame = OTLPFrame(at: at, end: end)
        at = start
        end = start &+ length
        return frame
    }

    @inline(__always)
    mutating func leave(_ frame: OTLPFrame) {
        depth &-= 1
        (at, end) = (failure == nil ? frame.at : frame.end, frame.end)
    }

    @inline(__always)
    mutating func text(_ limit: Int) -> OTLPText? {
        guard wireType == Self.delimited else { return nil }
        let text = OTLPText(start: base + start, count: length)
        if checksTexts && !text.isUTF8 {
            fail(.notUTF8)
            return nil
        }
        return text
    }

    mutating func bytes(_ limit: Int) -> OTLPText? {
        wireType == Self.delimited ? OTLPText(start: base + start, count: min(length, limit)) : nil
    }

    mutating func id(_ size: Int) -> (high: UInt64, low: UInt64)? {
        guard wireType == Self.delimited, length == size, size == 8 || size == 16 else { return nil }
        return size == 8 ? (0, word(start).byteSwapped) : (word(start).byteSwapped, word(start &+ 8).byteSwapped)
    }

    /// Little-endian.
    @inline(__always)
    private func word(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    mutating func unsigned() -> UInt64? { wireType == Self.varint ? number : nil }
    @inline(__always)
    mutating func signed() -> Int64? { wireType == Self.varint ? Int64(bitPattern: number) : nil }

    mutating func zigzag() -> Int32? {
        guard wireType == Self.varint else { return nil }
        let bits = UInt32(truncatingIfNeeded: number)
        return Int32(bitPattern: bits >> 1) ^ (0 &- Int32(bitPattern: bits & 1))
    }

    mutating func fixed32() -> UInt32? {
        guard wireType == Self.fourBytes else { return nil }
        return UInt32(littleEndian: UnsafeRawPointer(base + start).loadUnaligned(as: UInt32.self))
    }

    @inline(__always)
    mutating func fixed64() -> UInt64? { wireType == Self.eightBytes ? word(start) : nil }
    mutating func signedFixed64() -> Int64? { fixed64().map { Int64(bitPattern: $0) } }
    mutating func double() -> Double? { fixed64().map { Double(bitPattern: $0) } }
    mutating func bool() -> Bool? { wireType == Self.varint ? number != 0 : nil }
    mutating func enumeration() -> Int32? { wireType == Self.varint ? Int32(truncatingIfNeeded: number) : nil }

    mutating func eachFixed64(_ body: (UInt64) -> Void) {
        if wireType == Self.eightBytes { return body(word(start)) }
        guard wireType == Self.delimited else { return }
        guard length % 8 == 0 else { return fail(.malformed) }
        var offset = start
        while offset < start &+ length {
            body(word(offset))
            offset &+= 8
        }
    }

    mutating func eachDouble(_ body: (Double) -> Void) { eachFixed64 { body(Double(bitPattern: $0)) } }

    mutating func eachUnsigned(_ body: (UInt64) -> Void) {
        if wireType == Self.varint { return body(number) }
        guard wireType == Self.delimited else { return }
        let frame = OTLPFrame(at: at, end: end)
        at = start
        end = start &+ length
        while at < end {
            guard let value = readVarint() else {
                end = frame.end
                return fail(.malformed)
            }
            body(value)
        }
        (at, end) = (frame.at, frame.end)
    }
}

extension OTLPText {
    /// Well-formed, as proto3 demands of a string.
    @_optimize(speed)
    var isUTF8: Bool {
        var index = 0
        while index < count {
            if index &+ 8 <= count,
                UnsafeRawPointer(start + index).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                index &+= 8
                continue
            }
            if start[index] < 0x80 {
                index &+= 1
                continue
            }
            let (length, isWellFormed) = UTF8Sequence.examine(start + index, available: count &- index)
            if !isWellFormed { return false }
            index &+= length
        }
        return true
    }
}
