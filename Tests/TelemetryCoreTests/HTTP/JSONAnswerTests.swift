import XCTest

@testable import TelemetryCore

/// E8, F: a number in what a receiver answered, whatever that is.
final class JSONAnswerTests: XCTestCase {
    private func found(_ text: String) -> Int? { JSONAnswer.integer("code", in: Array(text.utf8)) }

    func testFinds() {
        for (text, value) in [
            (#"{"code":0}"#, 0), (#"{"text":"Success","code":12}"#, 12), ("{ \"code\"\t:\r\n 7 , \"x\":1}", 7),
            (#"{"code":"9"}"#, 9), (#"{"code":-3}"#, -3),
            (#"{"text":"\"code\":5","code":6}"#, 6), (#"{"text":"code","code":6}"#, 6), (#"{"a":{"code":4}}"#, 4),
            (#"{"text":"\\","code":8}"#, 8),
            (#"{"code":99999999999999999999999999}"#, 1 << 40), (#"{"code":-99999999999999999999999999}"#, -(1 << 40)),
        ] { XCTAssertEqual(found(text), value, text) }
    }

    func testFindsNothing() {
        for text in [
            "", "{", "{}", "\"", "\"code\"", "\"code\":", "{\"code\":}", "{\"code\":\"", "{\"code\":true}",
            "{\"code\":-}", "{\"codes\":1}", "{\"cod\":1}", "\\", "\"\\", "\"code\\",
            #"{"\u0063ode":1}"#, "<html>code: 4</html>", "code:4", "\u{0}\u{1}", String(repeating: "[", count: 10_000),
            #"{"text":"code" "code" : "x"}"#,
        ] { XCTAssertNil(found(text), text) }
    }

    /// Every beginning of an answer, and every answer with one byte changed, has an end.
    func testCutAndChanged() {
        let bytes = Array(#"{"text":"Invalid \"data\" format","code":6,"invalid-event-number":2}"#.utf8)
        for end in 0...bytes.count { _ = JSONAnswer.integer("invalid-event-number", in: Array(bytes[..<end])) }
        for index in bytes.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = byte
                if let value = JSONAnswer.integer("invalid-event-number", in: changed) {
                    XCTAssertTrue((-9...99).contains(value), "\(changed)")
                }
            }
        }
    }
}
