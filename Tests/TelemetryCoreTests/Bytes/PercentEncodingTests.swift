import XCTest

@testable import TelemetryCore

final class PercentEncodingTests: XCTestCase {
    func testDecoded() {
        let table = [
            ("", ""), ("a%20b", "a b"), ("%3D%3d", "=="), ("%C3%A4", "ä"), ("%c3%a4", "ä"), ("%", "%"), ("%2", "%2"),
            ("%%20", "% "), ("%2g", "%2g"), ("%G2", "%G2"), ("%-1", "%-1"), ("100%", "100%"), ("%2525", "%25"),
        ]
        for (text, expected) in table {
            XCTAssertEqual(
                String(decoding: PercentEncoding.decoded(Array(text.utf8)[...]), as: UTF8.self), expected, text)
        }
    }

    func testWhatIsEncodedIsDecoded() {
        let bytes = Array(UInt8.min...UInt8.max)
        var text: [UInt8] = []
        PercentEncoding.append(bytes, to: &text)
        XCTAssertTrue(text.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        XCTAssertEqual(PercentEncoding.decoded(text[...]), bytes)
    }
}
