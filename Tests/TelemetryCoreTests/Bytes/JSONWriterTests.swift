import XCTest

@testable import TelemetryCore

/// C9 (invalid UTF-8 replaced) and RFC 8259.
final class JSONWriterTests: XCTestCase {
    private func written(pretty: Bool = false, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter(pretty: pretty)
        body(&json)
        return Array(json.buffer.bytes)
    }

    private func string(_ bytes: [UInt8]) -> [UInt8] {
        written { json in bytes.withUnsafeBytes { json.string($0) } }
    }

    private let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    func testEveryControlCharacterIsEscaped() {
        let short: [UInt8: String] = [8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"]
        for byte in UInt8(0)..<0x20 {
            let hex = String(byte, radix: 16)
            let expected = short[byte] ?? "\\u00" + (hex.count == 1 ? "0" : "") + hex
            XCTAssertEqual(String(decoding: string([byte]), as: UTF8.self), "\"\(expected)\"")
        }
        XCTAssertEqual(string(Array("\"\\/\u{7F}".utf8)), Array("\"\\\"\\\\/\u{7F}\"".utf8))
    }

    /// Every byte at every place of texts around the width of a word: against a plain model.
    func testEveryByteAtEveryPlace() {
        for length in 1...18 {
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var text = (0..<length).map { UInt8(ascii: "a") + UInt8($0) }
                    text[place] = byte
                    XCTAssertEqual(string(text), model(text), "byte \(byte) at \(place) of \(length)")
                }
            }
        }
    }

    /// The standard library's decoder replaces maximal subparts as well.
    private func model(_ text: [UInt8]) -> [UInt8] {
        var result = Array("\"".utf8)
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\"", "\\": result += [0x5C, UInt8(scalar.value)]
            case "\u{8}": result += Array("\\b".utf8)
            case "\t": result += Array("\\t".utf8)
            case "\n": result += Array("\\n".utf8)
            case "\u{C}": result += Array("\\f".utf8)
            case "\r": result += Array("\\r".utf8)
            case _ where scalar.value < 0x20:
                result += Array(("\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)).utf8)
            default: result += Array(String(scalar).utf8)
            }
        }
        return result + Array("\"".utf8)
    }

    func testInvalidUTF8IsReplacedByMaximalSubparts() {
        let cases: [(bytes: [UInt8], replacements: Int)] = [
            ([0x80], 1), ([0xBF, 0x80], 2), ([0xC0, 0xAF], 2), ([0xC1, 0x81], 2), ([0xC2], 1),
            ([0xE0, 0x80, 0x80], 3), ([0xE0, 0xA0], 1), ([0xE2, 0x82], 1), ([0xED, 0xA0, 0x80], 3),
            ([0xED, 0x9F], 1), ([0xF0, 0x80, 0x80, 0x80], 4), ([0xF0, 0x9F, 0x98], 1), ([0xF0, 0x90], 1),
            ([0xF4, 0x90, 0x80, 0x80], 4), ([0xF5], 1), ([0xFE, 0xFF], 2), ([0xF8, 0x88, 0x80, 0x80, 0x80], 5),
            // The Unicode Standard, table 3-11.
            ([0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF], 4),
        ]
        for (bytes, count) in cases {
            let expected = [0x61] + Array(repeatElement(replacement, count: count).joined()) + [0x62]
            XCTAssertEqual(string([0x61] + bytes + [0x62]), [0x22] + expected + [0x22], "\(bytes)")
            XCTAssertEqual(string(bytes), [0x22] + expected.dropFirst().dropLast() + [0x22], "\(bytes) at the end")
        }
    }

    func testWellFormedTextIsUnchanged() {
        for text in ["", "a", "é", "日本語のテキスト", "😀😀😀", "a\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}", "\u{D7FF}\u{E000}"]
        {
            XCTAssertEqual(string(Array(text.utf8)), Array("\"\(text)\"".utf8))
        }
    }

    func testIntegers() {
        var values: [Int64] = [0, .min, .max, .min + 1, -1]
        var power: Int64 = 1
        for _ in 0..<19 {
            values += [power, power - 1, power + 1, -power]
            power = power.multipliedReportingOverflow(by: 10).partialValue
        }
        for value in values {
            XCTAssertEqual(String(decoding: written { $0.integer(value) }, as: UTF8.self), String(value))
        }
    }

    func testDoubles() {
        let texts: [(Double, String)] = [
            (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-42, "-42.0"), (0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"),
            (.nan, "null"), (.infinity, "null"), (-.infinity, "null"), (9_007_199_254_740_991, "9007199254740991.0"),
        ]
        for (value, text) in texts {
            XCTAssertEqual(String(decoding: written { $0.number(value) }, as: UTF8.self), text)
        }
        let extremes: [Double] = [
            .greatestFiniteMagnitude, .leastNonzeroMagnitude, .leastNormalMagnitude, 1e16, 1e15, 1e-5, 1e300, -1e22,
        ]
        for value in extremes + (0..<1000).map({ _ in Double(bitPattern: .random(in: .min ... .max)) })
        where value.isFinite {
            let text = String(decoding: written { $0.number(value) }, as: UTF8.self)
            XCTAssertEqual(Double(text)?.bitPattern, value.bitPattern, text)
        }
    }

    func testPrettyIndentsByTwoAndKeepsEmptyContainersClosed() {
        let text = written(pretty: true) { json in
            json.beginArray()
            json.element()
            json.beginObject()
            json.key("a")
            json.integer(1)
            json.key("b")
            json.beginArray()
            json.endArray()
            json.key("c")
            json.beginObject()
            json.endObject()
            json.endObject()
            json.element()
            json.boolean(true)
            json.endArray()
        }
        XCTAssertEqual(
            String(decoding: text, as: UTF8.self),
            """
            [
              {
                "a": 1,
                "b": [],
                "c": {}
              },
              true
            ]
            """)
    }

    func testBufferKeepsItsContentWhileGrowing() {
        var buffer = ByteBuffer()
        for index in 0..<100_000 { buffer.append(UInt8(truncatingIfNeeded: index)) }
        buffer.appendCopy(of: 10..<300)
        XCTAssertTrue(
            Array(buffer.bytes) == (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
                + (10..<300).map { UInt8(truncatingIfNeeded: $0) })
    }

    func testBufferRemembersThatMemoryRanOut() {
        var buffer = ByteBuffer()
        buffer.append("x")
        XCTAssertNil(buffer.reserve(ByteBuffer.limit))
        XCTAssertTrue(buffer.isIncomplete)
        buffer.removeAll()
        XCTAssertFalse(buffer.isIncomplete)
    }

    func testBufferThatNeverHadMemoryReservesNothing() {
        var buffer = ByteBuffer()
        XCTAssertNil(buffer.reserve(0))
        buffer.appendCopy(of: 0..<0)
        XCTAssertEqual(buffer.count, 0)
    }
}
