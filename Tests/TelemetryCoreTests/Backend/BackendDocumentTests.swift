import CSystem
import XCTest

@testable import TelemetryCore

/// F: docs/backends.md says how much goes into one request.
final class BackendDocumentTests: XCTestCase {
    private func rows() throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
        let text = try String(contentsOfFile: root + "/docs/backends.md", encoding: .utf8)
        return text.components(separatedBy: "\n## ")[0].split(separator: "\n").map(String.init).filter {
            $0.hasPrefix("| ")
        }
    }

    func testLimits() throws {
        let limits: [(String, (events: Int, bytes: Int))] = [
            ("stdout", StdoutBackend().batchLimit),
            ("http", HTTPJSONFormat().batchLimit),
            ("otlp", OTLPFormat(isJSON: false).batchLimit),
            ("datadog", DatadogFormat(NetworkChoice(.datadog)).batchLimit),
            ("posthog", PostHogFormat().batchLimit),
            ("segment", SegmentIOFormat().batchLimit),
            ("splunk_hec", SplunkHECFormat(NetworkChoice(.splunkHEC)).batchLimit),
            ("clickhouse", ClickHouseFormat(NetworkChoice(.clickHouse)).batchLimit),
            ("zipkin", ZipkinFormat().batchLimit),
            ("custom", CustomBackend(telemetry_backend()).batchLimit),
        ]
        for (kind, limit) in limits {
            let row = try XCTUnwrap(try rows().first { $0.prefix(16).contains(kind) }, kind)
            let events =
                limit.events < 1000
                ? "\(limit.events)" : "\(limit.events / 1000),\(String(format: "%03d", limit.events % 1000))"
            let bytes = limit.bytes < 1 << 20 ? "\(limit.bytes >> 10) KiB" : "\(limit.bytes >> 20) MiB"
            let unit = kind == "zipkin" ? "spans" : "events"
            XCTAssertTrue(row.contains("| \(events) \(unit), \(bytes) of records"), "\(events), \(bytes): \(row)")
        }
    }

    func testFile() throws {
        let file = FileBackend(path: "/x/y", maxBytes: 10 << 20, maxFiles: 3).batchLimit
        XCTAssertEqual(file.bytes, (10 << 20) / 16)
        let largest = FileBackend(path: "/x/y", maxBytes: 1 << 40, maxFiles: 3).batchLimit
        XCTAssertEqual([largest.events, largest.bytes], [4096, 1 << 20])
    }
}
