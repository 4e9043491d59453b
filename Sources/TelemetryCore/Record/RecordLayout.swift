// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Every offset of docs/spool-format.md, "Records".
enum RecordLayout {
    static var sync: Field<UInt32> { Field(0) }
    static var checksum: Field<UInt32> { Field(4) }
    static var length: Field<UInt32> { Field(8) }
    static var flags: Field<UInt16> { Field(12) }
    static var schema: Field<UInt8> { Field(14) }
    static var kind: Field<UInt8> { Field(15) }
    static var time: Field<Int64> { Field(16) }
    /// A UUID, in network order.
    static let id = 24
    static let idSize = 16
    /// The checksum covers the record from here on.
    static let checked = 8
    /// Sizes of a record of any kind.
    static let minimumSize = 64
    static let maximumSize = 65_528

    /// `value` as it lies in a word of eight bytes that begins at `start`.
    @inline(__always)
    static func part<Value>(_ value: UInt64, _ field: Field<Value>, in start: Int) -> UInt64 {
        value << UInt64(truncatingIfNeeded: 8 &* (field.offset &- start))
    }
}

/// The fixed part of an event, behind the header that all kinds share.
enum EventLayout {
    static var duration: Field<Int64> { Field(40) }
    static var exitCode: Field<Int32> { Field(48) }
    static var typeLength: Field<UInt16> { Field(52) }
    static var nameLength: Field<UInt16> { Field(54) }
    static var errorCategoryLength: Field<UInt16> { Field(56) }
    static var errorLength: Field<UInt16> { Field(58) }
    static var argumentCount: Field<UInt16> { Field(60) }
    static var attributeCount: Field<UInt16> { Field(62) }
    static let fixedSize = 64
    static let hasDuration: UInt16 = 1
    static let hasExitCode: UInt16 = 2
    static let isAdjusted: UInt16 = 4
}

/// The fixed part of a span, behind the header, whose time is when the span began. Then name, trace state and items.
enum SpanLayout {
    static var end: Field<Int64> { Field(40) }
    /// 16 and 8 bytes in network order, as traceparent has them. No parent: zeroes.
    static let traceID = 48
    static let spanID = 64
    static let parentID = 72
    static var nameLength: Field<UInt16> { Field(80) }
    static var traceStateLength: Field<UInt16> { Field(82) }
    /// opentelemetry-proto's SpanKind and StatusCode.
    static var spanKind: Field<UInt8> { Field(84) }
    static var status: Field<UInt8> { Field(85) }
    /// Of traceparent.
    static var traceFlags: Field<UInt8> { Field(86) }
    static var droppedAttributes: Field<UInt32> { Field(88) }
    static var droppedEvents: Field<UInt32> { Field(92) }
    static var droppedLinks: Field<UInt32> { Field(96) }
    static let fixedSize = 104
    static let schema: UInt8 = 1
    /// Bits of the record's flags. The process ended, or the time given to the span: nobody said when it ended.
    static let isAbandoned: UInt16 = 1
    /// The parent is in another process.
    static let hasRemoteParent: UInt16 = 2
    static let isAdjusted: UInt16 = 4
}

/// What every record says about itself. Unknown flags are ignored. What must not be ignored is another schema or kind.
struct RecordHeader {
    let length: Int
    let schema: UInt8
    let kind: UInt8

    static let event: UInt8 = 0
    static let span: UInt8 = 1

    /// Nil: there is no intact record of any kind at `position`.
    @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer, at position: Int, sync: UInt32) {
        guard let base = bytes.baseAddress, position >= 0, position &+ RecordLayout.minimumSize <= bytes.count else {
            return nil
        }
        let record = base + position
        guard RecordLayout.sync.load(record) == sync else { return nil }
        length = Int(RecordLayout.length.load(record))
        guard length >= RecordLayout.minimumSize, length <= RecordLayout.maximumSize, position &+ length <= bytes.count,
            RecordChecksum.value(record, length: length, sync: sync, offset: position)
                == RecordLayout.checksum.load(record)
        else { return nil }
        schema = RecordLayout.schema.load(record)
        kind = RecordLayout.kind.load(record)
    }

    /// This version of the library knows what the record means.
    var isKnown: Bool {
        kind == Self.event ? Int(schema) == EventSchema.version : kind == Self.span && schema == SpanLayout.schema
    }
}

/// CRC of a record: valid only at its own place in its own generation.
enum RecordChecksum {
    @inline(__always)
    static func value(_ record: UnsafeRawPointer, length: Int, sync: UInt32, offset: Int) -> UInt32 {
        csystem_crc32c_prefixed(
            sync ^ UInt32(truncatingIfNeeded: offset), record + RecordLayout.checked, length &- RecordLayout.checked)
    }
}
