// SPDX-License-Identifier: Apache-2.0
import CSystem

/// An attribute as it is in a record or in a segment's description.
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

    /// Bytes that the attribute at the start of `bytes` takes; 0 when it does not fit or is not well
    /// formed. docs/spool-format.md, "Records".
    @inline(__always)
    static func size(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count >= headerSize, let at = bytes.baseAddress else { return 0 }
        let header = at.loadUnaligned(as: UInt32.self).littleEndian
        let valueLength = Int(header >> 16)
        let total = headerSize &+ Int(header >> 8 & 0xFF) &+ valueLength
        // A string has any length, the others eight bytes or one.
        let isWellFormed =
            header & 0xFF == 0 || header & 0xFF < 3 && valueLength == 8 || header & 0xFF == 3 && valueLength == 1
        return isWellFormed && total <= bytes.count ? total : 0
    }

    /// Takes the attribute at the start of `bytes` off it. Nil when there is no well-formed one.
    @inline(__always)
    package static func next(_ bytes: inout UnsafeRawBufferPointer) -> AttributeView? {
        let total = size(bytes)
        guard total > 0, let at = bytes.baseAddress else { return nil }
        let keyLength = Int(at.load(fromByteOffset: 1, as: UInt8.self))
        let raw = at + (headerSize &+ keyLength)
        let value: Value =
            switch at.load(as: UInt8.self) {
            case 1: .int(raw.loadUnaligned(as: Int64.self))
            case 2: .double(raw.loadUnaligned(as: Double.self))
            case 3: .bool(raw.load(as: UInt8.self) != 0)
            default: .string(UnsafeRawBufferPointer(start: raw, count: total &- headerSize &- keyLength))
            }
        bytes = UnsafeRawBufferPointer(start: at + total, count: bytes.count &- total)
        return AttributeView(key: UnsafeRawBufferPointer(start: at + headerSize, count: keyLength), value: value)
    }

    /// One of the attributes has that key.
    @inline(__always)
    static func has(_ key: UnsafeRawBufferPointer, in attributes: UnsafeRawBufferPointer) -> Bool {
        guard let wanted = key.baseAddress else { return false }
        var rest = attributes
        while let at = rest.baseAddress {
            let total = size(rest)
            if total == 0 { return false }
            if Int(at.load(fromByteOffset: 1, as: UInt8.self)) == key.count,
                memcmp(at + headerSize, wanted, key.count) == 0
            {
                return true
            }
            rest = UnsafeRawBufferPointer(start: at + total, count: rest.count &- total)
        }
        return false
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
    /// A `DestinationSet`.
    var destinations = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The tool's metadata, encoded attributes one after the other; an event's own win.
    package var metadata = UnsafeRawBufferPointer(start: nil, count: 0)
    package var metadataCount = 0
    /// Of what a record says, these are passed over.
    var excluded = FieldSet()
}

/// A record, read in place. Every offset was checked when it was made, so that the accessors cannot leave the record.
/// Strings may hold invalid UTF-8. Small: a batch has thousands. What is said of an event is below; of a span, in
/// `RecordView+Span.swift`.
package struct RecordView {
    let record: UnsafeRawPointer
    private let sharedContext: UnsafePointer<EventContext>
    private let count: UInt32
    private let argumentsOffset: UInt32
    private let attributesOffset: UInt32

    /// `record`: from its sync word to its length, without padding. Nil when the parts do not fit, or the kind is not
    /// known. Both must outlive the view.
    @_optimize(speed)
    package init?(record: UnsafeRawBufferPointer, context: UnsafePointer<EventContext>) {
        guard let base = record.baseAddress, record.count >= RecordLayout.minimumSize,
            record.count <= Int(Int32.max)
        else { return nil }
        self.record = base
        sharedContext = context
        count = UInt32(truncatingIfNeeded: record.count)
        if RecordLayout.kind.load(base) == RecordHeader.span {
            guard let items = SpanItems.offset(record) else { return nil }
            argumentsOffset = 0
            attributesOffset = UInt32(truncatingIfNeeded: items)
            return
        }
        guard RecordLayout.kind.load(base) == RecordHeader.event,
            EventLayout.argumentCount.load(base) <= UInt16(EventLimits.arguments),
            EventLayout.attributeCount.load(base) <= UInt16(EventLimits.attributes)
        else { return nil }
        var offset =
            EventLayout.fixedSize &+ Int(EventLayout.typeLength.load(base)) &+ Int(EventLayout.nameLength.load(base))
            &+ Int(EventLayout.errorCategoryLength.load(base)) &+ Int(EventLayout.errorLength.load(base))
        argumentsOffset = UInt32(truncatingIfNeeded: offset)
        for _ in 0..<EventLayout.argumentCount.load(base) {
            guard offset &+ 2 <= record.count else { return nil }
            offset &+= 2 &+ Int(base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        }
        guard offset <= record.count else { return nil }
        attributesOffset = UInt32(truncatingIfNeeded: offset)
        for _ in 0..<EventLayout.attributeCount.load(base) {
            let size = AttributeView.size(UnsafeRawBufferPointer(start: base + offset, count: record.count &- offset))
            guard size > 0 else { return nil }
            offset &+= size
        }
        guard offset == record.count else { return nil }
    }

    package var context: EventContext { sharedContext.pointee }

    /// Both were recorded into the same segment.
    package func sharesContext(with other: RecordView) -> Bool { sharedContext == other.sharedContext }

    /// Behind the fixed part and its strings: an event's attributes, or all that was said of a span.
    var variablePart: UnsafeRawBufferPointer {
        slice(Int(attributesOffset), Int(count &- attributesOffset))
    }

    @inline(__always)
    func slice(_ offset: Int, _ length: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: record + offset, count: length)
    }

    package var isSpan: Bool { RecordLayout.kind.load(record) == RecordHeader.span }
    package var schemaVersion: Int { Int(RecordLayout.schema.load(record)) }
    /// Of a span: when it began. Nanoseconds since 1970-01-01 UTC.
    package var timestamp: Int64 { RecordLayout.time.load(record) }
    /// The 16 bytes of the UUID, in network order.
    package var eventID: UnsafeRawBufferPointer { slice(RecordLayout.id, RecordLayout.idSize) }
}

