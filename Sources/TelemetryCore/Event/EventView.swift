import CSystem

/// An attribute as it stands in a record or in a segment's description.
package struct AttributeView {
    package enum Value {
        case string(UnsafeRawBufferPointer)
        case int(Int64)
        case double(Double)
        case bool(Bool)
    }

    package let key: UnsafeRawBufferPointer
    package let value: Value

    /// Size of an attribute's fixed part: type, key length, value length.
    package static let headerSize = 4

    /// Decodes the attribute at the start of `bytes`. Nil when it does not fit or is not well formed.
    /// Returns also the number of bytes it takes. docs/spool-format.md, "Records".
    package static func decode(_ bytes: UnsafeRawBufferPointer) -> (AttributeView, Int)? {
        guard bytes.count >= headerSize else { return nil }
        let keyLength = Int(bytes[1])
        let valueLength = Int(bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        let total = headerSize + keyLength + valueLength
        guard bytes.count >= total else { return nil }
        let key = UnsafeRawBufferPointer(rebasing: bytes[headerSize..<headerSize + keyLength])
        let raw = UnsafeRawBufferPointer(rebasing: bytes[headerSize + keyLength..<total])
        let value: Value
        switch bytes[0] {
        case 0: value = .string(raw)
        case 1 where valueLength == 8: value = .int(raw.loadUnaligned(as: Int64.self))
        case 2 where valueLength == 8: value = .double(raw.loadUnaligned(as: Double.self))
        case 3 where valueLength == 1: value = .bool(raw[0] != 0)
        default: return nil
        }
        return (AttributeView(key: key, value: value), total)
    }
}

/// What all events of a segment share. Points into memory that outlives it.
package struct EventContext {
    package var toolName = UnsafeRawBufferPointer(start: nil, count: 0)
    package var toolVersion = UnsafeRawBufferPointer(start: nil, count: 0)
    package var os = UnsafeRawBufferPointer(start: nil, count: 0)
    package var osVersion = UnsafeRawBufferPointer(start: nil, count: 0)
    package var arch = UnsafeRawBufferPointer(start: nil, count: 0)
    package var runtime = UnsafeRawBufferPointer(start: nil, count: 0)
    package var machineID = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The tool's metadata, encoded attributes one after the other; an event's own win.
    package var metadata = UnsafeRawBufferPointer(start: nil, count: 0)
    package var metadataCount = 0
}

/// A recorded event, read in place. Every offset was checked when it was made, so that the
/// accessors cannot leave the record, whatever its bytes say. Strings may hold invalid UTF-8.
package struct EventView {
    private let record: UnsafeRawBufferPointer
    package let context: EventContext
    private let argumentsOffset: Int
    private let attributesOffset: Int

    package static let fixedSize = 64

    /// `record`: from its sync word to its length, without padding. Nil when the parts do not fit.
    package init?(record: UnsafeRawBufferPointer, context: EventContext) {
        guard record.count >= Self.fixedSize,
            record.loadUnaligned(fromByteOffset: 60, as: UInt16.self) <= UInt16(EventLimits.arguments),
            record.loadUnaligned(fromByteOffset: 62, as: UInt16.self) <= UInt16(EventLimits.attributes)
        else { return nil }
        self.record = record
        self.context = context
        var offset = Self.fixedSize
        for field in [52, 54, 56, 58] { offset += Int(record.loadUnaligned(fromByteOffset: field, as: UInt16.self)) }
        guard offset <= record.count else { return nil }
        argumentsOffset = offset
        for _ in 0..<record.loadUnaligned(fromByteOffset: 60, as: UInt16.self) {
            guard offset + 2 <= record.count else { return nil }
            offset += 2 + Int(record.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            guard offset <= record.count else { return nil }
        }
        attributesOffset = offset
        for _ in 0..<record.loadUnaligned(fromByteOffset: 62, as: UInt16.self) {
            guard let (_, size) = AttributeView.decode(UnsafeRawBufferPointer(rebasing: record[offset...])) else { return nil }
            offset += size
        }
        guard offset == record.count else { return nil }
    }

    private func u16(_ offset: Int) -> Int { Int(record.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }

    private func slice(_ offset: Int, _ length: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: record[offset..<offset + length])
    }

    package var schemaVersion: Int { u16(14) }
    /// Nanoseconds since 1970-01-01 UTC.
    package var timestamp: Int64 { record.loadUnaligned(fromByteOffset: 16, as: Int64.self) }
    /// The 16 bytes of the UUID, in network order.
    package var eventID: UnsafeRawBufferPointer { slice(24, 16) }
    package var durationMilliseconds: Int64? {
        u16(12) & 1 == 0 ? nil : record.loadUnaligned(fromByteOffset: 40, as: Int64.self)
    }
    package var exitCode: Int32? {
        u16(12) & 2 == 0 ? nil : record.loadUnaligned(fromByteOffset: 48, as: Int32.self)
    }
    package var type: UnsafeRawBufferPointer { slice(Self.fixedSize, u16(52)) }
    package var name: UnsafeRawBufferPointer { slice(Self.fixedSize + u16(52), u16(54)) }
    package var errorCategory: UnsafeRawBufferPointer { slice(Self.fixedSize + u16(52) + u16(54), u16(56)) }
    /// Empty: none.
    package var error: UnsafeRawBufferPointer { slice(Self.fixedSize + u16(52) + u16(54) + u16(56), u16(58)) }
    package var argumentCount: Int { u16(60) }
    package var attributeCount: Int { u16(62) }

    package func forEachArgument(_ body: (UnsafeRawBufferPointer) -> Void) {
        var offset = argumentsOffset
        for _ in 0..<argumentCount {
            let length = u16(offset)
            body(slice(offset + 2, length))
            offset += 2 + length
        }
    }

    /// The event's own attributes, in the order they were given.
    package func forEachAttribute(_ body: (AttributeView) -> Void) {
        Self.forEach(slice(attributesOffset, record.count - attributesOffset), attributeCount, body)
    }

    /// The tool's metadata that the event does not override, then the event's own attributes.
    /// A key that the event gives twice counts once, the last time.
    package func forEachMergedAttribute(_ body: (AttributeView) -> Void) {
        Self.forEach(context.metadata, context.metadataCount) { shared in
            if !hasAttribute(shared.key, after: 0) { body(shared) }
        }
        var index = 0
        forEachAttribute { attribute in
            index += 1
            if !hasAttribute(attribute.key, after: index) { body(attribute) }
        }
    }

    private func hasAttribute(_ key: UnsafeRawBufferPointer, after skipped: Int) -> Bool {
        var found = false
        var index = 0
        forEachAttribute { attribute in
            index += 1
            if index > skipped && attribute.key.count == key.count && attribute.key.elementsEqual(key) { found = true }
        }
        return found
    }

    private static func forEach(_ bytes: UnsafeRawBufferPointer, _ count: Int, _ body: (AttributeView) -> Void) {
        var rest = bytes
        for _ in 0..<count {
            guard let (attribute, size) = AttributeView.decode(rest) else { return }
            body(attribute)
            rest = UnsafeRawBufferPointer(rebasing: rest[size...])
        }
    }
}
