import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// F: a custom backend given as C callbacks.
final class CustomBackendTests: XCTestCase {
    private final class Receiver {
        var answer = TELEMETRY_ACCEPTED
        var batches: [(json: Data, count: Int, timeout: UInt32)] = []
        var closed = 0
    }

    private let receiver = Receiver()

    private func callbacks(size: Int = MemoryLayout<telemetry_backend>.size) -> telemetry_backend {
        var callbacks = telemetry_backend()
        callbacks.size = size
        callbacks.context = Unmanaged.passUnretained(receiver).toOpaque()
        callbacks.send = { context, json, length, count, timeout in
            let receiver = Unmanaged<Receiver>.fromOpaque(context!).takeUnretainedValue()
            receiver.batches.append((Data(bytes: json!, count: length), count, timeout))
            return receiver.answer
        }
        callbacks.close = { Unmanaged<Receiver>.fromOpaque($0!).takeUnretainedValue().closed += 1 }
        return callbacks
    }

    func testReceivesACompactArray() throws {
        let backend = CustomBackend(callbacks())
        XCTAssertEqual(
            Batch(count: 3).send(to: backend, SendControl(deadline: Deadline(timeoutMilliseconds: 5000))).verdict,
            .accepted)
        let batch = try XCTUnwrap(receiver.batches.first)
        XCTAssertEqual(batch.count, 3)
        XCTAssertEqual((try JSONSerialization.jsonObject(with: batch.json) as? [Any])?.count, 3)
        XCTAssertFalse(batch.json.contains(UInt8(ascii: "\n")))
        XCTAssertTrue((1...5000).contains(batch.timeout))
        backend.close()
        XCTAssertEqual(receiver.closed, 1)
    }

    func testVerdicts() {
        let cases: [(telemetry_verdict, Verdict)] = [
            (TELEMETRY_ACCEPTED, .accepted), (TELEMETRY_RETRY, .retry(afterSeconds: nil)),
            (TELEMETRY_REJECTED, .rejected),
            (telemetry_verdict(rawValue: 77), .retry(afterSeconds: nil)),
        ]
        for (answer, verdict) in cases {
            receiver.answer = answer
            XCTAssertEqual(Batch(count: 1).send(to: CustomBackend(callbacks())).verdict, verdict)
        }
    }

    func testMembersBeyondTheSizeAreAbsent() {
        let pointer = MemoryLayout<UnsafeRawPointer>.size
        let withoutClose = CustomBackend(callbacks(size: 4 * pointer))
        XCTAssertEqual(Batch(count: 1).send(to: withoutClose).verdict, .accepted)
        withoutClose.close()
        XCTAssertEqual(receiver.closed, 0)
        for size in [0, 1, 3 * pointer, 4 * pointer - 1] {
            XCTAssertEqual(
                Batch(count: 1).send(to: CustomBackend(callbacks(size: size))).verdict, .retry(afterSeconds: nil))
        }
        XCTAssertEqual(receiver.batches.count, 1)
    }

    func testName() {
        XCTAssertEqual(CustomBackend(callbacks()).info, "custom: custom")
        "mine".withCString { name in
            var named = callbacks()
            named.name = name
            XCTAssertEqual(CustomBackend(named).info, "custom: mine")
        }
    }
}
