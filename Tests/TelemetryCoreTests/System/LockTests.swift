import CSystem
import Dispatch
import Foundation
import XCTest

@testable import TelemetryCore

/// E9: every wait has an end.
final class LockTests: XCTestCase {
    func testMutexExcludes() {
        let mutex = Mutex()
        nonisolated(unsafe) var count = 0
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<5000 { mutex.withLock { count += 1 } }
        }
        XCTAssertEqual(count, 20_000)
        XCTAssertEqual(mutex.withLock { 7 }, 7)
    }

    func testWaitEndsAtTheDeadline() {
        let (mutex, condition) = (Mutex(), Condition())
        mutex.lock()
        defer { mutex.unlock() }
        let before = Clock.monotonic()
        let deadline = Deadline(timeoutMilliseconds: 20)
        // It may wake for no reason.
        while condition.wait(mutex, until: deadline) {}
        XCTAssertGreaterThanOrEqual(Clock.monotonic() - before, 20_000_000)
    }

    func testPastDeadlineDoesNotWait() {
        let (mutex, condition) = (Mutex(), Condition())
        mutex.lock()
        defer { mutex.unlock() }
        for nanoseconds in [Int64.min, -1, 0, Clock.monotonic()] {
            while condition.wait(mutex, until: Deadline(nanoseconds: nanoseconds)) {}
        }
        XCTAssertFalse(condition.wait(mutex, until: Deadline(nanoseconds: 0)))
    }

    func testBroadcastWakesEveryWaiter() {
        for deadline in [Deadline.never, Deadline(timeoutMilliseconds: 60_000), Deadline(nanoseconds: .max - 1)] {
            let (mutex, condition) = (Mutex(), Condition())
            nonisolated(unsafe) var isSet = false
            nonisolated(unsafe) var (waiting, woken) = (0, 0)
            let group = DispatchGroup()
            for _ in 0..<3 {
                group.enter()
                Thread.detachNewThread {
                    mutex.lock()
                    waiting += 1
                    while !isSet && condition.wait(mutex, until: deadline) {}
                    if isSet { woken += 1 }
                    mutex.unlock()
                    group.leave()
                }
            }
            while mutex.withLock({ waiting }) < 3 { usleep(1000) }
            mutex.withLock { isSet = true }
            condition.broadcast()
            XCTAssertEqual(group.wait(timeout: .now() + 30), .success)
            XCTAssertEqual(woken, 3)
        }
    }
}
