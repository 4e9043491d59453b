// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a segment's header says about the events in it. Written once per use of the file.
struct Description {
    var generation: UInt64
    var epoch: UInt64
    /// Nanoseconds since 1970-01-01 UTC.
    var created: Int64
    var sync: UInt32
    /// Identifies the collectors that recorded into the segment and into those it shares their events' order with; 0:
    /// unknown.
    var lineage: UInt32 = 0
    /// The events are for this machine's log only.
    var isLocalOnly = false
    /// Offset of the valid copy in the segment.
    var offset: Int
    var length: Int

    /// The file has a later version of the format: only what all versions have in common can be read.
    var isLater: Bool { sync == 0 }

    /// For a segment that `read` could not read. Nil: it is damaged.
    static func readLater(_ segment: UnsafeRawPointer) -> Description? {
        let (first, second) = SegmentLayout.descriptionOffsets
        // A version writes both copies: beside one of this version, the other is damaged.
        for offset in [first, second] where DescriptionLayout.magic.load(segment + offset) == Magic.segment {
            return nil
        }
        return readLater(segment, at: first) ?? readLater(segment, at: second)
    }

    private static func readLater(_ segment: UnsafeRawPointer, at offset: Int) -> Description? {
        let copy = segment + offset
        guard Magic.isLater(DescriptionLayout.magic.load(copy), than: Magic.segment) else { return nil }
        return Description(
            generation: DescriptionLayout.generation.load(copy), epoch: DescriptionLayout.epoch.load(copy), created: 0,
            sync: 0,
            offset: offset, length: 0)
    }

    /// The first of the two copies that is valid.
    static func read(_ segment: UnsafeRawPointer) -> Description? {
        let (first, second) = SegmentLayout.descriptionOffsets
        return read(segment, at: first) ?? read(segment, at: second)
    }

    private static func read(_ segment: UnsafeRawPointer, at offset: Int) -> Description? {
        let copy = segment + offset
        guard DescriptionLayout.magic.load(copy) == Magic.segment else { return nil }
        let length = Int(DescriptionLayout.length.load(copy))
        guard length >= DescriptionLayout.fixedSize, length <= DescriptionLayout.capacity,
            DescriptionLayout.checksum.load(copy) == checksum(copy, length)
        else { return nil }
        let sync = DescriptionLayout.sync.load(copy)
        guard sync != 0 else { return nil }
        return Description(
            generation: DescriptionLayout.generation.load(copy), epoch: DescriptionLayout.epoch.load(copy),
            created: DescriptionLayout.created.load(copy), sync: sync, lineage: DescriptionLayout.lineage.load(copy),
            isLocalOnly: DescriptionLayout.flags.load(copy) & DescriptionLayout.isLocalOnly != 0, offset: offset,
            length: length)
    }

    private static func checksum(_ copy: UnsafeRawPointer, _ length: Int) -> UInt32 {
        let start = DescriptionLayout.length.offset
        return csystem_crc32c(0, copy + start, length - start)
    }

    /// Writes both copies, the second after the first is complete.
    static func write(
        _ segment: UnsafeMutableRawPointer, fileSize: Int, epoch: UInt64, context: ContextBlock, now: Int64
    ) -> Description {
        let generation = Random.word()
        let sync = UInt32(truncatingIfNeeded: Random.word()) | 1
        let length = DescriptionLayout.fixedSize + context.bytes.count
        for offset in [SegmentLayout.descriptionOffsets.0, SegmentLayout.descriptionOffsets.1] {
            let copy = segment + offset
            memset(copy, 0, DescriptionLayout.fixedSize)
            DescriptionLayout.length.store(UInt32(length), copy)
            DescriptionLayout.generation.store(generation, copy)
            DescriptionLayout.epoch.store(epoch, copy)
            DescriptionLayout.created.store(now, copy)
            DescriptionLayout.fileSize.store(UInt32(fileSize), copy)
            DescriptionLayout.sync.store(sync, copy)
            DescriptionLayout.process.store(OwnProcess.id, copy)
            DescriptionLayout.fieldCount.store(UInt16(context.fieldCount), copy)
            DescriptionLayout.metadataCount.store(UInt16(context.metadataCount), copy)
            DescriptionLayout.lineage.store(context.lineage, copy)
            DescriptionLayout.flags.store(context.isLocalOnly ? DescriptionLayout.isLocalOnly : 0, copy)
            context.bytes.withUnsafeBytes {
                (copy + DescriptionLayout.fixedSize).copyMemory(
                    from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count)
            }
            DescriptionLayout.checksum.store(checksum(copy, length), copy)
            DescriptionLayout.magic.store(Magic.segment, copy)
        }
        return Description(
            generation: generation, epoch: epoch, created: now, sync: sync,
            lineage: context.lineage, isLocalOnly: context.isLocalOnly,
            offset: SegmentLayout.descriptionOffsets.0, length: length)
    }

    /// Changes the time at which this use began.
    mutating func begin(_ segment: UnsafeMutableRawPointer, now: Int64) {
        created = now
        change(segment) { DescriptionLayout.created.store(now, $0) }
    }

    mutating func move(_ segment: UnsafeMutableRawPointer, to epoch: UInt64) {
        self.epoch = epoch
        change(segment) { DescriptionLayout.epoch.store(epoch, $0) }
    }

