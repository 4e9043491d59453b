// SPDX-License-Identifier: Apache-2.0

extension Receiver {
    static let zipkin = Receiver(
        name: "zipkin",
        path: "/api/v2/spans",
        key: .bearer,
        isForSpans: true,
        transport: .posted { _ in ZipkinFormat() })
}

/// Zipkin's JSON, version 2, as OpenTelemetry maps spans to it: "Zipkin" in docs/backends.md.
final class ZipkinFormat: VendorFormat {
    /// Servers read at most 10 MiB by default.
    static let limits = JSONLimits(event: 1_000_000, body: 5 << 20)

    /// The text of an annotation, or of a key, while it is written.
    private var scratch = JSONWriter()

    init() { super.init((events: 1000, bytes: 256 << 10), Self.limits, StatusRules.all) }

    override func takes(_ record: RecordView) -> Bool { record.isSpanWithIDs }

    /// 202 without a body; receivers of others answer `{}` as well.
    override func recognises(_ body: [UInt8]) -> Bool { Acknowledgement(body) == .bare }

    override func write(_ span: RecordView, now: Int64) {
        writeID("traceId", span.traceID)
        writeID("id", span.spanID)
        // A server drops a parent that is the span itself.
        if let parent = span.parentID, !parent.elementsEqual(span.spanID) { writeID("parentId", parent) }
        if !span.spanName.isEmpty { json.json.member("name", span.spanName) }
        if let kind = Self.kind(span.spanKind) { json.json.member("kind", kind.rawBytes) }
        let start = max(0, span.timestamp)
        // 0 would mean that it is unknown.
        if start >= Self.microsecond { json.json.member("timestamp", start / Self.microsecond) }
        json.json.member("duration", max(1, (max(start, span.spanEnd) &- start) / Self.microsecond))
        writeService("localEndpoint", span.context.toolName)
        json.json.endObject()
        writeRemoteEndpoint(span)
        writeAnnotations(span)
        writeTags(span)
    }

    private static let microsecond: Int64 = 1000

    /// "Absent for INTERNAL."
    private static func kind(_ kind: UInt8) -> StaticString? {
        switch kind {
        case SpanKind.server: "SERVER"
        case SpanKind.client: "CLIENT"
        case SpanKind.producer: "PRODUCER"
        case SpanKind.consumer: "CONSUMER"
        default: nil
        }
    }

    private func writeID(_ name: StaticString, _ id: UnsafeRawBufferPointer) {
        json.json.key(name)
        json.json.hexadecimal(id)
    }

    // MARK: endpoints

    /// Begins an endpoint. The name of a service is in lower case.
    private func writeService(_ name: StaticString, _ service: UnsafeRawBufferPointer) {
        json.json.beginObject(name)
        scratch.removeAll()
        guard let to = scratch.buffer.reserve(service.count) else { return }
        for index in service.indices { to[index] = Authority.lowercase(service[index]) }
        scratch.buffer.commit(upTo: to + service.count)
        json.json.member("serviceName", scratch.buffer.bytes)
    }

    /// "If kind is CLIENT or PRODUCER then the service should specify remote endpoint."
    private func writeRemoteEndpoint(_ span: RecordView) {
        if span.spanKind != SpanKind.client && span.spanKind != SpanKind.producer { return }
        switch ZipkinPeer(span) {
        case .none: return
        case .service(let name): writeService("remoteEndpoint", name)
        case .address(let address, let family, let port):
            json.json.beginObject("remoteEndpoint")
            json.json.member(family == .ipv4 ? "ipv4" : "ipv6", address)
            if let port { json.json.member("port", Int64(port)) }
        }
        json.json.endObject()
    }

    // MARK: annotations

    private func writeAnnotations(_ span: RecordView) {
        var isEmpty = true
        for item in span.spanItems {
            guard case .event(let event) = item else { continue }
            if isEmpty { json.json.beginList("annotations") }
            isEmpty = false
            json.json.element()
            json.json.beginObject()
            // A server refuses all spans of a request for an annotation without a time.
            json.json.member("timestamp", max(1, event.time / Self.microsecond))
            writeValue(event)
            json.json.endObject()
        }
        if !isEmpty { json.json.endArray() }
    }

