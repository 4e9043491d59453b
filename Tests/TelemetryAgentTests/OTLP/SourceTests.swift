import TelemetryCore
import XCTest

@testable import TelemetryAgent

/// The two readers of fields, on bytes that were made by hand.
final class SourceTests: XCTestCase {
    private func protobuf<R>(_ bytes: [UInt8], _ body: (inout ProtobufSource) -> R) -> R {
        bytes.withUnsafeBytes { area in
            var source = ProtobufSource(area)
            return body(&source)
        }
    }

    private func json<R>(_ text: String, _ body: (inout JSONSource) -> R) -> R {
        Array(text.utf8).withUnsafeBytes { area in
            var source = JSONSource(area, TextArena())
            return body(&source)
        }
    }

    private func string(_ text: OTLPText?) -> String? {
        text.map { String(decoding: UnsafeBufferPointer(start: $0.start, count: $0.count), as: UTF8.self) }
    }

    func testProtobufVarints() {
        for (bytes, expected) in [
            ([0], 0), ([0x7F], 127), ([0x80, 0x01], 128), ([0x80, 0x00], 0),
            ([UInt8](repeating: 0xFF, count: 9) + [0x01], .max), ([UInt8](repeating: 0xFF, count: 9) + [0x02], nil),
            ([UInt8](repeating: 0x80, count: 10) + [0x01], nil), ([0x80], nil), ([], nil),
        ] as [([UInt8], UInt64?)] {
            protobuf([0x08] + bytes) { source in
                let field = source.next(.spanStatus)
                XCTAssertEqual(field, expected == nil ? 0 : 1, "\(bytes)")
                XCTAssertEqual(expected == nil, source.failure != nil, "\(bytes)")
                if field == 1 { XCTAssertEqual(source.unsigned(), expected) }
            }
        }
    }

