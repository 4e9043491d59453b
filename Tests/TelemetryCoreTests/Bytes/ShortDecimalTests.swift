import XCTest

@testable import TelemetryCore

/// C3: numbers as the standard library writes them, whichever way they take.
final class ShortDecimalTests: XCTestCase {
    private func text(_ value: Double) -> String? {
        var bytes = [UInt8](repeating: 0, count: ShortDecimal.maxLength)
        let count = bytes.withUnsafeMutableBufferPointer { area in
            ShortDecimal.write(value, to: area.baseAddress!).map { $0 - area.baseAddress! }
        }
        return count.map { String(decoding: bytes[..<$0], as: UTF8.self) }
    }

    func testTable() {
        let cases: [(Double, String?)] = [
            (0.25, "0.25"), (-0.25, "-0.25"), (14686.75, "14686.75"), (0.1, "0.1"), (0.29, "0.29"), (1.005, "1.005"),
            (0.0015, "0.0015"),
            (999_999_999.9999, "999999999.9999"), (0.001, "0.001"), (0.0009, nil), (1e9 + 0.5, nil), (0.1 + 0.2, nil),
            (1.0 / 3, nil),
            (0, nil), (.nan, nil), (.infinity, nil), (-.infinity, nil), (.leastNonzeroMagnitude, nil),
            (.greatestFiniteMagnitude, nil),
        ]
        for (value, expected) in cases { XCTAssertEqual(text(value), expected, "\(value)") }
    }

    func testLikeDescription() {
        var written = 0
        for _ in 0..<200_000 {
            let places = Double([10, 100, 1000, 10_000, 100_000].randomElement()!)
            let value = Double(Int64.random(in: -20_000_000...20_000_000)) / places
            let candidates = [value, value.nextUp, value.nextDown]
            for candidate in candidates where candidate != candidate.rounded() {
                guard let text = text(candidate) else { continue }
                XCTAssertEqual(text, candidate.description)
                written += 1
            }
        }
        XCTAssertGreaterThan(written, 100_000)
    }
}
