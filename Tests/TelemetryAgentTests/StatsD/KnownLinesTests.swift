// SPDX-License-Identifier: Apache-2.0
import TelemetryCore
import XCTest

@testable import TelemetryAgent

/// What is found again is of the same shape, and of the same generation of tools.
final class KnownLinesTests: XCTestCase {
    private func withShape<Result>(_ line: String, _ body: (StatsDShape) -> Result) -> Result? {
        Array(line.utf8).withUnsafeBytes { StatsDShape($0).map(body) }
    }

    private func parts(_ line: String) -> [String]? {
        withShape(line) { [$0.name, $0.values, $0.rest].map { String(decoding: $0, as: UTF8.self) } }
    }

    func testShape() {
        XCTAssertEqual(parts("a:1|c|#b:c"), ["a", "1", "c|#b:c"])
        XCTAssertEqual(parts("a:1:2|c"), ["a", "1:2", "c"])
        XCTAssertEqual(parts(":|"), ["", "", ""])
        for line in ["", "a", "a:", "a|c", "a|c:1"] { XCTAssertNil(parts(line), line) }
    }

    func testOnlyTheSameIsFound() {
        let lines = KnownLines<Int>()
        // The same bytes, parted elsewhere; and one that is longer.
        let others = ["ab:1|c", "a:1|bc", "abc:1|", "abc:1|c", ":1|abc"]
        _ = withShape("ab:7|c") { lines.keep(5, of: $0, $0.hash) }
        for line in others {
            let found = withShape(line) { lines.find($0, $0.hash) } ?? nil
            XCTAssertEqual(found, line == "ab:1|c" ? 5 : nil, line)
        }
        // With the hash of another.
        let hash = withShape("ab:1|c") { $0.hash } ?? 0
        XCTAssertNil(withShape("a:1|bc") { lines.find($0, hash) } ?? nil)
    }

    func testGenerations() {
        let lines = KnownLines<Int>()
        XCTAssertFalse(lines.begin(0))
        _ = withShape("a:1|c") { lines.keep(1, of: $0, $0.hash) }
        XCTAssertFalse(lines.begin(0))
        XCTAssertNotNil(withShape("a:1|c") { lines.find($0, $0.hash) } ?? nil)
        XCTAssertTrue(lines.begin(1))
        XCTAssertNil(withShape("a:1|c") { lines.find($0, $0.hash) } ?? nil)
    }

    /// More than there is room for, of every length: what is found is what was kept under it, and what was kept last is found.
    func testManyShapes() {
        let lines = KnownLines<Int>()
        func line(_ number: Int) -> String {
            "name\(number):\(number)|c|#" + String(repeating: "x", count: number % (KnownLines<Int>.longest - 20))
        }
        for number in 1...20_000 {
            _ = withShape(line(number)) { lines.keep(number, of: $0, $0.hash) }
            XCTAssertEqual(withShape(line(number)) { lines.find($0, $0.hash) }, number, "what was kept last")
            for other in [number / 2 + 1, max(1, number - 100)] {
                guard let kept = withShape(line(other), { lines.find($0, $0.hash) }) ?? nil else { continue }
                XCTAssertEqual(kept, other)
            }
        }
    }

    func testWhatComesOnceIsNotWanted() {
        let lines = KnownLines<Int>()
        for number in 0..<100 {
            let line = "name\(number):1|c"
            XCTAssertEqual(withShape(line) { lines.isWanted($0, $0.hash) }, false, line)
            XCTAssertEqual(withShape(line) { lines.isWanted($0, $0.hash) }, true, line)
        }
        let long = "a:1|c|#" + String(repeating: "x", count: KnownLines<Int>.longest)
        for _ in 0..<3 { XCTAssertEqual(withShape(long) { lines.isWanted($0, $0.hash) }, false) }
    }
}