    /// Groups, wire types that do not exist, field 0, and lengths beyond the end.
    func testProtobufMalformed() {
        for bytes in [
            [0x0B, 0x0C], [0x0E, 0x00], [0x0F], [0x00, 0x00], [0x02, 0x00], [0x0A, 0x05, 1, 2], [0x09, 1, 2, 3],
            [0x0D, 1], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0xFA, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x00],
        ] as [[UInt8]] {
            protobuf(bytes) { source in
                XCTAssertEqual(source.next(.logRecord), 0, "\(bytes)")
                XCTAssertNotNil(source.failure, "\(bytes)")
            }
        }
    }

    /// A value of another wire type is one of a field that nobody knows.
    func testProtobufWireTypes() {
        protobuf([0x08, 1, 0x12, 2, 0x41, 0x42, 0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x25, 1, 0, 0, 0]) { source in
            XCTAssertEqual(source.next(.span), 1)
            XCTAssertNil(source.text(9))
            XCTAssertNil(source.fixed64())
            XCTAssertNil(source.enter())
            XCTAssertEqual(source.bool(), true)
            XCTAssertEqual(source.next(.span), 2)
            XCTAssertNil(source.unsigned())
            XCTAssertEqual(string(source.text(9)), "AB")
            XCTAssertEqual(source.next(.span), 3)
            XCTAssertNil(source.fixed32())
            XCTAssertEqual(source.signedFixed64(), 1)
            XCTAssertEqual(source.next(.span), 4)
            XCTAssertNil(source.double())
            XCTAssertEqual(source.fixed32(), 1)
            XCTAssertEqual(source.next(.span), 0)
            XCTAssertNil(source.failure)
        }
    }

    func testProtobufRepeated() {
        // Packed, and one at a time.
        protobuf([0x12, 3, 0xAC, 0x02, 0x01, 0x10, 0x05, 0x08, 0x03]) { source in
            var values: [UInt64] = []
            while source.next(.buckets) == 2 { source.eachUnsigned { values.append($0) } }
            XCTAssertEqual(values, [300, 1, 5])
            XCTAssertEqual(source.zigzag(), -2)
        }
        protobuf([0x12, 2, 0xAC, 0x82, 0x10, 0x01]) { source in
            XCTAssertEqual(source.next(.buckets), 2)
            source.eachUnsigned { _ in XCTFail("it has no end") }
            XCTAssertNotNil(source.failure)
            XCTAssertEqual(source.next(.buckets), 0)
        }
        protobuf([0x32, 9] + [UInt8](repeating: 0, count: 9)) { source in
            XCTAssertEqual(source.next(.histogramPoint), 6)
            source.eachFixed64 { _ in XCTFail("not whole") }
            XCTAssertNotNil(source.failure)
        }
    }

    func testProtobufNesting() {
        var bytes: [UInt8] = []
        for _ in 0..<120 where bytes.count < 100 { bytes = [0x0A, UInt8(bytes.count)] + bytes }
        protobuf(bytes) { source in
            XCTAssertEqual(source.next(.arrayValue), 1)
            let frame = source.enter()
            XCTAssertNotNil(frame)
            XCTAssertEqual(source.next(.arrayValue), 1)
            source.leave(frame ?? OTLPFrame())
            XCTAssertEqual(source.next(.arrayValue), 0)
            XCTAssertNil(source.failure)
        }
    }

    func testUTF8() {
        for (bytes, isRight) in [
            ([0x61], true), ([0xC3, 0xA9], true), ([0xF0, 0x9F, 0x98, 0x80], true), ([0xC3], false),
            ([0xED, 0xA0, 0x80], false), ([0xC0, 0x80], false), ([0xF4, 0x90, 0x80, 0x80], false),
            ([UInt8](repeating: 0x61, count: 20) + [0xFF], false),
            ([UInt8](repeating: 0x61, count: 7) + [0xC3, 0xA9], true),
        ] as [([UInt8], Bool)] {
            protobuf([0x2A, UInt8(bytes.count)] + bytes) { source in
                XCTAssertEqual(source.next(.span), 5)
                XCTAssertEqual(source.text(99) != nil, isRight, "\(bytes)")
                XCTAssertEqual(source.failure == nil, isRight, "\(bytes)")
            }
        }
    }

    func testJSONMembers() {
        json(
            #" { "x" : [ {"a":null}, "\u00e9" ] , "name":"a\nb\ud83d\ude00\ud83d" , "kind" :2,"attributes":[ ], "events":[{},{"name":null}],"status":null,"endTimeUnixNano":"18446744073709551615" } "#
        ) { source in
            XCTAssertEqual(source.next(.span), 5)
            XCTAssertEqual(string(source.text(99)), "a\nb\u{1F600}\u{FFFD}")
            XCTAssertEqual(source.next(.span), 6)
            XCTAssertEqual(source.enumeration(), 2)
            for _ in 0..<2 {
                XCTAssertEqual(source.next(.span), 11)
                guard let frame = source.enter() else { return XCTFail("no object") }
                XCTAssertEqual(source.next(.spanEvent), 0)
                source.leave(frame)
            }
            XCTAssertEqual(source.next(.span), 8)
            XCTAssertEqual(source.fixed64(), .max)
            XCTAssertEqual(source.next(.span), 0)
            XCTAssertTrue(source.isAtEnd())
        }
    }

    func testJSONNumbers() {
        func value(_ text: String) -> Int64? {
            json("{\"intValue\":\(text)}") { source in
                XCTAssertEqual(source.next(.anyValue), 3)
                return source.signed()
            }
        }
        for (text, expected) in [
            ("5", 5), ("\"-5\"", -5), ("-9223372036854775808", .min), ("\"9223372036854775807\"", .max),
            ("9223372036854775808", nil), ("1e3", 1000), ("\"2.0\"", 2), ("2.5", nil), ("\"\"", nil), ("\" 5\"", nil),
            ("true", nil), ("-", nil), ("01", 0), ("\"0x5\"", nil), ("NaN", nil),
        ] as [(String, Int64?)] { XCTAssertEqual(value(text), expected, text) }
        for (text, expected) in [
            ("1.5", 1.5), ("\"-Infinity\"", -.infinity), ("\"1e-300\"", 1e-300), ("1e999", nil), ("Infinity", nil),
            ("\"infinity\"", nil), ("\"\"", nil),
        ] as [(String, Double?)] {
            json("{\"doubleValue\":\(text)}") { source in
                XCTAssertEqual(source.next(.anyValue), 4)
                XCTAssertEqual(source.double(), expected, text)
            }
        }
    }

    func testJSONIDsAndBytes() {
        json(#"{"traceId":"0A0B0c0d000000000000000000000001","spanId":"00","parentSpanId":"xx00000000000000"}"#) {
            source in
            XCTAssertEqual(source.next(.span), 1)
            let id = source.id(16)
            XCTAssertEqual(id?.high, 0x0A0B_0C0D_0000_0000)
            XCTAssertEqual(id?.low, 1)
            XCTAssertEqual(source.next(.span), 2)
            XCTAssertNil(source.id(8))
            XCTAssertEqual(source.next(.span), 4)
            XCTAssertNil(source.id(8))
            XCTAssertNil(source.failure)
        }
        for (text, expected) in [
            ("aGk=", "hi"), ("aGk", "hi"), ("__-_", "\u{FFFD}\u{FFFD}\u{FFFD}"), ("", ""), ("a*", nil),
        ] as [(String, String?)] {
            json("{\"bytesValue\":\"\(text)\"}") { source in
                XCTAssertEqual(source.next(.anyValue), 7)
                XCTAssertEqual(string(source.bytes(99)), expected, text)
            }
        }
    }

    func testJSONMalformed() {
        for text in [
            "", "[]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\":01}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}", "{\"a\":\"\n\"}", "{\"a\":[1,]}", "{\"a\":tru}", "{\"name\":5}",
            "{\"kind\":\"INTERNAL\"}",
            "{\"attributes\":{}}", "{\"attributes\":[5]}", "{\"status\":[]}", "{\"a\":1}x",
            "{\"a\":" + String(repeating: "[", count: 200),
        ] {
            json(text) { source in
                while true {
                    let field = source.next(.span)
                    if field == 0 { break }
                    switch field {
                    case 5: _ = source.text(9)
                    case 6: _ = source.enumeration()
                    case 9: source.keyValue(nil)
                    case 15: source.message(.spanStatus) { $1 == 2 ? _ = $0.text(9) : $0.skip() }
                    default: source.skip()
                    }
                }
                XCTAssertFalse(source.isAtEnd(), text)
            }
        }
    }
}
