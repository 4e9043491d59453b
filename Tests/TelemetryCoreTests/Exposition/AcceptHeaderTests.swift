import XCTest

@testable import TelemetryCore

final class AcceptHeaderTests: XCTestCase {
    private let text = "text/plain; version=0.0.4; charset=utf-8"
    private let openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    private func answer(_ accept: String) -> String { String(bytes: ExpositionChoice(accept: accept).contentType) }

    func testWhatPrometheusSends() {
        XCTAssertEqual(
            answer(
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"), openMetrics)
        XCTAssertEqual(
            answer(
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                    + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                    + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"), openMetrics + "; escaping=underscores")
        XCTAssertEqual(
            answer("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4"),
            text + "; escaping=underscores")
    }

    func testChoice() {
        let table: [(String, Bool)] = [
            ("", false), ("*/*", false), ("text/*", false), ("text/plain", false), ("application/json", false),
            ("application/openmetrics-text", true), ("application/openmetrics-text;version=0.0.1", false),
            ("application/openmetrics-text;version=2.0.0", false),
            ("APPLICATION/OpenMetrics-Text; Version=\"1.0.0\"", true),
            ("application/openmetrics-text;version=1.0.0;q=0", false), ("application/*", true),
            ("application/openmetrics-text;q=0.5,text/plain", false),
            ("application/openmetrics-text;q=0.5,*/*;q=0.1", true),
            ("application/openmetrics-text;q=0.5,text/plain;q=0.50", true), ("text/plain;q=0,*/*", true),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false),
            ("application/openmetrics-text;q=0.2,*/*;q=0.3", false),
            ("text/*;q=0.1,application/openmetrics-text;q=0.2", true),
            (" , ,\tapplication/openmetrics-text ; version = 1.0.0 ;q = 0.001", true),
            ("application/openmetrics-text;q=abc", true), ("application/openmetrics-text;q=0.", false),
            ("application/openmetrics-text;x=\"a,b;q=0\\\"\",text/plain;q=0.5", true),
            ("application/openmetrics-text;=;;", true),
            ("*/*;q=0.1,text/plain;q=0,application/openmetrics-text;q=0", false),
        ]
        for (accept, isOpenMetrics) in table {
            XCTAssertEqual(answer(accept), isOpenMetrics ? openMetrics : text, accept)
        }
        XCTAssertEqual(ExpositionChoice(accept: nil), .usual)
    }

    func testAnyBytes() {
        let parts = [
            "application/openmetrics-text", ";", ",", "=", "\"", "\\", "q", "0.5", " ", "*/*", "version", "\u{0}", "é",
        ]
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<12) { bytes += Array(parts.randomElement().unsafelyUnwrapped.utf8) }
            if Bool.random() { bytes.append(UInt8.random(in: 0...255)) }
            bytes.withUnsafeBytes { _ = ExpositionChoice(accept: $0) }
        }
    }
}
