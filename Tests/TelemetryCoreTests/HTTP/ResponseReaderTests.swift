import XCTest

@testable import TelemetryCore

/// F: what is read of an answer is bounded.
final class ResponseReaderTests: XCTestCase {
    private func feed(_ reader: ResponseReader, chunk: Int, upTo total: Int) -> Int {
        let bytes = [UInt8](repeating: 0x78, count: chunk)
        var taken = 0
        while taken < total, bytes.withUnsafeBytes({ reader.body($0) }) { taken += chunk }
        return taken
    }

    func testBodyEndsAtTheRequestsLimit() {
        for limit in [0, 1, 4096, 1 << 20, 4 << 20] {
            for chunk in [1024, 16_384, 65_536] {
                XCTAssertEqual(
                    feed(ResponseReader(bodyLimit: limit), chunk: chunk, upTo: 8 << 20), limit / chunk * chunk,
                    "\(limit) by \(chunk)")
            }
        }
    }

    func testFirstBytesAreKeptWhateverPiecesTheyComeIn() {
        let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for chunk in [1, 7, 1000, 65_535, 65_536, 65_537, 100_000] {
            let reader = ResponseReader()
            for line in ["HTTP/1.1 200 OK\r\n", "X-RateLimit-Reset: 12\r\n", "\r\n"] {
                _ = Array(line.utf8).withUnsafeBytes { reader.header($0) }
            }
            for start in stride(from: 0, to: body.count, by: chunk) {
                XCTAssertTrue(Array(body[start..<min(body.count, start + chunk)]).withUnsafeBytes { reader.body($0) })
            }
            XCTAssertEqual(reader.response?.body, Array(body.prefix(ResponseReader.keptBytes)), "by \(chunk)")
            XCTAssertEqual(reader.response?.rateLimitReset, Array("12".utf8))
        }
    }

    func testHeaderLinesEndAtTheirLimit() {
        let reader = ResponseReader()
        let line = Array(("X: " + String(repeating: "x", count: 1019) + "\r\n").utf8)
        var taken = 0
        while taken <= ResponseReader.headerLimit, line.withUnsafeBytes({ reader.header($0) }) { taken += line.count }
        XCTAssertEqual(taken, ResponseReader.headerLimit)
        XCTAssertNil(reader.response)
    }
}
