import CSystem

/// What stands in a segment's header about the events in it. Written once per use of the file.
struct Description {
    var generation: UInt64
    var epoch: UInt64
    /// Nanoseconds since 1970-01-01 UTC.
    var created: Int64
    var sync: UInt32
    /// Names the collectors that recorded into the segment and into those it shares their events' order
    /// with; 0: unknown.
    var lineage: UInt32 = 0
    /// The events are for this machine's log only.
    var isLocalOnly = false
    /// Where the valid copy lies in the segment.
    var offset: Int
    var length: Int

    private static let localOnlyFlag: UInt32 = 1

    /// The first of the two copies that is valid.
    static func read(_ segment: UnsafeRawPointer) -> Description? {
        let (first, second) = SegmentLayout.descriptionOffsets
        return read(segment, at: first) ?? read(segment, at: second)
    }

    private static func read(_ segment: UnsafeRawPointer, at offset: Int) -> Description? {
        let copy = segment + offset
        guard copy.loadUnaligned(as: UInt64.self) == SegmentLayout.magic else { return nil }
        let length = Int(copy.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        guard length >= SegmentLayout.descriptionFixedSize, length <= SegmentLayout.descriptionCapacity,
            copy.loadUnaligned(fromByteOffset: 8, as: UInt32.self) == csystem_crc32c(0, copy + 12, length - 12)
        else { return nil }
        let sync = copy.loadUnaligned(fromByteOffset: 44, as: UInt32.self)
        guard sync != 0 else { return nil }
        return Description(
            generation: copy.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
            epoch: copy.loadUnaligned(fromByteOffset: 24, as: UInt64.self),
            created: copy.loadUnaligned(fromByteOffset: 32, as: Int64.self),
            sync: sync, lineage: copy.loadUnaligned(fromByteOffset: 56, as: UInt32.self),
            isLocalOnly: copy.loadUnaligned(fromByteOffset: 60, as: UInt32.self) & Self.localOnlyFlag != 0,
            offset: offset, length: length)
    }

    /// Writes both copies, the second after the first is complete.
    static func write(
        _ segment: UnsafeMutableRawPointer, fileSize: Int, epoch: UInt64, context: ContextBlock, now: Int64
    ) -> Description {
        let generation = Random.word()
        let sync = UInt32(truncatingIfNeeded: Random.word()) | 1
        let length = SegmentLayout.descriptionFixedSize + context.bytes.count
        for offset in [SegmentLayout.descriptionOffsets.0, SegmentLayout.descriptionOffsets.1] {
            let copy = segment + offset
            memset(copy, 0, SegmentLayout.descriptionFixedSize)
            copy.storeBytes(of: UInt32(length), toByteOffset: 12, as: UInt32.self)
            copy.storeBytes(of: generation, toByteOffset: 16, as: UInt64.self)
            copy.storeBytes(of: epoch, toByteOffset: 24, as: UInt64.self)
            copy.storeBytes(of: now, toByteOffset: 32, as: Int64.self)
            copy.storeBytes(of: UInt32(fileSize), toByteOffset: 40, as: UInt32.self)
            copy.storeBytes(of: sync, toByteOffset: 44, as: UInt32.self)
            copy.storeBytes(of: UInt32(bitPattern: getpid()), toByteOffset: 48, as: UInt32.self)
            copy.storeBytes(of: UInt16(context.fieldCount), toByteOffset: 52, as: UInt16.self)
            copy.storeBytes(of: UInt16(context.metadataCount), toByteOffset: 54, as: UInt16.self)
            copy.storeBytes(of: context.lineage, toByteOffset: 56, as: UInt32.self)
            copy.storeBytes(of: context.isLocalOnly ? localOnlyFlag : 0, toByteOffset: 60, as: UInt32.self)
            context.bytes.withUnsafeBytes { (copy + SegmentLayout.descriptionFixedSize).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count) }
            copy.storeBytes(of: csystem_crc32c(0, copy + 12, length - 12), toByteOffset: 8, as: UInt32.self)
            copy.storeBytes(of: SegmentLayout.magic, as: UInt64.self)
        }
        return Description(generation: generation, epoch: epoch, created: now, sync: sync,
                           lineage: context.lineage, isLocalOnly: context.isLocalOnly,
                           offset: SegmentLayout.descriptionOffsets.0, length: length)
    }

