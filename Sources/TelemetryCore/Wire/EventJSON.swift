/// Writes events as JSON objects: requirement C2's fields, in its order. Optional are only
/// `duration_ms`, `exit_code`, `error_category`, `args` and `error`; a zero is written.
struct EventJSON: ~Copyable {
    var json: JSONWriter
    /// Where the fields that all events of a segment share stand for the last event; the next one
    /// copies them from there.
    private var shared: (context: EventContext, range: Range<Int>)?

    init(pretty: Bool = false) { json = JSONWriter(pretty: pretty) }

    /// What was written. Nil when memory ran out on the way. Valid until the next change.
    var bytes: UnsafeRawBufferPointer? { json.buffer.isIncomplete ? nil : json.buffer.bytes }

    /// Empties it. Needed before each batch: contexts are told apart by where they lie.
    mutating func removeAll() {
        json.removeAll()
        shared = nil
    }

    /// All events as one array.
    mutating func writeArray(_ events: UnsafeBufferPointer<EventView>) {
        beginArray()
        for index in events.indices { writeElement(events[index]) }
        endArray()
    }

    /// The same one by one, for events that are not at hand all at once.
    mutating func beginArray() { json.beginArray() }
    mutating func writeElement(_ event: EventView) {
        json.element()
        write(event)
    }
    mutating func endArray() { json.endArray() }

    /// All events as JSON Lines.
    mutating func writeLines(_ events: UnsafeBufferPointer<EventView>) {
        for index in events.indices {
            write(events[index])
            finishLine()
        }
    }

    mutating func write(_ event: EventView) {
        json.beginObject()
        writeIdentity(event)
        writeRest(event)
        json.endObject()
    }

    /// The members behind `name`. Receivers differ in where they want those before.
    @inline(never)
    mutating func writeRest(_ event: EventView) {
        writeShared(event.context)
        writeOutcome(event)
        json.key("metadata")
        json.beginObject()
        event.forEachMergedAttribute { writeAttribute($0) }
        json.endObject()
    }

    /// The event's id as a member of another name.
    @inline(never)
    mutating func writeID(_ name: StaticString, _ event: EventView) {
        json.key(name)
        quoted(UUIDText.length) { UUIDText.write(event.eventID, to: $0) }
    }

    /// A point in time, nanoseconds since 1970-01-01 UTC, as a member of another name.
    @inline(never)
    mutating func writeTime(_ name: StaticString, _ nanoseconds: Int64) {
        json.key(name)
        quoted(Timestamp.length) { Timestamp.write(nanoseconds, to: $0) }
    }

    /// Ends a line of JSON Lines, or a whole text on standard output.
    mutating func finishLine() { json.buffer.append(UInt8(ascii: "\n")) }

    @inline(__always)
    private mutating func writeIdentity(_ event: EventView) {
        json.key("schema_version")
        json.integer(Int64(event.schemaVersion))
        json.key("event_id")
        quoted(UUIDText.length) { UUIDText.write(event.eventID, to: $0) }
        json.key("timestamp")
        quoted(Timestamp.length) { Timestamp.write(event.timestamp, to: $0) }
        json.key("type")
        json.string(event.type)
        json.key("name")
        json.string(event.name)
    }

    @inline(__always)
    private mutating func quoted(_ length: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Void) {
        guard let to = json.buffer.reserve(length &+ 2) else { return }
        to[0] = UInt8(ascii: "\"")
        write(to + 1)
        to[length &+ 1] = UInt8(ascii: "\"")
        json.buffer.commit(upTo: to + (length &+ 2))
    }

    @inline(__always)
    private mutating func writeShared(_ context: EventContext) {
        if let shared, shared.context.isSamePlace(as: context) {
            return json.buffer.appendCopy(of: shared.range)
        }
        let start = json.buffer.count
        writeContext(context)
        shared = (context, start..<json.buffer.count)
    }

    private mutating func writeContext(_ context: EventContext) {
        json.member("machine_id", context.machineID)
        json.member("tool_name", context.toolName)
        json.member("version", context.toolVersion)
        json.member("os", context.os)
        json.member("arch", context.arch)
        json.member("os_version", context.osVersion)
        json.member("runtime", context.runtime)
    }

    @inline(__always)
    private mutating func writeOutcome(_ event: EventView) {
        if let duration = event.durationMilliseconds {
            json.key("duration_ms")
            json.integer(duration)
        }
        if let exitCode = event.exitCode {
            json.key("exit_code")
            json.integer(Int64(exitCode))
        }
        if event.errorCategory.count > 0 {
            json.key("error_category")
            json.string(event.errorCategory)
        }
        if event.argumentCount > 0 { writeArguments(event) }
        if event.error.count > 0 {
            json.key("error")
            json.string(event.error)
        }
    }

    private mutating func writeArguments(_ event: EventView) {
        json.key("args")
        json.beginArray()
        event.forEachArgument { argument in
            json.element()
            json.string(argument)
        }
        json.endArray()
    }

    @inline(__always)
    private mutating func writeAttribute(_ attribute: AttributeView) {
        json.key(attribute.key)
        switch attribute.value {
        case .string(let text): json.string(text)
        case .int(let value): json.integer(value)
        case .double(let value): json.number(value)
        case .bool(let value): json.boolean(value)
        }
    }
}

extension EventContext {
    /// Both point to the same memory, so that their texts are the same.
    fileprivate func isSamePlace(as other: EventContext) -> Bool {
        Self.isSame(machineID, other.machineID) && Self.isSame(toolName, other.toolName)
            && Self.isSame(toolVersion, other.toolVersion) && Self.isSame(os, other.os)
            && Self.isSame(arch, other.arch) && Self.isSame(osVersion, other.osVersion)
            && Self.isSame(runtime, other.runtime)
    }

    private static func isSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        one.baseAddress == other.baseAddress && one.count == other.count
    }
}
