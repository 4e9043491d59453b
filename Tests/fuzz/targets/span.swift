import CSystem

@testable import TelemetryCore

/// Input: length of the tool metadata (2 bytes), its attribute count (2 bytes), the metadata, the record of a span.
/// Whatever they say, every accessor stays inside them, and each receiver's form is well formed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSpan(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var input = Input(bytes, size)
    guard var context = input.context() else { return -1 }
    var record = Array(input.remaining)
    guard record.count > RecordLayout.minimumSize else { return -1 }
    record[RecordLayout.kind.offset] = RecordHeader.span
    withUnsafePointer(to: &context) { place in
        record.withUnsafeBytes { record in
            guard let span = RecordView(record: record, context: place) else { return }
            visit(span)
            visitSpan(span)
            write(span)
            reached()
        }
    }
    return 0
}

private func visitSpan(_ span: RecordView) {
    for text in [span.traceID, span.spanID, span.traceState, span.spanName, span.statusMessage] { touch(text) }
    if let parent = span.parentID { touch(parent) }
    span.forEachSpanAttribute { touch($0) }
    for item in span.spanItems {
        switch item {
        case .attribute(let attribute): touch(attribute)
        case .event(let event):
            touch(event.name)
            event.forEachAttribute { touch($0) }
        case .link(let link):
            touch(link.traceState)
            link.forEachAttribute { touch($0) }
        case .statusMessage(let text): touch(text)
        }
    }
}

private func write(_ span: RecordView) {
    var json = EventJSON()
    json.write(span)
    if let text = json.bytes { JSONCheck.check(text) }
    withUnsafePointer(to: span) { span in
        let batch = WireBatch(events: UnsafeBufferPointer(start: span, count: 1), key: "", attempt: 0, now: 0)
        let formats: [any WireFormat] = [OTLPSpansFormat(isJSON: true), ZipkinFormat()]
        for format in formats {
            guard let request = format.request(for: batch) else { preconditionFailure("no request") }
            JSONCheck.check(request.body)
            precondition(request.eventCount == (span.pointee.isSpanWithIDs ? 1 : 0))
        }
        let protobuf = OTLPSpansFormat(isJSON: false)
        guard let message = protobuf.request(for: batch) else { preconditionFailure("no request") }
        if span.pointee.isSpanWithIDs { checkProtobuf(Array(message.body)) }
    }
}

/// ExportTraceServiceRequest, ResourceSpans, ScopeSpans, Span: lengths add up, and attributes are text in UTF-8.
private func checkProtobuf(_ bytes: [UInt8]) {
    let resource = only(1, bytes, 0..<bytes.count)
    let span = only(2, bytes, only(2, bytes, resource))
    for attribute in all(9, bytes, span) {
        for text in all(1, bytes, attribute) + all(1, bytes, only(2, bytes, attribute)) {
            precondition(String(validating: bytes[text], as: UTF8.self) != nil)
        }
    }
    for number: UInt64 in [11, 13, 15] { for inner in all(number, bytes, span) { _ = all(1, bytes, inner) } }
}
