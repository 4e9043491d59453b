import XCTest

@testable import TelemetryCore

final class ByteEqualityTests: XCTestCase {
    /// Equal to the standard library, not to this one: é, and e with a combining acute accent.
    private let composed = "caf\u{E9}"
    private let decomposed = "cafe\u{301}"

    func testBytesDecide() {
        XCTAssertTrue(composed == composed)
        XCTAssertFalse(same(composed, decomposed))
        XCTAssertTrue(different(composed, decomposed))
        XCTAssertFalse(["a", decomposed].contains(composed))
        switch decomposed {
        case composed: XCTFail("matched another text")
        default: break
        }
    }

    private func same(_ a: String, _ b: String) -> Bool { a == b }
    private func different(_ a: String, _ b: String) -> Bool { a != b }
}