    /// Changes the size of the file.
    func resize(_ segment: UnsafeMutableRawPointer, to size: Int) {
        change(segment) { DescriptionLayout.fileSize.store(UInt32(size), $0) }
    }

    /// Changes both copies.
    @inline(never)
    private func change(_ segment: UnsafeMutableRawPointer, _ body: (UnsafeMutableRawPointer) -> Void) {
        for offset in [SegmentLayout.descriptionOffsets.0, SegmentLayout.descriptionOffsets.1] {
            let copy = segment + offset
            body(copy)
            DescriptionLayout.checksum.store(Self.checksum(copy, length), copy)
        }
    }

    /// Events of `context` may be added to the segment.
    func matches(_ segment: UnsafeRawPointer, _ context: ContextBlock) -> Bool {
        guard length == DescriptionLayout.fixedSize + context.bytes.count, isLocalOnly == context.isLocalOnly else {
            return false
        }
        let copy = segment + offset
        guard DescriptionLayout.fieldCount.load(copy) == UInt16(context.fieldCount),
            DescriptionLayout.metadataCount.load(copy) == UInt16(context.metadataCount)
        else { return false }
        return context.bytes.withUnsafeBytes {
            memcmp(copy + DescriptionLayout.fixedSize, $0.baseAddress ?? UnsafeRawPointer(copy), $0.count) == 0
        }
    }

    /// The shared part of the segment's events, in place. `excluded`: what the author does not want recorded any more.
    func context(_ segment: UnsafeRawPointer, without excluded: FieldSet = FieldSet()) -> EventContext {
        var result = EventContext()
        let copy = segment + offset
        var position = DescriptionLayout.fixedSize
        for _ in 0..<DescriptionLayout.fieldCount.load(copy) {
            let value = position + ContextFieldLayout.headerSize
            guard value <= length else { return result }
            let size = Int(ContextFieldLayout.length.load(copy + position))
            guard value + size <= length else { return result }
            result.set(
                ContextFieldLayout.id.load(copy + position), UnsafeRawBufferPointer(start: copy + value, count: size))
            position = value + size
        }
        result.metadata = UnsafeRawBufferPointer(start: copy + position, count: length - position)
        result.metadataCount = Int(DescriptionLayout.metadataCount.load(copy))
        result.leaveOut(excluded)
        return result
    }
}

extension EventContext {
    /// Ids of docs/spool-format.md, "context field".
    mutating func set(_ id: UInt8, _ value: UnsafeRawBufferPointer) {
        switch ResourceField(rawValue: id) {
        case .toolName: toolName = value
        case .toolVersion: toolVersion = value
        case .os: os = value
        case .osVersion: osVersion = value
        case .arch: arch = value
        case .runtime: runtime = value
        case .machineID: machineID = value
        case nil: if id == DestinationSetLayout.field { destinations = value }
        }
    }
}

/// The encoded context fields and metadata of one collector.
struct ContextBlock {
    private(set) var bytes: [UInt8] = []
    private(set) var fieldCount = 0
    private(set) var metadataCount = 0
    /// Random, so that no two collectors have the same.
    var lineage = UInt32(truncatingIfNeeded: Random.word()) | 1
    /// A7
    var isLocalOnly = false
    /// No other process will have this context, so nobody continues a segment of this process.
    var isUnique = false

    /// The longest field. All fields fit into a description together with the metadata's 1024 bytes.
    static let fieldLimit = 64

    @inline(never)
    mutating func add(_ field: ResourceField, _ text: String) {
        add(field.rawValue, TextLimit.cut(Array(text.utf8), Self.fieldLimit))
    }

    mutating func add(_ id: UInt8, _ value: [UInt8]) {
        bytes += [id, 0, UInt8(truncatingIfNeeded: value.count), UInt8(truncatingIfNeeded: value.count >> 8)]
        bytes += value
        fieldCount += 1
    }

    /// Uses the room that the other fields and the longest metadata leave.
    mutating func add(_ set: DestinationSet, _ text: String) {
        let room =
            DescriptionLayout.capacity - DescriptionLayout.fixedSize - Metadata.limitEncodedBytes - bytes.count
            - ContextFieldLayout.headerSize
        add(DestinationSetLayout.field, set.encoded(text, limit: min(room, DestinationSetLayout.limit)))
    }

    /// Metadata that does not fit any more is left out; options refuse it earlier.
    @inline(never)
    mutating func add(key: String, _ value: AttributeValue) {
        let name = TextLimit.cut(Array(key.utf8), EventLimits.keyBytes)
        let (type, content) = Self.encode(value)
        guard bytes.count + 4 + name.count + content.count <= DescriptionLayout.capacity - DescriptionLayout.fixedSize
        else { return }
        bytes += [
            type, UInt8(truncatingIfNeeded: name.count), UInt8(truncatingIfNeeded: content.count),
            UInt8(truncatingIfNeeded: content.count >> 8),
        ]
        bytes += name
        bytes += content
        metadataCount += 1
    }

    @inline(never)
    private static func encode(_ value: AttributeValue) -> (UInt8, [UInt8]) {
        switch value {
        case .string(let text): (0, TextLimit.cut(Array(text.utf8), EventLimits.valueBytes))
        case .int(let number): (1, littleEndian(UInt64(bitPattern: number)))
        case .double(let number): (2, littleEndian(number.bitPattern))
        case .bool(let flag): (3, [flag ? 1 : 0])
        }
    }

    private static func littleEndian(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
}
