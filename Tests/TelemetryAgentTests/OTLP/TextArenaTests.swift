import XCTest

@testable import TelemetryAgent

/// Texts become C's, which hold no NUL.
final class TextArenaTests: XCTestCase {
    func testNULs() {
        let arena = TextArena()
        for length in 0..<40 {
            for place in -1..<length {
                var bytes = (0..<length).map { UInt8($0 % 2 == 0 ? 0x61 : 0x80) }
                if place >= 0 { bytes[place] = 0 }
                let expected = bytes.flatMap { $0 == 0 ? [0xEF, 0xBF, 0xBD] : [$0] }
                arena.cut()
                let made = bytes.withUnsafeBufferPointer { source in
                    source.baseAddress.flatMap { arena.cString(OTLPText(start: $0, count: source.count), 64) }
                }
                guard let made else { return XCTAssertEqual(length, 0) }
                XCTAssertEqual(
                    expected, (0..<strlen(made)).map { UInt8(bitPattern: made[$0]) }, "a NUL at \(place) of \(length)")
            }
        }
    }
}
