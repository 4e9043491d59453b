import Foundation
import TelemetryCore
import XCTest

@testable import TelemetryAgent

final class AnswerTests: XCTestCase {
    private let receiver = OTLPReceiver(ToolCollectors())

    private func status(_ type: String, _ encoding: String, _ body: [UInt8] = []) -> Int {
        body.withUnsafeBytes {
            receiver.receive(.logs, contentType: type, contentEncoding: encoding, body: $0).status
        }
    }

    func testHeaderFields() {
        for (type, expected) in [
            ("application/x-protobuf", 200), (" Application/X-Protobuf ;q=1", 200), ("application/json", 400),
            ("", 415),
            ("application/protobuf", 415), ("text/plain", 415), ("application/x-protobuf, application/json", 415),
        ] { XCTAssertEqual(status(type, ""), expected, type) }
        for (encoding, expected) in [
            ("identity", 200), ("GZIP", 400), ("deflate", 415), ("gzip,gzip", 415), ("zstd", 415),
        ] { XCTAssertEqual(status("application/x-protobuf", encoding), expected, encoding) }
        XCTAssertEqual(receiver.counts.answers.map { $0.count }.reduce(0, +), 12)
    }

    /// opentelemetry-proto's own bytes.
    func testPartialSuccess() {
        let answer = OTLPAnswer(isJSON: false, .traces, rejected: 300, message: "why")
        XCTAssertEqual(answer.bytes, [0x0A, 0x08, 0x08, 0xAC, 0x02, 0x12, 0x03, 0x77, 0x68, 0x79])
        XCTAssertEqual(OTLPAnswer(isJSON: false, .logs, rejected: 0, message: "").bytes, [])
        XCTAssertEqual(
            String(decoding: OTLPAnswer(isJSON: true, .metrics, rejected: 2, message: "a \"b\"").bytes, as: UTF8.self),
            #"{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"a \"b\""}}"#)
    }

    func testLater() {
        let answer = OTLPAnswer.later(isJSON: true)
        XCTAssertEqual(answer.status, 503)
        XCTAssertTrue((1...5).contains(answer.retryAfter ?? 0))
        XCTAssertEqual(String(decoding: answer.bytes, as: UTF8.self), #"{"code":14,"message":"the agent is busy"}"#)
    }

    func testPaths() {
        XCTAssertEqual(OTLPSignal(path: "/v1/logs"), .logs)
        XCTAssertEqual(OTLPSignal(path: "/v1/traces"), .traces)
        XCTAssertEqual(OTLPSignal(path: "/v1/metrics"), .metrics)
        for path in ["/", "/v1/logs/", "/V1/logs", "/v1/profiles"] { XCTAssertNil(OTLPSignal(path: path)) }
    }

    /// Every reason has a text and a name that no other has, and is in a document.
    func testRefusals() throws {
        let texts = IntakeRefusal.allCases.map { $0.text.text }
        let names = IntakeRefusal.allCases.map { $0.name.text }
        XCTAssertEqual(Set(texts).count, texts.count)
        XCTAssertEqual(Set(names).count, names.count)
        let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../..").standardized
        // Those of lines and of StatsD are in the second one.
        let page = try ["docs/otlp-receiver.md", "docs/agent.md"].map {
            try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8)
        }.joined()
        for name in names { XCTAssertTrue(page.contains("`\(name)`"), name) }
        for index in IntakeRefusal.allCases.indices { XCTAssertEqual(IntakeRefusal.allCases[index].rawValue, index) }
    }
}
