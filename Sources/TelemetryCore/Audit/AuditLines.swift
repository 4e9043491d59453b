/// Entries being written, each chained to the one before; docs/audit-log.md.
struct AuditLines: ~Copyable {
    private var events = EventJSON()
    private var backend: [UInt8] = []
    private var time: [UInt8] = []
    /// Of the last entry.
    private(set) var sequence: UInt64 = 0
    private(set) var hash = AuditDigest.zero
    private var isComplete = true

    init() {}

    /// Nil: memory ran out, or there is no SHA-256. Valid until the next change.
    var bytes: UnsafeRawBufferPointer? { isComplete ? events.bytes : nil }
    var count: Int { events.json.buffer.count }

    /// Empties it; what is added next follows the entry `sequence`.
    mutating func begin(after sequence: UInt64, _ hash: AuditDigest, backend: String) {
        self.backend = Array(backend.utf8)
        events.removeAll()
        self.sequence = sequence
        self.hash = hash
        isComplete = true
        time = Array(Timestamp.text(Clock.realtime()).utf8)
    }

    mutating func add(_ event: EventView, _ outcome: StaticString) {
        let start = open()
        backend.withUnsafeBytes { events.json.member("backend", $0) }
        events.json.member("outcome", UnsafeRawBufferPointer(start: outcome.utf8Start, count: outcome.utf8CodeUnitCount))
        events.json.key("event")
        events.write(event)
        close(start)
    }

    /// Stands for `count` events whose copies could not be written.
    mutating func add(lost count: UInt64) {
        let start = open()
        events.json.member("lost", Int64(clamping: count))
        close(start)
    }

    /// Returns where the line begins.
    private mutating func open() -> Int {
        let start = count
        sequence &+= 1
        events.json.beginObject()
        events.json.member("seq", Int64(clamping: sequence))
        time.withUnsafeBytes { events.json.member("time", $0) }
        return start
    }

    private mutating func close(_ start: Int) {
        hash.write("prev", to: &events.json)
        guard let bytes = events.bytes, bytes.count > start,
            let digest = AuditDigest.of(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        else {
            isComplete = false
            return
        }
        digest.write("hash", to: &events.json)
        events.json.endObject()
        events.finishLine()
        hash = digest
    }
}
