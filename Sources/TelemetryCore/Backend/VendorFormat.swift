// SPDX-License-Identifier: Apache-2.0

/// Receivers that take JSON, with a form of their own for an event: what they have in common. As many events
/// go into a request as the receiver takes; one that it can never take is left out.
class VendorFormat: WireFormat {
    let batchLimit: (events: Int, bytes: Int)
    private let limits: JSONLimits
    final let rules: StatusRules
    private let shape: Shape
    /// What is being written.
    final var json = EventJSON()

    init(_ batchLimit: (events: Int, bytes: Int), _ limits: JSONLimits, _ rules: StatusRules, shape: Shape = .list) {
        self.batchLimit = batchLimit
        self.limits = limits
        self.rules = rules
        self.shape = shape
    }

    /// The events are one array, or one object behind the other, each on a line of its own or not.
    enum Shape { case list, objects, lines }

    // MARK: what differs

    /// What stands before the events, and the bracket of their array.
    func begin(_ batch: WireBatch) { json.beginArray() }
    /// What stands behind their array.
    func end() {}
    /// The members of an event. `now`: when it is sent.
    func write(_ event: EventView, now: Int64) {}
    var contentType: String { "application/json" }
    /// The header lines that carry the key, and whose it is. Empty: none does.
    func credentials(_ key: String) -> [String] { [] }
    /// The key stands in the body.
    var isBodyPrivate: Bool { false }
    /// A header line for an attempt after the first. Empty: none.
    func retryHeader(_ attempt: UInt32) -> String { "" }
    func recognises(_ body: [UInt8]) -> Bool { true }

    // MARK: what does not

    final func request(for batch: WireBatch) -> WireRequest? {
        json.removeAll()
        begin(batch)
        let count = writeEvents(batch)
        if shape == .list { json.endArray() }
        end()
        guard let bytes = json.bytes else { return nil }
        var request = WireRequest(headers: ["Content-Type: " + contentType], body: bytes, eventCount: count)
        let retry = batch.attempt == 0 ? "" : retryHeader(batch.attempt)
        request.isBodyPrivate = isBodyPrivate
        if !retry.utf8.isEmpty { request.headers.append(retry) }
        request.privateHeaders = credentials(batch.key)
        return request
    }

    /// Returns how many fit. The others go into the next request.
    private func writeEvents(_ batch: WireBatch) -> Int {
        for index in batch.events.indices {
            let start = json.json.buffer.count
            if shape == .list { json.json.element() }
            json.json.beginObject()
            write(batch.events[index], now: batch.now)
            json.json.endObject()
            if shape == .lines { json.finishLine() }
            let size = json.json.buffer.count
            // Without a type it has no name at the receiver, which may say 200 and drop it. Two brackets follow.
            if size - start > limits.event || size > limits.body - 2 || batch.events[index].type.isEmpty {
                json.json.buffer.truncate(to: start)
                return index
            }
        }
        return batch.events.count
    }

    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome {
        rules.outcome(response, eventCount: eventCount, now: now)
    }

    /// The answer is bare, or has a member of that name.
    final func says(_ name: StaticString, _ body: [UInt8]) -> Bool {
        switch Acknowledgement(body) {
        case .bare: true
        case .object: JSONAnswer.has(name, in: body)
        case .other: false
        }
    }

    // MARK: members of an event

    /// Who the event is about, which the receiver must be told. Without an identity (D) each event is about
    /// somebody else: what is known is no more than that.
    final func writeActor(_ name: StaticString, _ event: EventView) {
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

    /// What has no place of its own at a receiver that knows types, ids and times.
    final func writeFields(_ event: EventView) {
        json.json.member("schema_version", Int64(event.schemaVersion))
        json.json.member("name", event.name)
        json.writeRest(event)
    }
}

/// The most that a receiver takes, in bytes of JSON before compression.
struct JSONLimits {
    /// Of one event.
    let event: Int
    /// Of one request.
    let body: Int
}