// An event. A span has none of this, whatever its bytes are.
extension RecordView {
    @inline(__always)
    private func size(_ field: Field<UInt16>) -> Int { isSpan ? 0 : Int(field.load(record)) }

    @inline(__always)
    private func has(_ flag: UInt16, _ field: EventField) -> Bool {
        !isSpan && RecordLayout.flags.load(record) & flag != 0 && !isLeftOut(field)
    }

    @inline(__always)
    private func isLeftOut(_ field: EventField) -> Bool { sharedContext.pointee.excluded.contains(field) }

    package var durationMilliseconds: Int64? {
        has(EventLayout.hasDuration, .duration) ? EventLayout.duration.load(record) : nil
    }
    package var exitCode: Int32? {
        has(EventLayout.hasExitCode, .exitCode) ? EventLayout.exitCode.load(record) : nil
    }
    package var type: UnsafeRawBufferPointer { slice(EventLayout.fixedSize, size(EventLayout.typeLength)) }
    package var name: UnsafeRawBufferPointer {
        isSpan
            ? spanName : slice(EventLayout.fixedSize &+ size(EventLayout.typeLength), size(EventLayout.nameLength))
    }
    private var errorCategoryOffset: Int {
        EventLayout.fixedSize &+ size(EventLayout.typeLength) &+ size(EventLayout.nameLength)
    }
    package var errorCategory: UnsafeRawBufferPointer {
        slice(errorCategoryOffset, isLeftOut(.errorCategory) ? 0 : size(EventLayout.errorCategoryLength))
    }
    /// Empty: none.
    package var error: UnsafeRawBufferPointer {
        slice(
            errorCategoryOffset &+ size(EventLayout.errorCategoryLength),
            isLeftOut(.error) ? 0 : size(EventLayout.errorLength))
    }
    package var argumentCount: Int { isLeftOut(.arguments) ? 0 : size(EventLayout.argumentCount) }
    package var attributeCount: Int { size(EventLayout.attributeCount) }

    package func forEachArgument(_ body: (UnsafeRawBufferPointer) -> Void) {
        var offset = Int(argumentsOffset)
        for _ in 0..<argumentCount {
            let length = size(Field(offset))
            body(slice(offset &+ 2, length))
            offset &+= 2 &+ length
        }
    }

    private var attributes: UnsafeRawBufferPointer {
        isSpan ? UnsafeRawBufferPointer(start: nil, count: 0) : variablePart
    }

    /// The event's own attributes, in the order they were given.
    @inline(__always)
    package func forEachAttribute(_ body: (AttributeView) -> Void) {
        var rest = attributes
        while let attribute = AttributeView.next(&rest) { body(attribute) }
    }

    /// The tool's metadata that the event does not override, then the event's own attributes.
    /// A key that the event gives twice counts once, the last time.
    @inline(__always)
    package func forEachMergedAttribute(_ body: (AttributeView) -> Void) {
        var merged = MergedAttributes(
            shared: sharedContext.pointee.metadata, sharedCount: sharedContext.pointee.metadataCount, own: attributes)
        while let attribute = merged.next() { body(attribute) }
    }
}

/// Goes through an event's attributes and those that it shares with others.
private struct MergedAttributes {
    var shared: UnsafeRawBufferPointer
    var sharedCount: Int
    var own: UnsafeRawBufferPointer

    @_optimize(speed)
    @inline(never)
    mutating func next() -> AttributeView? {
        while sharedCount > 0 {
            sharedCount &-= 1
            guard let attribute = AttributeView.next(&shared) else {
                sharedCount = 0
                break
            }
            if !AttributeView.has(attribute.key, in: own) { return attribute }
        }
        while let attribute = AttributeView.next(&own) {
            if !AttributeView.has(attribute.key, in: own) { return attribute }
        }
        return nil
    }
}
