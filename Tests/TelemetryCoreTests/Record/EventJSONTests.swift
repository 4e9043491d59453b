import Foundation
import XCTest

@testable import TelemetryCore

/// C2 (fields and their order), C8 (metadata merged, the event wins).
final class EventJSONTests: XCTestCase {
    private func lines(_ batch: Batch, pretty: Bool = false) -> String {
        var json = EventJSON(pretty: pretty)
        batch.views.withUnsafeBufferPointer { json.writeLines($0) }
        return json.bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private let head =
        #"{"schema_version":1,"event_id":"01020304-0506-0708-090a-0b0c0d0e0f10","timestamp":"2026-05-12T14:30:45.123456789Z""#
    private let context =
        #""machine_id":"00ff","tool_name":"mytool","version":"1.2.3","os":"linux","arch":"x86_64","os_version":"12","runtime":"c""#

    func testSmallestEvent() {
        XCTAssertEqual(
            lines(Batch([RecordBuilder()])),
            head + #","type":"feature.used","name":"search","# + context + "}\n")
    }

    func testEveryFieldInOrderAndZeroIsWritten() {
        var builder = RecordBuilder()
        builder.duration = 0
        builder.exitCode = 0
        builder.errorCategory = Array("network".utf8)
        builder.arguments = [Array("get".utf8), [], Array("\"".utf8)]
        builder.error = Array("no\nroute".utf8)
        builder.attributes = [
            (Array("s".utf8), .string(Array("x".utf8))), (Array("i".utf8), .int(.min)), (Array("d".utf8), .double(0.5)),
            (Array("b".utf8), .bool(true)), (Array("n".utf8), .double(.nan)),
        ]
        XCTAssertEqual(
            lines(Batch([builder])),
            head + #","type":"feature.used","name":"search","# + context
                + #","duration_ms":0,"exit_code":0,"error_category":"network","args":["get","","\""],"error":"no\nroute""#
                + #","metadata":{"s":"x","i":-9223372036854775808,"d":0.5,"b":true,"n":null}}"# + "\n")
    }

    func testEventOverridesMetadataAndLastDuplicateWins() {
        let key = Array("k".utf8)
        var builder = RecordBuilder()
        builder.attributes = [(key, .int(1)), (Array("z".utf8), .int(2)), (key, .int(3))]
        let batch = Batch([builder], metadata: [(key, .int(0)), (Array("m".utf8), .bool(false))])
        XCTAssertTrue(lines(batch).hasSuffix(#""metadata":{"m":false,"z":2,"k":3}}"# + "\n"), lines(batch))
    }

    /// The shared fields are copied from the event before: each event must still have those of its own context.
    func testEachEventHasItsOwnContext() {
        let first = Batch(count: 2)
        let other = UnsafeMutablePointer<EventContext>.allocate(capacity: 1)
        defer { other.deallocate() }
        other.initialize(to: first.context)
        other.pointee.machineID = UnsafeRawBufferPointer(rebasing: first.context.machineID[..<2])
        let record = RecordBuilder().bytes()
        record.withUnsafeBytes { bytes in
            let views = first.views + [RecordView(record: bytes, context: other)!] + first.views
            var json = EventJSON()
            views.withUnsafeBufferPointer { json.writeLines($0) }
            let text = String(decoding: json.bytes!, as: UTF8.self)
            let ids = text.split(separator: "\n").map {
                $0.contains(#""machine_id":"00ff""#) ? "00ff" : $0.contains(#""machine_id":"00","#) ? "00" : "?"
            }
            XCTAssertEqual(ids, ["00ff", "00ff", "00", "00ff", "00ff"])
        }
    }

    func testPrettyAndCompactSayTheSame() throws {
        let batch = Batch(count: 3, padding: 5)
        var compact = EventJSON()
        var pretty = EventJSON(pretty: true)
        batch.views.withUnsafeBufferPointer {
            compact.writeArray($0)
            pretty.writeArray($0)
        }
        let one = try JSONSerialization.jsonObject(with: Data(compact.bytes!)) as? NSArray
        let two = try JSONSerialization.jsonObject(with: Data(pretty.bytes!)) as? NSArray
        XCTAssertEqual(one?.count, 3)
        XCTAssertEqual(one, two)
    }

    /// Any bytes in any text still give JSON that an independent parser takes.
    func testRandomBytesGiveValidJSON() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            func noise() -> [UInt8] {
                (0..<Int.random(in: 0...40)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            }
            var builder = RecordBuilder()
            builder.timestamp = .random(in: .min ... .max)
            builder.name = noise()
            builder.error = noise()
            builder.arguments = [noise(), noise()]
            builder.attributes = [
                (noise(), .string(noise())), (Array("d".utf8), .double(Double(bitPattern: .random(in: .min ... .max)))),
            ]
            let line = lines(Batch([builder]))
            XCTAssertNoThrow(try JSONSerialization.jsonObject(with: Data(line.utf8)), line)
        }
    }
}
