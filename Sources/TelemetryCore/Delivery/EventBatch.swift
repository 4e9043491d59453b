// SPDX-License-Identifier: Apache-2.0

/// The next events of a segment that go into one request. Sending and showing cut batches in the same way.
struct EventBatch {
    private(set) var events: [RecordView] = []
    /// For each of the events, the offset behind it.
    private(set) var ends: [Int] = []
    /// Events that are too old. They make a separate batch, so that a failed send cannot count them twice.
    private(set) var expired = 0
    /// The offset behind the last.
    private(set) var end = 0

    var isEmpty: Bool { events.isEmpty && expired == 0 }

    /// An empty batch means that the segment has no more events. `oldest`: earlier events are too old.
    init(_ reader: inout SegmentReader, limit: (events: Int, bytes: Int), oldest: Int64) {
        let start = reader.offset
        while events.count < limit.events, reader.offset - start < limit.bytes {
            let before = reader.offset
            guard let event = reader.next() else { break }
            let isExpired = SpoolLimits.isExpired(event.timestamp, oldest: oldest)
            if isExpired != (expired > 0) && !isEmpty {
                reader.offset = before
                break
            }
            if isExpired {
                expired += 1
            } else {
                events.append(event)
                ends.append(reader.offset)
            }
        }
        end = reader.offset
    }
}
