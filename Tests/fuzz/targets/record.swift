import CSystem

@testable import TelemetryCore

/// Input: length of the tool metadata (2 bytes), its attribute count (2 bytes), the metadata, the
/// record. Whatever they say, every accessor stays inside them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecord(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var input = Input(bytes, size)
    guard var context = input.context() else { return -1 }
    withUnsafePointer(to: &context) { place in
        guard let event = RecordView(record: input.remaining, context: place) else { return }
        visit(event)
        writeOTLP(event)
        writeKeyValue(event)
        reached()
    }
    return 0
}

/// The event in both forms of OTLP: JSON to the letter, and protobuf whose lengths add up and whose texts are UTF-8.
private func writeOTLP(_ event: RecordView) {
    withUnsafePointer(to: event) { event in
        let batch = WireBatch(events: UnsafeBufferPointer(start: event, count: 1), key: "", attempt: 0, now: 0)
        let (json, protobuf) = (OTLPFormat(isJSON: true), OTLPFormat(isJSON: false))
        guard let text = json.request(for: batch), let message = protobuf.request(for: batch) else {
            preconditionFailure("no request")
        }
        JSONCheck.check(text.body)
        let bytes = Array(message.body)
        // ExportLogsServiceRequest, ResourceLogs, ScopeLogs, LogRecord, KeyValue.
        let logs = only(1, bytes, 0..<bytes.count)
        let record = only(2, bytes, only(2, bytes, logs))
        for attribute in all(6, bytes, record) {
            for key in all(1, bytes, attribute) { precondition(String(validating: bytes[key], as: UTF8.self) != nil) }
            for text in all(1, bytes, only(2, bytes, attribute)) {
                precondition(String(validating: bytes[text], as: UTF8.self) != nil)
            }
        }
    }
}

/// The event as a datagram: one line of UTF-8 that is not too long.
private func writeKeyValue(_ event: RecordView) {
    var writer = KeyValueWriter()
    writer.write(event)
    precondition(
        writer.bytes.count <= KeyValueWriter.limit && writer.bytes.firstIndex(of: 0x0A) == writer.bytes.count - 1,
        "one datagram, one line")
    precondition(String(validating: writer.bytes, as: UTF8.self) != nil, "no UTF-8")
}
