// SPDX-License-Identifier: Apache-2.0

/// One entry of the audit log while it is written, chained to the one before; docs/audit-log.md.
struct AuditLine: ~Copyable {
    private var events = EventJSON()
    /// The hash of this entry, once it has ended.
    private(set) var hash = AuditDigest.zero

    init() {}

    /// The line with its newline, once it has ended. Nil: memory ran out. Valid until the next change.
    var bytes: UnsafeRawBufferPointer? { events.bytes }

    mutating func begin(_ sequence: UInt64) {
        events.removeAll()
        events.json.beginObject()
        events.json.member("seq", Int64(clamping: sequence))
        events.json.member("time", Timestamp.text(Clock.realtime()))
    }

    /// Says that the copies of `count` events could not be written.
    mutating func add(lost count: UInt64) { events.json.member("lost", Int64(clamping: count)) }

    /// `request`: one JSON object.
    mutating func add(request: UnsafeRawBufferPointer, _ outcome: StaticString, _ backend: String) {
        events.json.member("backend", backend)
        events.json.member(
            "outcome", outcome.rawBytes)
        events.json.key("metrics")
        events.json.buffer.append(request)
    }

    /// Adds the first event, and as many more of the same context as begin within `limit` bytes. Returns how many.
    mutating func add(_ batch: UnsafeBufferPointer<RecordView>, _ outcome: StaticString, _ backend: String, limit: Int)
        -> Int
    {
        guard let first = batch.first else { return 0 }
        events.json.member("backend", backend)
        events.json.member(
            "outcome", outcome.rawBytes)
        events.writeContextMember(first.context)
        events.json.beginList("events")
        var count = 0
        while count < batch.count, count == 0 || events.json.buffer.count < limit {
            let event = batch[count]
            guard event.sharesContext(with: first) else { break }
            events.json.element()
            events.write(event, withContext: false)
            count &+= 1
        }
        events.endArray()
        return count
    }

    /// False: memory ran out, or there is no SHA-256.
    mutating func end(after previous: AuditDigest) -> Bool {
        previous.write("prev", to: &events.json)
        guard let bytes = events.bytes else { return false }
        let digest = AuditDigest.of(bytes)
        hash = digest
        digest.write("hash", to: &events.json)
        events.json.endObject()
        events.finishLine()
        return events.bytes != nil
    }
}
