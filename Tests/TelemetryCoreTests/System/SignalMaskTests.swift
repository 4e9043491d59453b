import CSystem
import XCTest

@testable import TelemetryCore

/// Signals that a send provokes never reach the host.
final class SignalMaskTests: XCTestCase {
    private func mask() -> [Int32] { signals { pthread_sigmask(SIG_SETMASK, nil, &$0) } }
    private func pending() -> [Int32] { signals { sigpending(&$0) } }

    private func signals(_ fill: (inout sigset_t) -> Int32) -> [Int32] {
        var set = sigset_t()
        XCTAssertEqual(fill(&set), 0)
        return (1..<32).filter { sigismember(&set, $0) == 1 }
    }

    private func one(_ signal: Int32) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, signal)
        return set
    }

    /// With the default actions, a signal that got through would end this process.
    private func withDefaultActions(_ body: () -> Void) {
        let before = [SIGPIPE, SIGXFSZ].map { ($0, signal($0, SIG_DFL)) }
        body()
        for (number, handler) in before { _ = signal(number, handler) }
    }

    private func writeToBrokenPipe() -> Int32 {
        var ends: [Int32] = [0, 0]
        XCTAssertEqual(pipe(&ends), 0)
        close(ends[0])
        defer { close(ends[1]) }
        return write(ends[1], "x", 1) < 0 ? csystem_errno() : 0
    }

    func testBrokenPipeIsAnErrorOnly() {
        withDefaultActions {
            let before = mask()
            XCTAssertEqual(SignalMask.withoutWriteSignals { writeToBrokenPipe() }, EPIPE)
            XCTAssertEqual(mask(), before)
            XCTAssertEqual(pending(), [])
        }
    }

    func testFileSizeLimitIsAnErrorOnly() throws {
        let files = TemporaryDirectory()
        let file = try Descriptor.open(files.path + "/a", O_RDWR | O_CREAT)
        defer { file.close() }
        withDefaultActions {
            let before = mask()
            FileSizeLimit.during(0) {
                XCTAssertEqual(
                    SignalMask.withoutWriteSignals { write(file.raw, "x", 1) < 0 ? csystem_errno() : 0 }, EFBIG)
            }
            XCTAssertEqual(mask(), before)
            XCTAssertEqual(pending(), [])
        }
    }

    /// The host's own, blocked and pending before, is still there.
    func testHostsPendingSignalStays() {
        withDefaultActions {
            var pipeOnly = one(SIGPIPE)
            var before = sigset_t()
            pthread_sigmask(SIG_BLOCK, &pipeOnly, &before)
            pthread_kill(pthread_self(), SIGPIPE)
            XCTAssertEqual(pending(), [SIGPIPE])
            XCTAssertEqual(SignalMask.withoutWriteSignals { writeToBrokenPipe() }, EPIPE)
            XCTAssertEqual(pending(), [SIGPIPE])
            XCTAssertTrue(mask().contains(SIGPIPE))
            var atOnce = timespec()
            XCTAssertEqual(sigtimedwait(&pipeOnly, nil, &atOnce), SIGPIPE)
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
    }

    func testAllBlocked() {
        let before = mask()
        let inside = SignalMask.withAllBlocked { mask() }
        for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE, SIGCHLD, SIGALRM, SIGPROF] {
            XCTAssertTrue(inside.contains(number), "\(number)")
        }
        XCTAssertEqual(mask(), before)
        XCTAssertEqual(SignalMask.withAllBlocked { 7 }, 7)
    }
}
