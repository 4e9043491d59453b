// SPDX-License-Identifier: Apache-2.0

/// Names and values that an application hands on with a trace: `baggage` (H10; W3C Baggage, section 3).
///
/// At most 64 members and 8192 bytes are kept, the least that the specification allows. A member that breaks the
/// grammar, or for which there is no room, is left out as a whole; the others stay, in their order, and so do members
/// with the same key.
package struct Baggage {
    package static let limit = 8192
    package static let memberLimit = 64

    package private(set) var members: [BaggageMember] = []
    /// Of `text`.
    private var length = 0

    package init() {}

    package var isEmpty: Bool { members.isEmpty }

    /// The value of a header field, or of a variable of the environment. Several fields are one list.
    package mutating func add(_ field: UnsafeRawBufferPointer) {
        var parts = BaggageMember.Parts(field, UInt8(ascii: ","))
        while members.count < Self.memberLimit, let part = parts.next() {
            if let member = BaggageMember(part) { _ = append(member) }
        }
    }

    private mutating func append(_ member: BaggageMember) -> Bool {
        let added = member.text.count + (members.isEmpty ? 0 : 1)
        guard members.count < Self.memberLimit, added <= Self.limit - length else { return false }
        members.append(member)
        length += added
        return true
    }

    /// What goes into a header field or a variable. Empty: nothing is sent.
    package var text: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(length)
        for member in members {
            if !result.isEmpty { result.append(UInt8(ascii: ",")) }
            result.append(contentsOf: member.text)
        }
        return result
    }

    // MARK: one name

    /// The last one of that name, as with other implementations.
    package func value(_ key: String) -> String? {
        let key = Array(key.utf8)
        return members.last { $0.key.elementsEqual(key) }?.value
    }

    /// Replaces the first member of that name, with its properties, and removes others; else adds one at the end.
    /// False: nothing is changed, because `key` is not a token, or there is no room.
    package mutating func set(_ key: String, _ value: String) -> Bool {
        guard let member = BaggageMember(key: key, value: value) else { return false }
        var result = Baggage()
        var isPlaced = false
        for old in members {
            if !old.key.elementsEqual(member.key) {
                guard result.append(old) else { return false }
            } else if !isPlaced {
                guard result.append(member) else { return false }
                isPlaced = true
            }
        }
        guard isPlaced || result.append(member) else { return false }
        self = result
        return true
    }

    package mutating func remove(_ key: String) {
        let key = Array(key.utf8)
        let old = members
        self = Baggage()
        for member in old where !member.key.elementsEqual(key) { _ = append(member) }
    }
}
