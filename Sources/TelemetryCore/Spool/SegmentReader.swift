// SPDX-License-Identifier: Apache-2.0

/// Walks the records of a segment from an offset; docs/spool-format.md, "Records". With any content, the walk ends and
/// stays inside the bytes.
struct SegmentReader {
    private let bytes: UnsafeRawBufferPointer
    private let sync: UInt32
    private let context: UnsafePointer<EventContext>
    private let end: Int
    /// Where the search for the next record begins.
    var offset: Int
    /// The next record has a kind or schema that only a later version knows: that version gets this record and those
    /// behind it.
    private(set) var isAtUnknown = false

    /// `context` outlives the events. `end`: the tail, or the end of the file when the tail is not plausible.
    init(
        _ bytes: UnsafeRawBufferPointer, description: Description, context: UnsafePointer<EventContext>,
        state: StateWord, from offset: Int
    ) {
        self.bytes = bytes
        self.context = context
        sync = description.sync
        end = state.isPlausible(fileSize: bytes.count) ? state.tail : bytes.count
        self.offset = max(offset, SegmentLayout.headerSize)
    }

    /// From the first event that waits, or from `offset`. `excluded`: the author wants none of these any more.
    init(_ segment: Segment, from offset: Int? = nil, without excluded: FieldSet = FieldSet()) {
        self.init(
            UnsafeRawBufferPointer(start: segment.base, count: segment.size), description: segment.description,
            context: segment.context(without: excluded), state: segment.state, from: offset ?? segment.progress.offset)
    }

    /// Returns the next intact record. Afterwards `offset` is behind it, or at the end.
    mutating func next() -> RecordView? {
        isAtUnknown = false
        while offset &+ RecordLayout.minimumSize <= end {
            if let record = RecordHeader(bytes, at: offset, sync: sync) {
                isAtUnknown = !record.isKnown
                if isAtUnknown { return nil }
                if let event = event(record.length) {
                    offset = min(end, offset &+ ((record.length &+ 7) & ~7))
                    return event
                }
            }
            offset &+= 8
        }
        offset = max(offset, end)
        return nil
    }

    private func event(_ length: Int) -> RecordView? {
        bytes.baseAddress.flatMap {
            RecordView(record: UnsafeRawBufferPointer(start: $0 + offset, count: length), context: context)
        }
    }
}
