// SPDX-License-Identifier: Apache-2.0

/// Writes an ExportLogsServiceRequest, as protobuf or in protobuf's JSON: opentelemetry/proto/logs/v1/logs.proto. Each
/// run of events with the same context becomes one `ResourceLogs`.
struct OTLPEncoder: OTLPRequestEncoder, ~Copyable {
    static var signal: OTLPSignal { .logs }

    private var message: OTLPMessage
    /// The attributes that all events of a context share, written once; after them the attributes of its metadata.
    private var shared: OTLPMessage
    private var sharedFields = 0..<0
    private var sharedMetadata = 0..<0
    private let form: EventForm

    init(isJSON: Bool, _ service: OTLPService?, form: EventForm) {
        self.form = form
        message = OTLPMessage(isJSON: isJSON, service)
        shared = OTLPMessage(isJSON: isJSON)
    }

    var bytes: UnsafeRawBufferPointer? { message.bytes }

    /// No event is added to a request of this size. With one more event the request is still below 4 MiB, the size that
    /// a request should have at most.
    private static let fullBytes = 3 << 20

    /// Returns how many of the events it contains.
    mutating func write(_ events: UnsafeBufferPointer<RecordView>) -> Int {
        message.begin()
        message.beginList("resourceLogs")
        var index = 0
        while index < events.count, message.count < Self.fullBytes { index = writeResourceLogs(events, from: index) }
        message.endList()
        message.end()
        return index
    }

    /// Returns the index of the first event with another context.
    private mutating func writeResourceLogs(_ events: UnsafeBufferPointer<RecordView>, from start: Int) -> Int {
        let context = events[start].context
        if form.shape == nil { prepareShared(context) }
        let resourceLogs = message.begin(0x0A, "")
        message.resource(context.toolName, form.has(.version) ? context.toolVersion : OTLPMessage.none)
        message.beginList("scopeLogs")
        let scopeLogs = message.begin(0x12, "")
        message.scope()
        message.beginList("logRecords")
        var index = start
        while index < events.count, message.count < Self.fullBytes, events[index].sharesContext(with: events[start]) {
            write(events[index])
            index &+= 1
        }
        message.endList()
        message.end(scopeLogs)
        message.endList()
        message.end(resourceLogs)
        return index
    }

    /// Writes fields in the order of their numbers. An event is observed where it happens. In that case the data model
    /// has equal times, and a batch that is sent again has the same bytes.
    private mutating func write(_ event: RecordView) {
        let time = UInt64(max(0, event.timestamp))
        let trace = form.has(.metadata) ? EventTrace(event) : nil
        let record = message.begin(0x12, "")
        message.fixed64(0x09, "timeUnixNano", time)
        // INFO, logs.proto's SEVERITY_NUMBER_INFO.
        message.number(0x10, "severityNumber", 9)
        if form.has(.name) {
            let body = message.begin(0x2A, "body")
            message.text(0x0A, "stringValue", event.name)
            message.end(body)
        }
        if let shape = form.shape {
            writeAttributes(shape.members(of: event), event)
        } else {
            message.beginAttributes(0x32)
            writeOwn(event)
            writeShared(event, hasTrace: trace != nil)
            message.endList()
        }
        if let trace { write(trace) }
        message.fixed64(0x59, "observedTimeUnixNano", time)
        // "All events with the same event_name conform to the same schema": that describes the type.
        message.text(0x62, "eventName", event.type)
        message.end(record)
    }

    private mutating func writeOwn(_ event: RecordView) {
        withUnsafeTemporaryAllocation(byteCount: UUIDText.length, alignment: 1) { area in
            guard let base = area.baseAddress else { return }
            UUIDText.write(event.eventID, to: base.assumingMemoryBound(to: UInt8.self))
            message.attribute("event.id", UnsafeRawBufferPointer(area))
        }
        message.attribute("event.name", event.name)
        message.attribute("event.type", event.type)
        message.attribute("event.schema_version", OTLPMessage.none, .int(Int64(event.schemaVersion)))
        if let duration = event.durationMilliseconds {
            message.attribute("command.duration_ms", OTLPMessage.none, .int(duration))
        }
        if let exitCode = event.exitCode {
            message.attribute("command.exit_code", OTLPMessage.none, .int(Int64(exitCode)))
        }
        // The semantic conventions' "class of error the operation ended with".
        if event.errorCategory.count > 0 { message.attribute("error.type", event.errorCategory) }
        if event.argumentCount > 0 { writeArguments(event) }
        if event.error.count > 0 { message.attribute("command.error", event.error) }
    }

    private mutating func writeArguments(_ event: RecordView) {
        writeArguments(event, Self.arguments.rawBytes)
    }

    private static var arguments: StaticString { "command.args" }

    private mutating func writeArguments(_ event: RecordView, _ key: UnsafeRawBufferPointer) {
        let array = message.beginArray(key)
        event.forEachArgument { message.element($0) }
        message.endArray(array)
    }

    private mutating func writeAttributes(_ members: [EventShape.Member], _ event: RecordView) {
        // A list without members is not written.
        if ShapedValue(.object(members), event).isNone { return }
        message.beginAttributes(0x32)
        write(members, event, below: [])
        message.endList()
    }

    /// The names of inner mappings have the outer one and a dot in front.
    private mutating func write(_ members: [EventShape.Member], _ event: RecordView, below outer: [UInt8]) {
        for member in members {
            let key = outer + member.name
            switch ShapedValue(member.source, event) {
            case .none: continue
            case .plain(let value): key.withUnsafeBytes { message.attribute("", $0, value) }
            case .text(let text): write(key, text)
            case .time(let time): write(key, form.digits.shorten(Array(Timestamp.text(time).utf8)))
            case .arguments: key.withUnsafeBytes { writeArguments(event, $0) }
            case .metadata:
                event.forEachMergedAttribute { attribute in
                    (key + [UInt8(ascii: ".")] + Array(attribute.key)).withUnsafeBytes {
                        message.attribute("", $0, attribute.value)
                    }
                }
            case .object(let inner): write(inner, event, below: key + [UInt8(ascii: ".")])
            }
        }
    }

    private mutating func write(_ key: [UInt8], _ text: [UInt8]) {
        key.withUnsafeBytes { key in text.withUnsafeBytes { message.attribute("", key, .string($0)) } }
    }

    private mutating func write(_ trace: EventTrace) {
        trace.traceID.withBytes { message.id(0x4A, "traceId", $0) }
        withUnsafeBytes(of: trace.spanID.bigEndian) { message.id(0x52, "spanId", $0) }
    }

    /// `hasTrace`: the record's own fields have the ids.
    @inline(__always)
    private mutating func writeShared(_ event: RecordView, hasTrace: Bool) {
        message.append(shared, sharedFields)
        if event.attributeCount == 0 {
            message.append(shared, sharedMetadata)
        } else {
            event.forEachMergedAttribute {
                if hasTrace && EventTrace.isKey($0.key) { return }
                message.attribute(OTLPMessage.metadataPrefix, $0.key, $0.value)
            }
        }
    }

    @inline(never)
    private mutating func prepareShared(_ context: EventContext) {
        shared.begin()
        shared.beginAttributes(0x32)
        let start = shared.count
        shared.attribute(ResourceField.toolName.otlpName, context.toolName)
        shared.optional(ResourceField.toolVersion.otlpName, context.toolVersion)
        shared.system(context)
        let end = shared.count
        shared.metadata(context)
        sharedFields = start..<end
        sharedMetadata = end..<shared.count
    }
}
