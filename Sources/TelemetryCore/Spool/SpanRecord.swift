// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The bytes of a span's record.
enum SpanRecord {
    /// Makes a valid record of what was written of a span, at its place in a segment.
    @inline(__always)
    static func complete(
        _ record: UnsafeMutableRawPointer, length: Int, flags: UInt16, offset: Int, sync: UInt32, generation: UInt64
    ) {
        let id = EventIdentifier.make(now: RecordLayout.time.load(record), generation: generation, offset: offset)
        let size = RecordLayout.length.offset
        let allFlags = RecordLayout.flags.load(record) | flags
        word(
            record, size,
            UInt64(truncatingIfNeeded: length) | RecordLayout.part(UInt64(allFlags), RecordLayout.flags, in: size)
                | RecordLayout.part(UInt64(SpanLayout.schema), RecordLayout.schema, in: size)
                | RecordLayout.part(UInt64(RecordHeader.span), RecordLayout.kind, in: size))
        word(record, RecordLayout.id, id.high.bigEndian)
        word(record, RecordLayout.id &+ 8, id.low.bigEndian)
        let checksum = RecordChecksum.value(record, length: length, sync: sync, offset: offset)
        word(
            record, RecordLayout.sync.offset,
            UInt64(sync) | RecordLayout.part(UInt64(checksum), RecordLayout.checksum, in: RecordLayout.sync.offset))
    }

    /// `record`: `count` bytes from `offset` of a segment.
    static func isWhole(_ record: UnsafeRawPointer, _ count: Int, offset: Int, sync: UInt32) -> Bool {
        guard count >= SpanLayout.fixedSize, RecordLayout.sync.load(record) == sync else { return false }
        let length = Int(RecordLayout.length.load(record))
        return length >= SpanLayout.fixedSize && length <= count
            && RecordChecksum.value(record, length: length, sync: sync, offset: offset)
                == RecordLayout.checksum.load(record)
    }

    @inline(__always)
    private static func word(_ target: UnsafeMutableRawPointer, _ offset: Int, _ value: UInt64) {
        target.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
    }
}
