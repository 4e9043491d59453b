import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// F (stdout: pretty JSON), E9 (a stopped reader does not hold the host up), and no SIGPIPE ever.
final class StdoutBackendTests: XCTestCase {
    private var reading = Descriptor(raw: -1)
    private var writing = Descriptor(raw: -1)

    override func setUp() {
        var ends: [Int32] = [-1, -1]
        XCTAssertEqual(pipe(&ends), 0)
        (reading, writing) = (Descriptor(raw: ends[0]), Descriptor(raw: ends[1]))
    }

    override func tearDown() {
        reading.close()
        writing.close()
    }

    private func control(_ milliseconds: UInt32) -> SendControl {
        SendControl(deadline: Deadline(timeoutMilliseconds: milliseconds))
    }

    /// Reads until nothing more is there for now.
    private func drain() -> String {
        var bytes: [UInt8] = []
        var entry = pollfd(fd: reading.raw, events: Int16(POLLIN), revents: 0)
        while poll(&entry, 1, 0) == 1, entry.revents & Int16(POLLIN) != 0 {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let got = CSystem.read(reading.raw, &chunk, chunk.count)
            if got <= 0 { break }
            bytes += chunk[..<got]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func testPrettyArrayAndNewline() throws {
        XCTAssertEqual(Batch(count: 2).send(to: StdoutBackend(.descriptor(writing.raw))).verdict, .accepted)
        let text = drain()
        XCTAssertTrue(text.hasPrefix("[\n  {\n    \"schema_version\": 1,\n"), text)
        XCTAssertTrue(text.hasSuffix("\"\n  }\n]\n"), text)
        let array = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [Any]
        XCTAssertEqual(array?.count, 2)
    }

    func testBrokenPipeRaisesNoSignal() {
        reading.close()
        defer { reading = Descriptor(raw: -1) }
        // The default action of SIGPIPE ends the process; the test runner may ignore it, so ask for it.
        let before = signal(SIGPIPE, SIG_DFL)
        let outcome = Batch(count: 1).send(to: StdoutBackend(.descriptor(writing.raw)))
        var pending = sigset_t()
        sigpending(&pending)
        signal(SIGPIPE, before)
        XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
        XCTAssertEqual(outcome.reason, "descriptor \(writing.raw): Broken pipe")
        XCTAssertEqual(sigismember(&pending, SIGPIPE), 0)
    }

    /// One that the host itself had blocked and pending stays the host's.
    func testPendingSignalOfTheHostIsKept() {
        var set = sigset_t()
        var before = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &set, &before)
        pthread_kill(pthread_self(), SIGPIPE)
        reading.close()
        XCTAssertEqual(
            Batch(count: 1).send(to: StdoutBackend(.descriptor(writing.raw))).verdict, .retry(afterSeconds: nil))
        reading = Descriptor(raw: -1)
        var atOnce = timespec()
        XCTAssertEqual(sigtimedwait(&set, nil, &atOnce), SIGPIPE)
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }

    func testStoppedReaderEndsTheSendAtItsDeadline() {
        let backend = StdoutBackend(.descriptor(writing.raw))
        let start = Clock.monotonic()
        let outcome = Batch(count: 500).send(to: backend, control(100))
        XCTAssertLessThan(
            Clock.monotonic() - start, 2_000_000_000, "ended, though nobody reads; the exact bound is Tests/abi's (E9)")
        XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
    }

    /// An interrupted array is completed, not begun again, so that the output stays JSON.
    func testInterruptedBatchIsCompleted() throws {
        let backend = StdoutBackend(.descriptor(writing.raw))
        let batch = Batch(count: 500)
        var text = ""
        var sends = 0
        repeat {
            sends += 1
            let outcome = batch.send(to: backend, control(20))
            text += drain()
            if outcome.verdict == .accepted { break }
        } while sends < 1000
        XCTAssertGreaterThan(sends, 1)
        XCTAssertEqual(Batch(count: 1, from: 900).send(to: backend).verdict, .accepted)
        text += drain()
        let parts = text.components(separatedBy: "\n]\n").dropLast().map { $0 + "\n]\n" }
        XCTAssertEqual(
            try parts.map { (try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [Any])?.count }, [500, 1])
    }

    func testCancelledSendEnds() {
        let control = SendControl(deadline: .never, isCancelled: { true })
        XCTAssertEqual(
            Batch(count: 500).send(to: StdoutBackend(.descriptor(writing.raw)), control).verdict,
            .retry(afterSeconds: nil))
    }
}
