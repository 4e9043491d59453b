// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A caller's string, and how much of it goes into the record.
struct Text {
    let source: UnsafePointer<UInt8>
    /// Bytes of `source` that are looked at.
    let sourceLength: Int
    /// Bytes in the record.
    let length: Int
    /// False: invalid UTF-8 is replaced while copying, so that source and result differ.
    let isVerbatim: Bool
    /// Something was cut or replaced.
    let isAdjusted: Bool

    @inline(__always)
    static var empty: Text {
        // Never read: its length is 0.
        Text(
            source: UnsafePointer(bitPattern: 8).unsafelyUnwrapped, sourceLength: 0, length: 0, isVerbatim: true,
            isAdjusted: false)
    }

    /// Measures a NUL-terminated string. At most `limit` bytes of it are kept.
    @inline(__always)
    init(_ string: UnsafePointer<CChar>, limit: Int) {
        let bytes = UnsafeRawPointer(string).assumingMemoryBound(to: UInt8.self)
        // Four more than can be kept: enough to tell a character that does not fit from a broken one.
        let seen = strnlen(string, limit &+ 4)
        if seen <= limit && Text.isASCII(bytes, seen) {
            self.init(source: bytes, sourceLength: seen, length: seen, isVerbatim: true, isAdjusted: false)
        } else {
            self.init(measuring: bytes, seen, limit: limit)
        }
    }

    private init(source: UnsafePointer<UInt8>, sourceLength: Int, length: Int, isVerbatim: Bool, isAdjusted: Bool) {
        self.source = source
        self.sourceLength = sourceLength
        self.length = length
        self.isVerbatim = isVerbatim
        self.isAdjusted = isAdjusted
    }

    @inline(never)
    init(measuring bytes: UnsafePointer<UInt8>, _ seen: Int, limit: Int) {
        var walk = UTF8Walk(bytes, seen, limit: limit)
        while walk.next() != nil {}
        self.init(
            source: bytes, sourceLength: seen, length: walk.produced, isVerbatim: !walk.hasReplaced,
            isAdjusted: walk.hasReplaced || walk.consumed < seen)
    }

    /// Writes exactly `length` bytes.
    @inline(__always)
    func copy(to target: UnsafeMutableRawPointer) {
        if isVerbatim { Text.copyBytes(target, source, length) } else { copyRepaired(to: target) }
    }

    @inline(never)
    private func copyRepaired(to target: UnsafeMutableRawPointer) {
        // Another thread may have changed the string since it was measured: never write more than was reserved, never
        // leave a part unwritten.
        var walk = UTF8Walk(source, sourceLength, limit: length)
        var done = 0
        while let step = walk.next() {
            if let bytes = step.bytes {
                (target + done).copyMemory(from: bytes, byteCount: step.count)
            } else {
                (target + done).storeBytes(of: 0xEF, as: UInt8.self)
                (target + done + 1).storeBytes(of: 0xBF, as: UInt8.self)
                (target + done + 2).storeBytes(of: 0xBD, as: UInt8.self)
            }
            done += step.count
        }
        if done < length { memset(target + done, 0x20, length - done) }
    }

    @inline(__always)
    static func isASCII(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let raw = UnsafeRawPointer(bytes)
        let high: UInt64 = 0x8080_8080_8080_8080
        if count >= 8 {
            var offset = 0
            var seen: UInt64 = 0
            while offset &+ 8 <= count {
                seen |= raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                offset &+= 8
            }
            seen |= raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            return seen & high == 0
        }
        if count >= 4 {
            let seen =
                raw.loadUnaligned(as: UInt32.self) | raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            return seen & UInt32(truncatingIfNeeded: high) == 0
        }
        var seen: UInt8 = 0
        for index in 0..<count { seen |= bytes[index] }
        return seen < 0x80
    }

    /// memcpy without the call for the short strings that events are made of.
    @inline(__always)
    static func copyBytes(_ target: UnsafeMutableRawPointer, _ source: UnsafePointer<UInt8>, _ count: Int) {
        let raw = UnsafeRawPointer(source)
        if count > 32 {
            memcpy(target, raw, count)
        } else if count >= 8 {
            var offset = 0
            while offset &+ 8 < count {
                target.storeBytes(
                    of: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self), toByteOffset: offset,
                    as: UInt64.self)
                offset &+= 8
            }
            target.storeBytes(
                of: raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self), toByteOffset: count &- 8,
                as: UInt64.self)
        } else if count >= 4 {
            target.storeBytes(of: raw.loadUnaligned(as: UInt32.self), as: UInt32.self)
            target.storeBytes(
                of: raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self), toByteOffset: count &- 4,
                as: UInt32.self)
        } else {
            for index in 0..<count { target.storeBytes(of: source[index], toByteOffset: index, as: UInt8.self) }
        }
    }
}

/// Steps through bytes character by character; each maximal ill-formed part counts as one U+FFFD
/// (`UTF8Sequence`). Ends before the character that would exceed `limit` bytes of output.
struct UTF8Walk {
    private let bytes: UnsafePointer<UInt8>
    private let count: Int
    private let limit: Int
    private(set) var consumed = 0
    private(set) var produced = 0
    private(set) var hasReplaced = false

    init(_ bytes: UnsafePointer<UInt8>, _ count: Int, limit: Int) {
        self.bytes = bytes
        self.count = count
        self.limit = limit
    }

    /// A character as it is, or, with nil `bytes`, a replacement; `count` bytes of output.
    mutating func next() -> (bytes: UnsafePointer<UInt8>?, count: Int)? {
        guard consumed < count else { return nil }
        let (length, isValid) =
            bytes[consumed] < 0x80
            ? (1, true) : UTF8Sequence.examine(bytes + consumed, available: count - consumed)
        let output = isValid ? length : 3
        guard produced + output <= limit else { return nil }
        let start = bytes + consumed
        consumed += length
        produced += output
        if !isValid { hasReplaced = true }
        return (isValid ? start : nil, output)
    }
}

enum TextLimit {
    /// At most `limit` bytes of `bytes`, cut at a character, valid UTF-8.
    static func cut(_ bytes: [UInt8], _ limit: Int) -> [UInt8] {
        bytes.withUnsafeBufferPointer { area in
            guard let base = area.baseAddress else { return [] }
            let text = Text(measuring: base, area.count, limit: limit)
            if text.length == 0 { return [] }
            return [UInt8](unsafeUninitializedCapacity: text.length) { target, count in
                if let start = target.baseAddress { text.copy(to: start) }
                count = text.length
            }
        }
    }
}
