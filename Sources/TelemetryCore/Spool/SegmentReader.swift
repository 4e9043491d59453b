import CSystem

/// Walks the records of a segment from an offset; docs/spool-format.md, "Records". Whatever the
/// bytes say, it ends and stays inside them.
struct SegmentReader {
    private let bytes: UnsafeRawBufferPointer
    private let sync: UInt32
    private let context: UnsafePointer<EventContext>
    private let end: Int
    /// Where the search for the next record begins.
    var offset: Int

    /// `context` outlives the events. `end`: the tail, or the end of the file when the tail is not plausible.
    init(_ bytes: UnsafeRawBufferPointer, description: Description, context: UnsafePointer<EventContext>, state: StateWord, from offset: Int) {
        self.bytes = bytes
        self.context = context
        sync = description.sync
        end = state.isPlausible(fileSize: bytes.count) ? state.tail : bytes.count
        self.offset = max(offset, SegmentLayout.headerSize)
    }

    /// From the first event that waits, or from `offset`.
    init(_ segment: Segment, from offset: Int? = nil) {
        self.init(UnsafeRawBufferPointer(start: segment.base, count: segment.size), description: segment.description,
                  context: segment.context, state: segment.state, from: offset ?? segment.progress.offset)
    }

    /// The next intact record. `offset` is behind it afterwards, or at the end.
    mutating func next() -> EventView? {
        while offset &+ EventView.fixedSize <= end {
            if let (event, size) = record(at: offset) {
                offset = min(end, offset &+ ((size &+ 7) & ~7))
                return event
            }
            offset &+= 8
        }
        offset = max(offset, end)
        return nil
    }

    private func record(at position: Int) -> (EventView, Int)? {
        guard bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self) == sync else { return nil }
        let length = Int(bytes.loadUnaligned(fromByteOffset: position &+ 8, as: UInt32.self))
        guard length >= EventView.fixedSize, length <= SegmentLayout.maximumRecordSize, position &+ length <= bytes.count,
            let base = bytes.baseAddress,
            RecordChecksum.value(base + position, length: length, sync: sync, offset: position)
                == bytes.loadUnaligned(fromByteOffset: position &+ 4, as: UInt32.self),
            let event = EventView(record: UnsafeRawBufferPointer(start: base + position, count: length), context: context)
        else { return nil }
        return (event, length)
    }
}

/// CRC of a record: valid at its own place in its own generation only.
enum RecordChecksum {
    @inline(__always)
    static func value(_ record: UnsafeRawPointer, length: Int, sync: UInt32, offset: Int) -> UInt32 {
        csystem_crc32c_prefixed(sync ^ UInt32(truncatingIfNeeded: offset), record + 8, length &- 8)
    }
}
