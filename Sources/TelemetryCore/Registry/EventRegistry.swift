// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The events a tool may record (C10), compiled for the recording path: immutable, flat, at fixed
/// addresses, so that any thread looks an event up without a lock, an allocation or a reference count.
package final class EventRegistry {
    package static let limitEvents = 500
    static let limitTypes = 16
    static let limitPatterns = 100

    package let declarations: [EventDeclaration]
    let table: UnsafeMutablePointer<RegistryTable>
    private var memory: [UnsafeMutableRawPointer] = []

    init(_ declarations: [EventDeclaration]) {
        self.declarations = declarations
        table = .allocate(capacity: 1)
        table.initialize(to: RegistryTable())
        fill()
    }

    deinit {
        for area in memory { area.deallocate() }
        table.deallocate()
    }

    /// Names with `*` first, then the others, found by hash.
    private func fill() {
        let prefixes = declarations.filter { $0.isPrefix }
        let exact = declarations.filter { !$0.isPrefix }
        let events = area(of: RegisteredEvent.self, prefixes.count + exact.count)
        for (index, declaration) in (prefixes + exact).enumerated() {
            (events + index).initialize(to: register(declaration))
        }
        // At most half full, so that a search soon meets an empty slot.
        var size = 16
        while size < 2 * exact.count { size *= 2 }
        let slots = area(of: UInt16.self, size)
        slots.initialize(repeating: 0, count: size)
        table.pointee = RegistryTable(events: events, prefixCount: prefixes.count, slots: slots, mask: size - 1)
        for index in prefixes.count..<(prefixes.count + exact.count) {
            var slot = Int(truncatingIfNeeded: events[index].name.hash) & (size - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = UInt16(truncatingIfNeeded: index + 1)
        }
    }

    private func register(_ declaration: EventDeclaration) -> RegisteredEvent {
        let name = Array(declaration.name.utf8)
        let types = area(of: RegisteredText.self, declaration.types.count)
        for (index, type) in declaration.types.enumerated() { (types + index).initialize(to: text(Array(type.utf8))) }
        let rules = area(of: AttributeRule.self, declaration.attributes.count)
        for (index, attribute) in declaration.attributes.enumerated() {
            (rules + index).initialize(to: rule(attribute))
        }
        return RegisteredEvent(
            name: text(declaration.isPrefix ? Array(name.dropLast()) : name), types: types,
            typeCount: declaration.types.count,
            rules: rules, ruleCount: declaration.attributes.count, expires: declaration.expires?.nanoseconds ?? .max)
    }

    private func rule(_ attribute: AttributeDeclaration) -> AttributeRule {
        var rule = AttributeRule(key: text(Array(attribute.key.utf8)), type: UInt32(attribute.kind.rawValue))
        rule.setBounds(attribute)
        rule.maxLength = Int(clamping: attribute.maxLength ?? .max)
        // Kept alive by the declaration.
        rule.pattern = attribute.compiled.map { Unmanaged.passUnretained($0) }
        rule.choiceCount = attribute.choices.count
        if attribute.choices.isEmpty { return rule }
        let texts = area(of: RegisteredText.self, attribute.choices.count)
        for (index, choice) in attribute.choices.enumerated() {
            switch choice {
            case .string(let value): (texts + index).initialize(to: text(Array(value.utf8)))
            case .int(let value): (texts + index).initialize(to: RegisteredText(number: value))
            default: (texts + index).initialize(to: RegisteredText(number: 0))
            }
        }
        rule.choices = UnsafePointer(texts)
        return rule
    }

    private func text(_ bytes: [UInt8]) -> RegisteredText {
        let copy = area(of: UInt8.self, bytes.count)
        for (index, byte) in bytes.enumerated() { copy[index] = byte }
        return RegisteredText(bytes: copy, count: bytes.count)
    }

    private func area<T>(of type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
        let made = UnsafeMutablePointer<T>.allocate(capacity: max(1, count))
        memory.append(made)
        return made
    }
}

extension EventDeclaration {
    var isPrefix: Bool { Array(name.utf8).last == UInt8(ascii: "*") }
}
