// SPDX-License-Identifier: Apache-2.0

/// Writes events and spans as JSON objects. A span has its own members (`SpanJSON.swift`). For events: requirement C2's
/// fields, in its order. Only `duration_ms`, `exit_code`, `error_category`, `args`, `error` and `metadata` are optional.
/// A zero is written. An empty object is not written: readers that infer types make a structure without members from
/// it, which Parquet cannot hold.
struct EventJSON: ~Copyable {
    var json: JSONWriter
    private var timestamps = TimestampWriter()
    /// Where the fields that all events of a segment share are written for the last event. The next event copies them
    /// from there.
    private var shared: (event: RecordView, range: Range<Int>)?
    /// Where the value of `metadata` begins, the last member of the last event. Nil: that event has none.
    private(set) var metadataStart: Int?
    /// The members of an event; nil: all, by their own names. A span has its own.
    let shape: EventShape?
    /// An event is a row of a table: objects are texts, and a time is as a column wants it.
    let isRow: Bool
    /// Bytes that the text of a time is shorter.
    private let timeCut: Int
    private var scratch = ByteBuffer()

    init(pretty: Bool = false, form: EventForm = EventForm(), isRow: Bool = false) {
        json = JSONWriter(pretty: pretty)
        shape = form.shape
        timeCut = form.digits.cut
        self.isRow = isRow
    }

    /// What was written. Nil when memory ran out on the way. Valid until the next change.
    var bytes: UnsafeRawBufferPointer? { json.buffer.isIncomplete ? nil : json.buffer.bytes }

    /// Empties it. Needed before each batch: contexts are told apart by their addresses.
    mutating func removeAll() {
        json.removeAll()
        shared = nil
    }

    /// All events as one array.
    mutating func writeArray(_ events: UnsafeBufferPointer<RecordView>) {
        beginArray()
        for index in events.indices { writeElement(events[index]) }
        endArray()
    }

    /// Writes the array one event at a time, for events that are not at hand all at once.
    mutating func beginArray() { json.beginArray() }
    mutating func writeElement(_ event: RecordView) {
        json.element()
        write(event)
    }
    mutating func endArray() { json.endArray() }

    /// All events as JSON Lines.
    mutating func writeLines(_ events: UnsafeBufferPointer<RecordView>) {
        for index in events.indices {
            write(events[index])
            finishLine()
        }
    }

    /// `withContext`: with the fields that the event shares with others. Otherwise these are written elsewhere.
    @_optimize(speed)
    mutating func write(_ event: RecordView, withContext: Bool = true) {
        if event.isSpan { return writeSpan(event, withContext: withContext) }
        json.beginObject()
        if let shape {
            writeMembers(shape, event)
            return json.endObject()
        }
        writeIdentity(event)
        writeRest(event, withContext: withContext)
        json.endObject()
    }

    /// The members behind `name`. Receivers differ in where they want the members before it.
    @_optimize(speed)
    @inline(never)
    mutating func writeRest(_ event: RecordView, withContext: Bool = true) {
        if withContext { writeShared(event) }
        writeOutcome(event)
        var isEmpty = true
        metadataStart = nil
        event.forEachMergedAttribute { attribute in
            if isEmpty {
                json.key("metadata")
                metadataStart = json.buffer.count
                json.beginObject()
            }
            isEmpty = false
            writeAttribute(attribute)
        }
        if !isEmpty { json.endObject() }
    }

    /// The event's id as a member of another name.
    @inline(never)
    mutating func writeID(_ name: StaticString, _ event: RecordView) {
        json.key(name)
        if let to = openQuote(UUIDText.length) { UUIDText.write(event.eventID, to: to) }
    }

    /// A point in time, nanoseconds since 1970-01-01 UTC, as a member of another name.
    @inline(never)
    mutating func writeTime(_ name: StaticString, _ nanoseconds: Int64) {
        json.key(name)
        writeTimeValue(nanoseconds)
    }

    @inline(__always)
    mutating func writeTimeValue(_ nanoseconds: Int64) {
        if let to = openQuote(Timestamp.length) { timestamps.write(nanoseconds, to: to) }
        if timeCut > 0 || isRow { finishTime() }
    }

