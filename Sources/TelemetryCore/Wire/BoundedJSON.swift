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
        json.endArray()
        json.endObject()
        return count
    }

    /// The same within an array that is open, which the caller ends.
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
                return index
            }
        }
        return events.count
    }

    /// Who the event is about, which the receiver must be told. Without an identity (D) each event is
    /// about somebody else: what is known is no more than that.
    mutating func writeActor(_ name: StaticString, _ event: EventView) {
        if event.context.machineID.isEmpty { writeID(name, event) } else { json.member(name, event.context.machineID) }
    }

    /// What has no place of its own at a receiver with types, ids and times.
    mutating func writeProperties(_ event: EventView) {
        json.member("schema_version", Int64(event.schemaVersion))
        json.member("name", event.name)
        writeRest(event)
    }
}
