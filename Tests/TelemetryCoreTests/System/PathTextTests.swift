import XCTest

@testable import TelemetryCore

final class PathTextTests: XCTestCase {
    private func kept(_ bytes: [UInt8]) -> String {
        (bytes + [0]).withUnsafeBufferPointer { area in
            area.withMemoryRebound(to: CChar.self) { PathText.string($0.baseAddress!) }
        }
    }

    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    func testBytesComeBack() {
        let paths: [[UInt8]] = [
            [], Array("/home/a".utf8), Array("/Zoë/\u{1F600}".utf8), [0x2F, 0xFF], [0x2F, 0x80, 0x2F], [0xC3],
            [0xE2, 0x82], [0xED, 0xA0, 0x80],
            [0xF4, 0x8F, 0xBA, 0x80], [0xF4, 0x8F, 0xBB, 0xBF], [0xF4, 0x8F, 0xBC, 0x80], [0xF4, 0x8F],
            [0xF4, 0x90, 0x80, 0x80], [0xC0, 0xAF],
        ]
        for path in paths { XCTAssertEqual(PathText.bytes(kept(path)), path) }
        for byte in UInt8(1)...255 { XCTAssertEqual(PathText.bytes(kept([0x2F, byte, 0x78])), [0x2F, byte, 0x78]) }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let path = (0..<12).map { _ in
                [0xF4, 0x8F, 0xBA, 0xBB, 0x80, 0xFF, 0x2F, UInt8.random(in: 1...255, using: &generator)]
                    .randomElement()!
            }
            XCTAssertEqual(PathText.bytes(kept(path)), path)
        }
    }

    func testPartsOfAPathArePartsOfTheText() {
        let text = kept([0x2F, 0xFF, 0x2F, 0xFE])
        XCTAssertEqual(Array(text.utf8).filter { $0 == 0x2F }.count, 2)
        XCTAssertEqual(PathText.bytes(text + "/x"), [0x2F, 0xFF, 0x2F, 0xFE, 0x2F, 0x78])
    }

    func testWhatPeopleSee() {
        XCTAssertEqual(PathText.shown("plain ë"), Array("plain ë".utf8))
        XCTAssertEqual(PathText.shown(kept([0x2F, 0xFF, 0x78])), [0x2F] + Self.replacement + [0x78])
        XCTAssertEqual(Excerpt.path(kept([0x2F, 0xFF])), "/\u{FFFD}")
    }
}
