// SPDX-License-Identifier: Apache-2.0
import CSystem

// Every offset and size of docs/spool-format.md, format version 1, except those of records: RecordLayout has them.

/// "Segments"
enum SegmentLayout {
    static let headerSize = 4096
    static let minimumSize = 8192
    static let maximumSize = 16 << 20
    static let pageSize = 4096
    static let progressOffsets = (64, 128)
    static let progressSize = 64
    static let descriptionOffsets = (1024, 2560)
    static let fileSuffix = ".seg"

    /// The size of a file with room for that many bytes.
    static func fileSize(for bytes: Int) -> Int {
        max(minimumSize, (bytes &+ pageSize &- 1) & ~(pageSize &- 1))
    }

    static func isPlausible(fileSize: Int) -> Bool {
        fileSize >= minimumSize && fileSize <= maximumSize && fileSize % pageSize == 0
    }
}

/// "Description". What lies before `created` is the same in every version of the format.
enum DescriptionLayout {
    static let capacity = 1536
    static var magic: Field<UInt64> { Field(0) }
    static var checksum: Field<UInt32> { Field(8) }
    static var length: Field<UInt32> { Field(12) }
    static var generation: Field<UInt64> { Field(16) }
    static var epoch: Field<UInt64> { Field(24) }
    static var created: Field<Int64> { Field(32) }
    static var fileSize: Field<UInt32> { Field(40) }
    static var sync: Field<UInt32> { Field(44) }
    static var process: Field<UInt32> { Field(48) }
    static var fieldCount: Field<UInt16> { Field(52) }
    static var metadataCount: Field<UInt16> { Field(54) }
    static var lineage: Field<UInt32> { Field(56) }
    static var flags: Field<UInt32> { Field(60) }
    static let fixedSize = 64
    static let isLocalOnly: UInt32 = 1
}

/// A context field, from its own start.
enum ContextFieldLayout {
    static var id: Field<UInt8> { Field(0) }
    static var length: Field<UInt16> { Field(2) }
    static let headerSize = 4
}

/// "Destinations of a segment": context field 8.
enum DestinationSetLayout {
    static let field: UInt8 = 8
    static var origin: Field<UInt8> { Field(0) }
    static var count: Field<UInt8> { Field(1) }
    static var flags: Field<UInt16> { Field(2) }
    static let isOnce: UInt16 = 1
    /// The program's mark is in the bits above.
    static let programShift: UInt16 = 1
    static let members = 4
    static func fingerprint(_ index: Int) -> Field<UInt32> { Field(members + 8 * index) }
    static func tag(_ index: Int) -> Field<UInt32> { Field(members + 8 * index + 4) }
    static func text(_ count: Int) -> Int { members + 8 * count }
    /// The length including its text.
    static let limit = 260
}

/// What all slots begin with.
enum SlotLayout {
    static var checksum: Field<UInt32> { Field(0) }
    static var sequence: Field<UInt32> { Field(4) }
    /// The payload begins with it in slots that belong to one use of a segment.
    static var generation: Field<UInt64> { Field(8) }
}

/// "Progress"
enum ProgressLayout {
    static var offset: Field<UInt32> { Field(16) }
    static var delivered: Field<UInt32> { Field(20) }
    static func dropped(_ reason: Int) -> Field<UInt32> { Field(24 + 4 * reason) }
    static let reasons = 9
    static var tag: Field<UInt32> { Field(60) }
}

/// "control". What lies before the counters is the same in every version of the format.
enum ControlLayout {
    static let size = 4096
    static var magic: Field<UInt64> { Field(0) }
    static let epochs = (64, 128)
    /// Magic and epochs.
    static let head = 0..<144
    static let counters = 256..<768
    static let delivery = 1024..<2048
    static let chosen = 2048..<3072
}

/// The destinations that a program chose in code last, a slot's payload.
enum ChosenLayout {
    static var time: Field<Int64> { Field(8) }
    static var owner: Field<UInt32> { Field(16) }
    static let text = SlotText(offset: 20, limit: 400)
}

/// The counters, a slot's payload: from byte 8, words of eight bytes.
enum CountersLayout {
    static var retiredGeneration: Field<UInt64> { Field(8) }
    static var retiredFile: Field<UInt64> { Field(16) }
    static var recorded: Field<UInt64> { Field(24) }
    static var delivered: Field<UInt64> { Field(32) }
    static func dropped(_ reason: Int) -> Field<UInt64> { Field(40 + 8 * reason) }
    static func counter(_ counter: Counter) -> Field<UInt64> { Field(120 + 8 * counter.rawValue) }
}

/// The delivery state, a slot's payload.
enum DeliveryLayout {
    static var nextAttempt: Field<Int64> { Field(8) }
    static var lastAttempt: Field<Int64> { Field(16) }
    static var lastSuccess: Field<Int64> { Field(24) }
    static var failures: Field<UInt32> { Field(32) }
    static var owner: Field<UInt32> { Field(36) }
    static var appendInode: Field<UInt64> { Field(40) }
    static var appendLength: Field<UInt64> { Field(48) }
    static var appendGeneration: Field<UInt64> { Field(56) }
    static var appendOffset: Field<UInt32> { Field(64) }
    static let lastError = SlotText(offset: 68, limit: 200)
    static var auditLost: Field<UInt64> { Field(272) }
    static let taker = SlotText(offset: 280, limit: 200)
}

/// "destinations"
enum DestinationLayout {
    static let entrySize = 2048
    static let slotSize = 512
    static let states = (0, slotSize)
    static let totals = (2 * slotSize, 3 * slotSize)
    static var recorded: Field<UInt64> { Field(8) }
    static var delivered: Field<UInt64> { Field(16) }
    static var dropped: Field<UInt64> { Field(24) }
    static var generation: Field<UInt64> { Field(32) }
    static let name = SlotText(offset: 40, limit: 64)
}

/// A text in a slot: its length in two bytes, and room for `limit` bytes.
struct SlotText {
    let offset: Int
    let limit: Int

    func load(_ slot: UnsafeRawPointer) -> [UInt8] {
        let length = min(limit, Int(slot.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
        return Array(UnsafeRawBufferPointer(start: slot + (offset + 2), count: length))
    }

    /// Overwrites a longer text completely.
    func store(_ text: [UInt8], _ slot: UnsafeMutableRawPointer) {
        let room = slot + offset
        memset(room, 0, 2 + limit)
        let text = TextLimit.cut(text, limit)
        room.storeBytes(of: UInt16(truncatingIfNeeded: text.count), as: UInt16.self)
        text.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { (room + 2).copyMemory(from: base, byteCount: bytes.count) }
        }
    }
}
