/// The most that a receiver takes, in bytes of JSON before compression.
struct JSONLimits {
    /// Of one event.
    let event: Int
    /// Of one request.
    let body: Int
}

// For receivers that have a form of their own for an event.
extension EventJSON {
    /// The events as the last member of the body, an array, as far as they fit into one request, then the end
    /// of the body. Returns how many: 0 when the first is one that the receiver can never take.
    @inline(never)
    mutating func finish(
        _ name: StaticString, _ events: UnsafeBufferPointer<EventView>, _ limits: JSONLimits, _ write: (inout EventJSON, EventView) -> Void
    ) -> Int {
        json.beginList(name)
        let count = writeElements(events, limits, write)
        json.endObject()
        return count
    }

    /// The same within an array that is open, which it ends.
    @inline(never)
    mutating func writeElements(
        _ events: UnsafeBufferPointer<EventView>, _ limits: JSONLimits, _ write: (inout EventJSON, EventView) -> Void
    ) -> Int {
        for index in events.indices {
            let start = json.buffer.count
            json.element()
            json.beginObject()
            write(&self, events[index])
            json.endObject()
            let isWithin = json.buffer.count - start <= limits.event && json.buffer.count <= limits.body - 2
            // Without a type it has no name at the receiver, which may say 200 and drop it.
            if !isWithin || events[index].type.isEmpty {
                json.buffer.truncate(to: start)
                json.endArray()
                return index
            }
        }
        json.endArray()
        return events.count
    }

    /// Who the event is about, which the receiver must be told. Without an identity (D) each event is
    /// about somebody else: what is known is no more than that.
    mutating func writeActor(_ name: StaticString, _ event: EventView) {
        if event.context.machineID.isEmpty { writeID(name, event) } else { json.member(name, event.context.machineID) }
    }

    /// What was written as the body of a request with `count` events. Nil: out of memory. `credential`: a whole header line.
    @inline(never)
    func request(_ count: Int, credential: String? = nil) -> WireRequest? {
        guard let bytes else { return nil }
        var request = WireRequest(headers: ["Content-Type: application/json"], body: bytes, eventCount: count)
        if let credential { request.privateHeaders.append(credential) }
        return request
    }

    /// What the receiver may show as the sender.
    @inline(never)
    mutating func writeLibrary(_ name: StaticString, _ version: StaticString) {
        json.member(name, "libtelemetry")
        json.member(version, TelemetryVersion.text)
    }

    /// What has no place of its own at a receiver that knows types, ids and times.
    @inline(never)
    mutating func writeFields(_ event: EventView) {
        json.member("schema_version", Int64(event.schemaVersion))
        json.member("name", event.name)
        writeRest(event)
    }
}
