// SPDX-License-Identifier: Apache-2.0

/// The common part of receivers that take JSON and have their own form for an event. A request contains as many events
/// as the receiver takes. It ends before an event that the receiver can never take, and `PostingBackend` rejects that
/// event.
class VendorFormat: WireFormat {
    let batchLimit: (events: Int, bytes: Int)
    private let limits: JSONLimits
    final let rules: StatusRules
    private let layout: Layout
    /// The JSON that is being written.
    final var json: EventJSON

    init(
        _ batchLimit: (events: Int, bytes: Int), _ limits: JSONLimits, _ rules: StatusRules, layout: Layout = .list,
        form: EventForm = EventForm()
    ) {
        self.batchLimit = batchLimit
        self.limits = limits
        self.rules = rules
        self.layout = layout
        json = EventJSON(form: form, isRow: layout == .lines)
    }

    /// The events are one array, or one object after the other, or rows of a table with a line for each.
    enum Layout { case list, objects, lines }

    // MARK: what differs by receiver

    /// Writes what comes before the events, and the opening bracket of their array.
    func begin(_ batch: WireBatch) { json.beginArray() }
    /// Writes what comes after their array.
    func end() {}
    /// The receiver can take such a record. An event without a type has no name at the receiver, which may answer 200
    /// and drop it.
    func takes(_ record: RecordView) -> Bool { !record.type.isEmpty }
    /// Writes the members of an event. `now`: the time of sending.
    func write(_ event: RecordView, now: Int64) {}
    var contentType: String { "application/json" }
    /// The header lines with the key and its user. Empty: none is needed.
    func credentials(_ key: String) -> [String] { [] }
    /// The key is in the body.
    var isBodyPrivate: Bool { false }
    /// A header line for an attempt after the first. Empty: none.
    func retryHeader(_ attempt: UInt32) -> String { "" }
    func recognises(_ body: [UInt8]) -> Bool { true }

    // MARK: the common part

    final func request(for batch: WireBatch) -> WireRequest? {
        json.removeAll()
        begin(batch)
        let count = writeEvents(batch)
        if layout == .list { json.endArray() }
        end()
        guard let bytes = json.bytes else { return nil }
        var request = WireRequest(headers: ["Content-Type: " + contentType], body: bytes, eventCount: count)
        let retry = batch.attempt == 0 ? "" : retryHeader(batch.attempt)
        request.isBodyPrivate = isBodyPrivate
        if !retry.utf8.isEmpty { request.headers.append(retry) }
        request.privateHeaders = credentials(batch.key)
        return request
    }

    /// Returns how many events fit. The others go into the next request.
    private func writeEvents(_ batch: WireBatch) -> Int {
        for index in batch.events.indices {
            if !takes(batch.events[index]) { return index }
            let start = json.json.buffer.count
            if layout == .list { json.json.element() }
            json.json.beginObject()
            write(batch.events[index], now: batch.now)
            json.json.endObject()
            if layout == .lines { json.finishLine() }
            let size = json.json.buffer.count
            // Two brackets follow.
            if size - start > limits.event || size > limits.body - 2 {
                json.json.buffer.truncate(to: start)
                return index
            }
        }
        return batch.events.count
    }

    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        rules.outcome(response, eventCount: eventCount, now: now)
    }

    /// The answer is bare, or has a member of this name.
    final func says(_ name: StaticString, _ body: [UInt8]) -> Bool {
        switch Acknowledgement(body) {
        case .bare: true
        case .object: JSONAnswer.has(name, in: body)
        case .other: false
        }
    }

    // MARK: members of an event

    /// The person or machine that the event is about, which the receiver requires. Without an identity (D), each event
    /// counts as being about somebody else, because nothing more is known.
    final func writeActor(_ name: StaticString, _ event: RecordView) {
        if event.context.machineID.isEmpty {
            json.writeID(name, event)
        } else {
            json.json.member(name, event.context.machineID)
        }
    }

    final func writeLibrary(_ name: StaticString, _ version: StaticString) {
        json.json.member(name, "libtelemetry")
        json.json.member(version, TelemetryVersion.text)
    }

    /// Writes the fields for which a receiver that knows types, ids and times has no place.
    final func writeFields(_ event: RecordView) {
        if let shape = json.shape { return json.writeMembers(shape, event) }
        json.json.member("schema_version", Int64(event.schemaVersion))
        json.json.member("name", event.name)
        json.writeRest(event)
    }
}

/// The limits of a receiver, in bytes of JSON before compression.
struct JSONLimits {
    /// Of one event.
    let event: Int
    /// Of one request.
    let body: Int
}