    /// `2026-05-12 14:30:45.123456789`, for a column in UTC, is the only form that every version of ClickHouse reads
    /// correctly. A number of milliseconds would be stored as a time in another century.
    @inline(never)
    private mutating func finishTime() {
        let end = json.buffer.count
        // The last two bytes are the letter and the quote.
        json.buffer.truncate(to: end &- 2 &- timeCut)
        if !isRow { return json.buffer.append("Z\"") }
        // After the T: 19 bytes, including the letter.
        json.buffer.overwrite(at: end &- 21, " ")
        json.buffer.append("\"")
    }

    /// Makes a text of what was written from there on, as a column wants it: how an object is stored depends on version
    /// and settings.
    mutating func quote(from start: Int) {
        guard let bytes, start <= bytes.count else { return }
        scratch.removeAll()
        scratch.append(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        json.buffer.truncate(to: start)
        json.string(scratch.bytes)
    }

    /// The fields that all events of a segment share, as an object.
    mutating func writeContextMember(_ context: EventContext) {
        json.key("context")
        json.beginObject()
        writeContext(context)
        json.endObject()
    }

    /// Ends a line of JSON Lines, or a whole text on standard output.
    mutating func finishLine() { json.buffer.append(UInt8(ascii: "\n")) }

    @inline(__always)
    private mutating func writeIdentity(_ event: RecordView) {
        json.key("schema_version")
        json.integer(Int64(event.schemaVersion))
        writeID("event_id", event)
        writeTime("timestamp", event.timestamp)
        json.key("type")
        json.string(event.type)
        json.key("name")
        json.string(event.name)
    }

    /// Quotes around `length` bytes, to be written where it returns.
    @inline(__always)
    private mutating func openQuote(_ length: Int) -> UnsafeMutablePointer<UInt8>? {
        guard let to = json.buffer.reserve(length &+ 2) else { return nil }
        to[0] = UInt8(ascii: "\"")
        to[length &+ 1] = UInt8(ascii: "\"")
        json.buffer.commit(upTo: to + (length &+ 2))
        return to + 1
    }

    @inline(__always)
    mutating func writeShared(_ event: RecordView) {
        if let shared, shared.event.sharesContext(with: event) {
            return json.buffer.appendCopy(of: shared.range)
        }
        let start = json.buffer.count
        writeContext(event.context)
        shared = (event, start..<json.buffer.count)
    }

    private mutating func writeContext(_ context: EventContext) {
        writeText(ResourceField.machineID.jsonName, context.machineID)
        writeText(ResourceField.toolName.jsonName, context.toolName)
        writeText(ResourceField.toolVersion.jsonName, context.toolVersion)
        writeText(ResourceField.os.jsonName, context.os)
        writeText(ResourceField.arch.jsonName, context.arch)
        writeText(ResourceField.osVersion.jsonName, context.osVersion)
        writeText(ResourceField.runtime.jsonName, context.runtime)
    }

    /// Not if it is empty.
    mutating func writeText(_ name: StaticString, _ text: UnsafeRawBufferPointer) {
        if !text.isEmpty { json.member(name, text) }
    }

    @inline(__always)
    private mutating func writeOutcome(_ event: RecordView) {
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

    private mutating func writeArguments(_ event: RecordView) {
        json.key("args")
        writeArgumentList(event)
    }

    mutating func writeArgumentList(_ event: RecordView) {
        json.beginArray()
        event.forEachArgument { argument in
            json.element()
            json.string(argument)
        }
        json.endArray()
    }

    @inline(__always)
    mutating func writeAttribute(_ attribute: AttributeView) {
        json.key(attribute.key)
        json.value(attribute.value)
    }
}

extension JSONWriter {
    @inline(__always)
    mutating func value(_ value: AttributeView.Value) {
        switch value {
        case .string(let text): string(text)
        case .int(let number): integer(number)
        case .double(let number): self.number(number)
        case .bool(let flag): boolean(flag)
        }
    }
}