    /// `"name": {"key":"value"}`; without attributes the name alone.
    private func writeValue(_ event: SpanEvent) {
        scratch.removeAll()
        var isEmpty = true
        event.forEachAttribute { attribute in
            if isEmpty {
                scratch.string(event.name)
                scratch.buffer.append(": ")
                scratch.beginObject()
            }
            isEmpty = false
            scratch.key(attribute.key)
            scratch.value(attribute.value)
        }
        if isEmpty { return json.json.member("value", event.name) }
        scratch.endObject()
        json.json.member("value", scratch.buffer.bytes)
    }

    // MARK: tags

    private func writeTags(_ span: RecordView) {
        json.json.beginObject("tags")
        span.forEachSentAttribute { attribute in
            if Self.isReserved(attribute.key) { return }
            json.json.key(attribute.key)
            writeText(attribute.value)
        }
        if span.isAbandoned { json.json.member(SentStatus.abandonedKey, "true") }
        writeStatus(SentStatus(span))
        writeCount("otel.dropped_attributes_count", span.droppedAttributes)
        writeCount("otel.dropped_events_count", span.droppedEvents)
        writeCount("otel.dropped_links_count", span.droppedLinks)
        writeShared(span)
        json.json.endObject()
    }

    /// Tags that are made of something else than attributes. Zipkin takes a span with any tag `error` for failed.
    private static func isReserved(_ key: UnsafeRawBufferPointer) -> Bool {
        switch key.first {
        case UInt8(ascii: "e"): key.equals("error")
        case UInt8(ascii: "o"):
            key.equals("otel.status_code") || key.equals("otel.scope.name") || key.equals("otel.scope.version")
                || key.equals("otel.dropped_attributes_count") || key.equals("otel.dropped_events_count")
                || key.equals("otel.dropped_links_count")
        default: false
        }
    }

    private func writeStatus(_ status: SentStatus) {
        if status.code == SpanStatus.unset { return }
        json.json.member("otel.status_code", status.code == SpanStatus.ok ? "OK" : "ERROR")
        if status.code == SpanStatus.error { json.json.member("error", status.message) }
    }

    private func writeCount(_ name: StaticString, _ count: UInt32) {
        if count == 0 { return }
        json.json.key(name)
        writeText(.int(Int64(count)))
    }

    /// What OTLP has in the resource and in the scope. A span's own attribute of the same name wins.
    private func writeShared(_ span: RecordView) {
        let context = span.context
        json.json.member("otel.scope.name", "libtelemetry")
        json.json.member("otel.scope.version", TelemetryVersion.text)
        writeShared("service.version", context.toolVersion, span)
        writeShared(ResourceField.arch.otlpName, context.arch, span)
        writeShared(ResourceField.os.otlpName, context.os, span)
        writeShared(ResourceField.osVersion.otlpName, context.osVersion, span)
        writeShared(ResourceField.runtime.otlpName, context.runtime, span)
        writeShared(ResourceField.machineID.otlpName, context.machineID, span)
        var metadata = context.metadata
        while let attribute = AttributeView.next(&metadata) {
            scratch.removeAll()
            scratch.buffer.append(OTLPMessage.metadataPrefix)
            scratch.buffer.append(attribute.key)
            if span.spanItems.hasAttribute(scratch.buffer.bytes) { continue }
            json.json.key(scratch.buffer.bytes)
            writeText(attribute.value)
        }
    }

    private func writeShared(_ name: StaticString, _ text: UnsafeRawBufferPointer, _ span: RecordView) {
        if text.isEmpty || span.spanItems.hasAttribute(name.rawBytes) { return }
        json.json.member(name, text)
    }

    /// Tags are texts only.
    private func writeText(_ value: AttributeView.Value) {
        if case .string(let text) = value { return json.json.string(text) }
        if case .double(let number) = value, !number.isFinite {
            return json.json.string(number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity")
        }
        json.json.buffer.append(UInt8(ascii: "\""))
        json.json.value(value)
        json.json.buffer.append(UInt8(ascii: "\""))
    }
}