    /// Changes the time at which this use began.
    mutating func begin(_ segment: UnsafeMutableRawPointer, now: Int64) {
        created = now
        change(segment) { $0.storeBytes(of: now, toByteOffset: 32, as: Int64.self) }
    }

    mutating func move(_ segment: UnsafeMutableRawPointer, to epoch: UInt64) {
        self.epoch = epoch
        change(segment) { $0.storeBytes(of: epoch, toByteOffset: 24, as: UInt64.self) }
    }

    /// Changes the size of the file.
    func resize(_ segment: UnsafeMutableRawPointer, to size: Int) {
        change(segment) { $0.storeBytes(of: UInt32(size), toByteOffset: 40, as: UInt32.self) }
    }

    /// Both copies.
    @inline(never)
    private func change(_ segment: UnsafeMutableRawPointer, _ body: (UnsafeMutableRawPointer) -> Void) {
        for offset in [SegmentLayout.descriptionOffsets.0, SegmentLayout.descriptionOffsets.1] {
            let copy = segment + offset
            body(copy)
            copy.storeBytes(of: csystem_crc32c(0, copy + 12, length - 12), toByteOffset: 8, as: UInt32.self)
        }
    }

    /// True when events of `context` may be added to the segment.
    func matches(_ segment: UnsafeRawPointer, _ context: ContextBlock) -> Bool {
        guard length == SegmentLayout.descriptionFixedSize + context.bytes.count, isLocalOnly == context.isLocalOnly else { return false }
        let copy = segment + offset
        guard copy.loadUnaligned(fromByteOffset: 52, as: UInt16.self) == UInt16(context.fieldCount),
            copy.loadUnaligned(fromByteOffset: 54, as: UInt16.self) == UInt16(context.metadataCount)
        else { return false }
        return context.bytes.withUnsafeBytes {
            memcmp(copy + SegmentLayout.descriptionFixedSize, $0.baseAddress ?? UnsafeRawPointer(copy), $0.count) == 0
        }
    }

    /// The shared part of the segment's events, in place.
    func context(_ segment: UnsafeRawPointer) -> EventContext {
        var result = EventContext()
        let copy = UnsafeRawBufferPointer(start: segment + offset, count: length)
        var position = SegmentLayout.descriptionFixedSize
        for _ in 0..<copy.loadUnaligned(fromByteOffset: 52, as: UInt16.self) {
            guard position + 4 <= length else { return result }
            let size = Int(copy.loadUnaligned(fromByteOffset: position + 2, as: UInt16.self))
            guard position + 4 + size <= length else { return result }
            result.set(copy[position], UnsafeRawBufferPointer(rebasing: copy[position + 4..<position + 4 + size]))
            position += 4 + size
        }
        result.metadata = UnsafeRawBufferPointer(rebasing: copy[position...])
        result.metadataCount = Int(copy.loadUnaligned(fromByteOffset: 54, as: UInt16.self))
        return result
    }
}

extension EventContext {
    /// Ids of docs/spool-format.md, "context field".
    mutating func set(_ id: UInt8, _ value: UnsafeRawBufferPointer) {
        switch id {
        case 1: toolName = value
        case 2: toolVersion = value
        case 3: os = value
        case 4: osVersion = value
        case 5: arch = value
        case 6: runtime = value
        case 7: machineID = value
        default: break
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
    /// No other process will have it: a segment of this one's is gone on with by nobody.
    var isUnique = false

    /// Longest field; with the metadata's 1024 bytes everything fits into a description.
    static let fieldLimit = 64

    @inline(never)
    mutating func add(_ id: UInt8, _ text: String) {
        let value = TextLimit.cut(Array(text.utf8), Self.fieldLimit)
        bytes += [id, 0, UInt8(truncatingIfNeeded: value.count), 0]
        bytes += value
        fieldCount += 1
    }

    /// Metadata that would not fit any more is left out; options refuse it before.
    @inline(never)
    mutating func add(key: String, _ value: AttributeValue) {
        let name = TextLimit.cut(Array(key.utf8), EventLimits.keyBytes)
        let (type, content) = Self.encode(value)
        guard bytes.count + 4 + name.count + content.count <= SegmentLayout.descriptionCapacity - SegmentLayout.descriptionFixedSize
        else { return }
        bytes += [type, UInt8(truncatingIfNeeded: name.count), UInt8(truncatingIfNeeded: content.count), UInt8(truncatingIfNeeded: content.count >> 8)]
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
