import XCTest

@testable import TelemetryCore

final class LikeNameTests: XCTestCase {
    func testNames() {
        let names = ["name", "type", "timestamp", "value"]
        for (word, expected) in [
            ("nam", "name"), ("nmae", "name"), ("Name", "name"), ("timestmap", "timestamp"), ("values", "value"),
            ("name", "name"), ("colour", nil), ("by", nil), ("", nil), (String(repeating: "name", count: 20), nil),
        ] as [(String, String?)] {
            let index = LikeName.index(of: Array(word.utf8), among: names.map { Array($0.utf8) })
            XCTAssertEqual(index.map { names[$0] }, expected, word)
        }
    }
}
