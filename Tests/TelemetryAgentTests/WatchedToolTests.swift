import XCTest

@testable import TelemetryAgent

/// J2: when a tool is next.
final class WatchedToolTests: XCTestCase {
    private let second: Int64 = 1_000_000_000

    func testIdleUntilSomethingChanges() {
        let tool = WatchedTool(name: "tool", due: 5)
        tool.begin()
        XCTAssertEqual(tool.state, .delivering)
        tool.passed(.done, took: 1)
        tool.looked(mark: 0, next: .max, now: 10)
        XCTAssertEqual(tool.state, .idle)
        XCTAssertEqual(tool.due, .max)
        tool.change(now: 20)
        XCTAssertEqual(tool.due, 20)
    }

    /// What a pass itself has told is no reason for another; what comes while the worker looks is.
    func testChangesMeanwhile() {
        let tool = WatchedTool(name: "tool", due: 0)
        tool.begin()
        tool.change(now: 1)
        tool.passed(.done, took: 1)
        tool.looked(mark: 0, next: .max, now: 2)
        XCTAssertEqual(tool.due, .max)
        tool.change(now: 3)
        tool.begin()
        tool.passed(.done, took: 1)
        tool.change(now: 4)
        tool.looked(mark: 0, next: .max, now: 5)
        XCTAssertEqual(tool.due, 5)
        // A program that asks, perhaps with another manifest, is never forgotten.
        tool.begin()
        tool.ask(now: 6)
        tool.passed(.done, took: 1)
        tool.looked(mark: 0, next: .max, now: 7)
        XCTAssertEqual(tool.due, 7)
    }

    /// What stays the same after a pass has a growing pause; a failure has that of its receiver.
    func testPauses() {
        let tool = WatchedTool(name: "tool", due: 0)
        var pauses: [Int64] = []
        for _ in 0..<14 {
            tool.begin()
            tool.passed(.done, took: 1)
            tool.looked(mark: 7, next: 0, now: 100)
            pauses.append((tool.due - 100) / second)
        }
        XCTAssertEqual(pauses, [0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024, 1024])
        XCTAssertTrue(tool.isOwed)
        tool.begin()
        tool.passed(.failed, took: 1)
        tool.looked(mark: 7, next: 100 + 30 * second, now: 100)
        XCTAssertEqual(tool.due, 100 + 30 * second)
        XCTAssertTrue(tool.isDoubtful)
        XCTAssertFalse(tool.isOwed)
        XCTAssertEqual(tool.failures, 1)
    }

    func testDoubt() {
        let tool = WatchedTool(name: "tool", due: 0)
        tool.begin()
        tool.passed(.done, took: 10 * second)
        XCTAssertTrue(tool.isDoubtful)
        tool.looked(mark: 0, next: .max, now: 0)
        tool.begin()
        tool.lost(now: 100)
        XCTAssertEqual(tool.due, 100 + 2 * second)
        XCTAssertTrue(tool.isDoubtful)
        tool.begin()
        tool.passed(.done, took: 1)
        XCTAssertFalse(tool.isDoubtful)
        tool.looked(mark: 0, next: .max, now: 0)
        for outcome in [WorkerReport.Outcome.disabled, .options] {
            tool.begin()
            tool.passed(outcome, took: 1)
            tool.looked(mark: 9, next: 0, now: 0)
            XCTAssertEqual(tool.due, .max)
        }
    }

    func testMessages() {
        for manifest in [nil, "/some where/\u{10FE80}.yaml"] {
            let task = WorkerTask(.look, tool: "tool", manifest: manifest)
            let read = WorkerTask(task.bytes[...])
            XCTAssertEqual(read?.tool, "tool")
            XCTAssertEqual(read?.manifest, manifest)
            XCTAssertEqual(read?.kind, .look)
        }
        for bytes: [UInt8] in [[], [1], [1, 4], [9, 1, 65], [1, 200, 65]] { XCTAssertNil(WorkerTask(bytes[...])) }
    }
}
