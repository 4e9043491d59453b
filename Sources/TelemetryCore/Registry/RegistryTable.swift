// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Bytes that live as long as the registry; or a number.
struct RegisteredText {
    let bytes: UnsafePointer<UInt8>
    let count: Int
    /// The first bytes mixed with the last: most texts are told apart by them alone.
    let word: UInt64

    init(bytes: UnsafePointer<UInt8>, count: Int) {
        self.bytes = bytes
        self.count = count
        word = Self.word(bytes, count)
    }

    init(number: Int64) {
        bytes = UnsafePointer(bitPattern: 8).unsafelyUnwrapped
        count = 0
        word = UInt64(bitPattern: number)
    }

    @inline(__always)
    func equals(_ other: UnsafePointer<UInt8>, _ length: Int, _ otherWord: UInt64) -> Bool {
        guard count == length, word == otherWord else { return false }
        return length < 8 || memcmp(bytes, other, length) == 0
    }

    /// A text of fewer than eight bytes as a number; of a longer one, the first eight bytes mixed with the last eight.
    @inline(__always)
    static func word(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        let raw = UnsafeRawPointer(bytes)
        if count >= 8 {
            let last = raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            return raw.loadUnaligned(as: UInt64.self) ^ (last << 1 | last >> 63)
        }
        if count >= 4 {
            let last = raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            return UInt64(raw.loadUnaligned(as: UInt32.self)) | UInt64(last) << 32
        }
        var result: UInt64 = 0
        for index in 0..<count { result = result << 8 | UInt64(bytes[index]) }
        return result
    }

    var hash: UInt64 { Self.hash(word, count) }

    @inline(__always)
    static func hash(_ word: UInt64, _ count: Int) -> UInt64 {
        let mixed = (word &+ UInt64(truncatingIfNeeded: count)) &* 0x9E37_79B9_7F4A_7C15
        return mixed ^ (mixed >> 32)
    }
}

/// What a string or a number has to be, for an attribute of one key.
struct AttributeRule {
    let key: RegisteredText
    /// A `telemetry_attribute_type`.
    let type: UInt32
    var low: Int64 = .min
    var high: Int64 = .max
    var lowNumber = -Double.infinity
    var highNumber = Double.infinity
    var hasNumberBounds = false
    var maxLength = Int.max
    var choices: UnsafePointer<RegisteredText>?
    var choiceCount = 0
    var pattern: Unmanaged<Pattern>?

    init(key: RegisteredText, type: UInt32) {
        self.key = key
        self.type = type
    }

    mutating func setBounds(_ attribute: AttributeDeclaration) {
        if case .int(let value)? = attribute.low { low = value }
        if case .int(let value)? = attribute.high { high = value }
        if case .double(let value)? = attribute.low { lowNumber = value }
        if case .double(let value)? = attribute.high { highNumber = value }
        hasNumberBounds = attribute.kind == .double && (attribute.low != nil || attribute.high != nil)
    }

    /// `text`: a string as it will be in the record; its `sourceLength`: the caller's bytes, as far as they were looked
    /// at.
    @inline(__always)
    func allows(_ text: Text) -> Bool {
        guard text.sourceLength <= maxLength else { return false }
        if choiceCount == 0 && pattern == nil { return true }
        return allowsSlowly(text)
    }

    /// A text that was cut or repaired is not what was given, and matches nothing.
    @inline(never)
    private func allowsSlowly(_ text: Text) -> Bool {
        if text.isAdjusted { return false }
        if choiceCount > 0 && !isChoice(text.source, text.length) { return false }
        guard let pattern else { return true }
        let bytes = UnsafeRawBufferPointer(start: text.source, count: text.length)
        return pattern._withUnsafeGuaranteedRef { $0.matches(bytes) }
    }

    private func isChoice(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard let choices else { return false }
        let word = RegisteredText.word(bytes, count)
        for index in 0..<choiceCount where choices[index].equals(bytes, count, word) { return true }
        return false
    }

    @inline(__always)
    func allows(_ number: Int64) -> Bool {
        guard low <= number, number <= high else { return false }
        guard let choices else { return true }
        for index in 0..<choiceCount where choices[index].word == UInt64(bitPattern: number) { return true }
        return false
    }

    /// NaN is within no bounds.
    @inline(__always)
    func allows(_ number: Double) -> Bool { !hasNumberBounds || lowNumber <= number && number <= highNumber }
}

struct RegisteredEvent {
    /// Without its `*`.
    let name: RegisteredText
    let types: UnsafePointer<RegisteredText>
    let typeCount: Int
    let rules: UnsafePointer<AttributeRule>
    let ruleCount: Int
    /// Nanoseconds since 1970-01-01 UTC.
    let expires: Int64

    @inline(__always)
    func has(type: UnsafePointer<UInt8>, _ length: Int, _ word: UInt64) -> Bool {
        var index = 0
        while index < typeCount {
            if types[index].equals(type, length, word) { return true }
            index &+= 1
        }
        return false
    }

    /// Nil: not declared.
    @inline(__always)
    func rule(_ key: UnsafePointer<UInt8>, _ length: Int) -> UnsafePointer<AttributeRule>? {
        let word = RegisteredText.word(key, length)
        var index = 0
        while index < ruleCount {
            if rules[index].key.equals(key, length, word) { return rules + index }
            index &+= 1
        }
        return nil
    }
}

/// Where events are looked up. No pointer is followed beyond the counts.
struct RegistryTable {
    private var events: UnsafePointer<RegisteredEvent>?
    private var prefixCount = 0
    private var slots: UnsafePointer<UInt16>?
    private var mask = 0

    init() {}

    init(events: UnsafePointer<RegisteredEvent>, prefixCount: Int, slots: UnsafePointer<UInt16>, mask: Int) {
        self.events = events
        self.prefixCount = prefixCount
        self.slots = slots
        self.mask = mask
    }

    /// The only declaration, where there is just one.
    var first: UnsafePointer<RegisteredEvent>? { events }

    /// Looks at the declarations that list the type: finds the one of exactly this name, else the one with the longest
    /// beginning. Nil: there is none, or it has expired.
    @inline(never)
    @_optimize(speed)
    func find(_ type: Text, _ name: Text, now: Int64) -> UnsafePointer<RegisteredEvent>? {
        // A name that was cut or repaired is not what was given.
        guard let events, let slots, !name.isAdjusted else { return nil }
        let typeWord = RegisteredText.word(type.source, type.length)
        let word = RegisteredText.word(name.source, name.length)
        var slot = Int(truncatingIfNeeded: RegisteredText.hash(word, name.length)) & mask
        while slots[slot] != 0 {
            let event = events + (Int(slots[slot]) &- 1)
            if event.pointee.name.equals(name.source, name.length, word) {
                guard event.pointee.has(type: type.source, type.length, typeWord) else { break }
                return now < event.pointee.expires ? event : nil
            }
            slot = (slot &+ 1) & mask
        }
        guard let event = longestPrefix(type, typeWord, name) else { return nil }
        return now < event.pointee.expires ? event : nil
    }

    private func longestPrefix(_ type: Text, _ typeWord: UInt64, _ name: Text) -> UnsafePointer<RegisteredEvent>? {
        var best: UnsafePointer<RegisteredEvent>?
        guard let events else { return nil }
        for index in 0..<prefixCount {
            let prefix = events[index].name
            guard prefix.count <= name.length, prefix.count >= best?.pointee.name.count ?? 0,
                memcmp(prefix.bytes, name.source, prefix.count) == 0,
                events[index].has(type: type.source, type.length, typeWord)
            else { continue }
            best = events + index
        }
        return best
    }
}
