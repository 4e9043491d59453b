// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What tracing systems hand on beside `traceparent`: the members of `tracestate`, `key=value` each, the newest at the
/// left (H10; W3C Trace Context, level 2, section 3.3).
///
/// A list is gathered from one header field after another, and then written: at most `limit` bytes, which a span can
/// carry in a fixed place. Nothing is allocated. The fields' memory must last until then.
///
/// - If one member breaks the grammar, or there are more than 32, the whole list is discarded. `traceparent` remains
///   valid. Without a valid `traceparent`, the list is discarded too; that is the caller's part.
/// - Of members with the same key, the left one is the newest and stays. So a system's member goes to the left, and
///   replaces the one that the system had, by being added first.
/// - Empty members, and spaces and tabs around a member, are dropped. Spaces at the left of a value belong to it.
package struct TraceState {
    /// Bytes that are handed on: no less than the specification asks for.
    package static let limit = 512
    package static let memberLimit = 32
    /// A key, and a value.
    private static let partLimit = 256
    /// Longer members are the first to go if there is too much.
    private static let longMember = 128

    private typealias Member = UnsafeRawBufferPointer

    private var members: InlineArray<32, UnsafeRawBufferPointer>
    private var count = 0
    /// No member breaks the grammar, and there are not too many.
    private(set) var isValid = true

    package init() { members = InlineArray(repeating: UnsafeRawBufferPointer(start: nil, count: 0)) }

    // MARK: gathering

    /// The value of a header field, or of a variable of the environment.
    package mutating func add(_ field: UnsafeRawBufferPointer) {
        var start = 0
        while isValid, start <= field.count {
            let end = field[start...].firstIndex(of: UInt8(ascii: ",")) ?? field.count
            add(member: OptionalSpace.trim(UnsafeRawBufferPointer(rebasing: field[start..<end])))
            start = end &+ 1
        }
    }

    private mutating func add(member: Member) {
        if member.isEmpty { return }
        guard let keyLength = Self.keyLength(member) else {
            isValid = false
            return
        }
        if contains(key: member, keyLength) { return }
        guard count < Self.memberLimit else {
            isValid = false
            return
        }
        members[count] = member
        count &+= 1
    }

    private func contains(key member: Member, _ length: Int) -> Bool {
        for index in 0..<count {
            // The `=` is compared too: a key may be the beginning of another.
            guard members[index].count > length, let other = members[index].baseAddress, let base = member.baseAddress
            else { continue }
            if memcmp(other, base, length &+ 1) == 0 { return true }
        }
        return false
    }

    // MARK: grammar

    /// Bytes of the key. Nil: the member is not `key=value`.
    private static func keyLength(_ member: Member) -> Int? {
        guard let sign = member.firstIndex(of: UInt8(ascii: "=")), (1...partLimit).contains(sign),
            (1...partLimit).contains(member.count &- sign &- 1), isKeyStart(member[0])
        else { return nil }
        for index in 1..<sign where !isKeyByte(member[index]) { return nil }
        // Without what was trimmed, the last byte is not a space.
        for index in (sign &+ 1)..<member.count where !isValueByte(member[index]) { return nil }
        return sign
    }

    private static func isKeyStart(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: "@"): true
        default: isKeyStart(byte)
        }
    }

    private static func isValueByte(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte <= 0x7E && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "=")
    }

    // MARK: writing

    /// The list without spaces around its members, into memory that has room for `limit` bytes and is not a field's.
    /// Returns the number of bytes; 0: there is no list, and no field is sent.
    ///
    /// A list that is too long loses whole members, those of more than 128 bytes first, then others, each time the
    /// right-most. The order of the rest is as it was.
    package func write(to target: UnsafeMutablePointer<UInt8>) -> Int {
        guard isValid else { return 0 }
        let kept = fitting()
        var length = 0
        for index in 0..<count where kept & 1 << UInt32(index) != 0 {
            if length > 0 {
                target[length] = UInt8(ascii: ",")
                length &+= 1
            }
            if let member = members[index].baseAddress { memcpy(target + length, member, members[index].count) }
            length &+= members[index].count
        }
        return length
    }

    /// None of its members is left out for want of room.
    var isWhole: Bool { fitting() == .max }

    /// A bit for each member that is written.
    private func fitting() -> UInt32 {
        var kept = UInt32.max
        var length = -1
        for index in 0..<count { length &+= members[index].count &+ 1 }
        drop(longerThan: Self.longMember, &kept, &length)
        drop(longerThan: 0, &kept, &length)
        return kept
    }

    private func drop(longerThan minimum: Int, _ kept: inout UInt32, _ length: inout Int) {
        var index = count
        while length > Self.limit, index > 0 {
            index &-= 1
            let bit: UInt32 = 1 << UInt32(index)
            guard kept & bit != 0, members[index].count > minimum else { continue }
            kept &= ~bit
            length &-= members[index].count &+ 1
        }
    }
}
