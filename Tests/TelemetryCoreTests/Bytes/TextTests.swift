import XCTest

@testable import TelemetryCore

/// C9: what stands of a caller's string in the record.
final class TextTests: XCTestCase {
    private struct Kept: Equatable {
        var bytes: [UInt8]
        var isAdjusted: Bool
    }

    /// Through the NUL-terminated way of the C interface, with bytes around it that must not be touched.
    private func keep(_ bytes: [UInt8], limit: Int) -> Kept {
        (bytes + [0]).withUnsafeBufferPointer { area in
            area.withMemoryRebound(to: CChar.self) { string in
                let text = Text(string.baseAddress!, limit: limit)
                var target = [UInt8](repeating: 0xEE, count: text.length + 16)
                target.withUnsafeMutableBytes { text.copy(to: $0.baseAddress! + 8) }
                XCTAssertEqual(Array(target.prefix(8) + target.suffix(8)), [UInt8](repeating: 0xEE, count: 16))
                return Kept(bytes: Array(target[8..<8 + text.length]), isAdjusted: text.isAdjusted)
            }
        }
    }

    private func keep(_ text: String, limit: Int) -> Kept { keep(Array(text.utf8), limit: limit) }
    private let replacement = Array("\u{FFFD}".utf8)

    /// Every length around the word-wise copy, with and without a cut.
    func testASCIIOfEveryLength() {
        let alphabet = (0..<80).map { UInt8(ascii: "0") + UInt8($0 % 75) }
        for count in 0...80 {
            for limit in 0...80 {
                let kept = keep(Array(alphabet.prefix(count)), limit: limit)
                XCTAssertEqual(
                    kept, Kept(bytes: Array(alphabet.prefix(min(count, limit))), isAdjusted: count > limit),
                    "\(count), \(limit)")
            }
        }
    }

    func testCutAtACharacter() {
        let characters = ["a", "é", "€", "😀", "b", "\u{10FFFF}", "\u{800}", "\u{7FF}", "z"]
        let whole = characters.joined()
        for limit in 0...whole.utf8.count + 5 {
            var expected = ""
            for character in characters {
                if expected.utf8.count + character.utf8.count > limit { break }
                expected += character
            }
            XCTAssertEqual(
                keep(whole, limit: limit), Kept(bytes: Array(expected.utf8), isAdjusted: expected != whole),
                "limit \(limit)")
        }
    }

    /// Each limit of an event, met and exceeded by one byte, by a character and by invalid bytes.
    func testLimitsOfAnEvent() {
        let limits = [
            EventLimits.typeBytes, EventLimits.nameBytes, EventLimits.keyBytes, EventLimits.valueBytes,
            EventLimits.categoryBytes, EventLimits.errorBytes, EventLimits.argumentBytes,
        ]
        XCTAssertEqual(limits, [64, 256, 64, 1024, 64, 4096, 1024])
        for limit in limits {
            let full = [UInt8](repeating: UInt8(ascii: "x"), count: limit)
            XCTAssertEqual(keep(full, limit: limit), Kept(bytes: full, isAdjusted: false))
            XCTAssertEqual(keep(full + full, limit: limit), Kept(bytes: full, isAdjusted: true))
            for size in 1...3 {
                let head = Array(full.dropLast(size))
                let cut = keep(head + Array("😀".utf8), limit: limit)
                XCTAssertEqual(cut, Kept(bytes: head, isAdjusted: true), "\(size) bytes left")
                let broken = keep(head + [0xFF], limit: limit)
                XCTAssertEqual(
                    broken, Kept(bytes: size == 3 ? head + replacement : head, isAdjusted: true), "\(size) bytes left")
            }
            let exact = Array(full.dropLast(4)) + Array("😀".utf8)
            XCTAssertEqual(keep(exact, limit: limit), Kept(bytes: exact, isAdjusted: false))
        }
    }

    /// Replacing makes the text longer; the limit holds for the result.
    func testReplacementsCountAgainstTheLimit() {
        for limit in 0...40 {
            let kept = keep([UInt8](repeating: 0xFF, count: 100), limit: limit)
            XCTAssertEqual(kept.bytes, (0..<limit / 3).flatMap { _ in replacement })
            XCTAssertTrue(kept.isAdjusted)
        }
    }

    func testAdjustedSaysWhetherSomethingChanged() {
        for (bytes, limit, expected) in [
            ([UInt8](), 0, false), (Array("é".utf8), 2, false), (Array("é".utf8), 1, true), ([0xC3], 10, true),
            (Array("\u{FFFD}".utf8), 3, false),
        ] { XCTAssertEqual(keep(bytes, limit: limit).isAdjusted, expected, "\(bytes)") }
    }

    func testTextLimitCut() {
        XCTAssertEqual(TextLimit.cut([], 10), [])
        XCTAssertEqual(TextLimit.cut(Array("a€".utf8), 3), Array("a".utf8))
        XCTAssertEqual(TextLimit.cut([0x61, 0, 0x62], 3), [0x61, 0, 0x62])
        XCTAssertEqual(TextLimit.cut([0xFF], 2), [])
    }

    func testEmpty() {
        XCTAssertEqual(Text.empty.length, 0)
        XCTAssertFalse(Text.empty.isAdjusted)
    }

    /// Another thread changed the string between measuring and copying: never more than was
    /// reserved, and no byte left unwritten.
    func testStringThatChangesMeanwhile() {
        let table: [(before: [UInt8], after: [UInt8])] = [
            ([0xFF, 0x61, 0x62, 0x63], [0x61, 0x62, 0x63, 0x64]),
            ([0xFF, 0xFF, 0x61, 0x62], [0, 0, 0, 0]),
            ([0x61, 0x62, 0x63, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF]),
            ([0x61, 0xE2, 0x82, 0x62], [0xE2, 0x82, 0xAC, 0x62]),
        ]
        for (before, after) in table {
            var source = before
            source.withUnsafeMutableBufferPointer { area in
                let text = Text(measuring: UnsafePointer(area.baseAddress!), 4, limit: 100)
                _ = area.update(from: after)
                var target = [UInt8](repeating: 0xEE, count: text.length + 8)
                target.withUnsafeMutableBytes { text.copy(to: $0.baseAddress!) }
                XCTAssertEqual(Array(target.suffix(8)), [UInt8](repeating: 0xEE, count: 8))
                XCTAssertFalse(target.prefix(text.length).contains(0xEE))
            }
        }
    }
}
