import XCTest

@testable import TelemetryCore

/// F: the shape of an event, and the digits of its time.
final class EventShapeTests: XCTestCase {
    private func shape(_ text: String) throws -> EventForm {
        let options = Options(toolName: "mytool", toolVersion: "1")
        let manifest = "tool: {name: mytool}\nbackend: {kind: http, endpoint: 'https://example.org', \(text)}"
        try Array(manifest.utf8).withUnsafeBytes { try Manifest.parse($0, name: "f.yaml", into: options) }
        return try XCTUnwrap(options.destinations.first?.network?.form)
    }

    private func written(_ form: EventForm, isRow: Bool = false, type: String = "feature.used") -> String {
        var builder = RecordBuilder()
        builder.type = Array(type.utf8)
        builder.exitCode = 3
        builder.arguments = [Array("get".utf8)]
        builder.attributes = [(Array("x".utf8), .int(1))]
        var json = EventJSON(form: form, isRow: isRow)
        let batch = Batch([builder])
        withExtendedLifetime(batch) { batch.views.withUnsafeBufferPointer { json.writeArray($0) } }
        return json.bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func testEveryKindOfValue() throws {
        let form = try shape(
            "fields: {p: $command_path, g: $go_arch, e: $exit_code, no: $error, o: {i: {x: $metadata.x, no: $error}, no: {n: $error}},"
                + " all: $metadata, a: $args, c: 1.50, t: $timestamp}")
        XCTAssertEqual(
            written(form),
            #"[{"p":"mytool search","g":"amd64","e":3,"o":{"i":{"x":1}},"all":{"x":1},"a":["get"],"c":1.5,"t":"2026-05-12T14:30:45.123456789Z"}]"#
        )
        XCTAssertEqual(
            written(form, isRow: true),
            #"[{"p":"mytool search","g":"amd64","e":3,"o":"{\"i\":{\"x\":1}}","all":"{\"x\":1}","a":["get"],"c":1.5,"t":"2026-05-12 14:30:45.123456789"}]"#
        )
        XCTAssertEqual(
            written(try shape("fields: {type: x, n: $name}"), type: "data.deletion_request"),
            #"[{"n":"search","type":"data.deletion_request","machine_id":"00ff"}]"#)
    }

    /// Of records that are older than the author's decision.
    func testWhatIsLeftOutIsNotRead() {
        var builder = RecordBuilder()
        builder.duration = 5
        builder.exitCode = 3
        builder.errorCategory = Array("network".utf8)
        builder.arguments = [Array("get".utf8)]
        builder.error = Array("no".utf8)
        builder.attributes = [(Array("x".utf8), .int(1))]
        let batch = Batch([builder])
        let context = UnsafeMutablePointer<EventContext>.allocate(capacity: 1)
        defer { context.deallocate() }
        context.initialize(to: batch.context)
        context.pointee.leaveOut(FieldSet(bits: Setting.excludedFields.range.high))
        var json = EventJSON()
        builder.bytes().withUnsafeBytes { bytes in
            if let event = RecordView(record: bytes, context: context) {
                withExtendedLifetime(batch) { json.write(event) }
            }
        }
        XCTAssertEqual(
            json.bytes.map { String(decoding: $0, as: UTF8.self) },
            #"{"schema_version":1,"event_id":"01020304-0506-0708-090a-0b0c0d0e0f10","timestamp":"2026-05-12T14:30:45.123456789Z","type":"feature.used","name":"search","tool_name":"mytool","metadata":{"x":1}}"#
        )
    }

    func testDigits() {
        let text = Array("2026-05-12T14:30:45.123456789Z".utf8)
        for (digits, expected) in [
            (.nanoseconds, "2026-05-12T14:30:45.123456789Z"), (.milliseconds, "2026-05-12T14:30:45.123Z"),
            (.seconds, "2026-05-12T14:30:45Z"),
        ] as [(TimestampDigits, String)] {
            XCTAssertEqual(String(decoding: digits.shorten(text), as: UTF8.self), expected)
            var json = EventJSON(form: EventForm(digits: digits))
            json.json.beginObject()
            json.writeTime("t", 1_778_596_245_123_456_789)
            json.json.endObject()
            XCTAssertEqual(json.bytes.map { String(decoding: $0, as: UTF8.self) }, "{\"t\":\"\(expected)\"}")
            var row = EventJSON(form: EventForm(digits: digits), isRow: true)
            row.writeTime("t", 1_778_596_245_123_456_789)
            let column = expected.replacingOccurrences(of: "T", with: " ").replacingOccurrences(of: "Z", with: "")
            XCTAssertEqual(row.bytes.map { String(decoding: $0, as: UTF8.self) }, "\"t\":\"\(column)\"")
        }
    }

    func testFieldsInUse() throws {
        let form = try shape("fields: {a: $name, b: {c: $version, d: $metadata.x}}")
        for (field, expected) in [(.name, true), (.version, true), (.metadata, false), (.type, false)]
            as [(EventField, Bool)]
        {
            XCTAssertEqual(form.has(field), expected, "\(field)")
        }
        XCTAssertTrue(EventForm().has(.type))
        XCTAssertEqual(form.shape?.has("b"), true)
        XCTAssertEqual(form.shape?.has("c"), false)
    }

    func testSetsOfFields() {
        let set = FieldSet(bits: 0b101)
        XCTAssertEqual(set.names, ["machine_id", "os"])
        XCTAssertTrue(set.contains(.os))
        XCTAssertFalse(set.contains(.version))
        XCTAssertTrue(FieldSet().isEmpty)
    }
}
