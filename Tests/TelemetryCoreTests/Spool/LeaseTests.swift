import CSystem
import XCTest

@testable import TelemetryCore

/// E8: one process delivers at a time, and one that is silent for too long loses its claim.
final class LeaseTests: XCTestCase {
    private let scratch = ScratchSpool()
    private var shared: SpoolDirectory!

    override func setUpWithError() throws { shared = try scratch.open() }

    override func tearDown() { shared.close() }

    private func obtain(milliseconds: UInt32 = 1000, patience: Int64? = nil) throws -> Lease? {
        try Lease.obtain(shared.directory, until: Deadline(timeoutMilliseconds: milliseconds), patience: patience)
    }

    /// What the holder has said last was said long ago.
    private func age() throws {
        let file = try Descriptor.open(at: shared.directory, "deliver.lease", O_RDWR)
        defer { file.close() }
        var beat: Int64 = 0
        XCTAssertEqual(pread(file.raw, &beat, 8, 0), 8)
        beat -= 11_000_000_000
        XCTAssertEqual(pwrite(file.raw, &beat, 8, 0), 8)
    }

    private func makeSegment() throws -> Segment {
        try Segment.createFile(
            in: shared.directory, size: 8192, epoch: shared.control.epoch, context: ContextBlock(), address: nil)
    }

    func testOneAtATime() throws {
        let first = try XCTUnwrap(try obtain())
        XCTAssertNil(try obtain(milliseconds: 200))
        XCTAssertTrue(first.isHeld)
        first.end()
        let second = try XCTUnwrap(try obtain())
        XCTAssertEqual(second.former, 0)
        second.end()
    }

    func testSilentHolderLosesIt() throws {
        let first = try XCTUnwrap(try obtain())
        defer { first.end() }
        try age()
        let second = try XCTUnwrap(try obtain())
        defer { second.end() }
        XCTAssertEqual(second.former, getpid())
        XCTAssertTrue(second.isHeld)
        XCTAssertFalse(first.isHeld)
        Lease.guarded(first) { XCTFail("it goes on") }
        XCTAssertNil(first.writingLogs { 1 })
        XCTAssertEqual(second.writingLogs { 1 }, 1)
    }

    /// Consent for what it sends is gone: ten seconds are not waited for.
    func testPatience() throws {
        let first = try XCTUnwrap(try obtain())
        defer { first.end() }
        let second = try XCTUnwrap(try obtain(patience: 200_000_000))
        second.end()
        XCTAssertFalse(first.isHeld)
    }

    /// What a process that was killed has left says nothing of an older version that holds the lock now.
    func testStampOfTheDead() throws {
        try XCTUnwrap(try obtain()).end()
        try age()
        let lock = try Descriptor.open(at: shared.directory, "deliver.lock", O_RDWR)
        defer { lock.close() }
        XCTAssertTrue(lock.tryLock())
        XCTAssertNil(try obtain(milliseconds: 300))
    }

    func testItsSegmentIsTaken() throws {
        let segment = try makeSegment()
        let first = try XCTUnwrap(try obtain())
        defer { first.end() }
        first.deliver(segment)
        try age()
        try XCTUnwrap(try obtain()).end()
        guard case .taken(let copy) = Segment.claim(segment.name, in: shared.directory, reading: .everything) else {
            return XCTFail("it is still held")
        }
        XCTAssertEqual(copy.description.generation, segment.description.generation)
        copy.release(removingFrom: nil)
        segment.release(removingFrom: nil)
    }

    func testAnotherSegmentIsNot() throws {
        let segment = try makeSegment()
        let first = try XCTUnwrap(try obtain())
        defer { first.end() }
        first.deliver(segment)
        first.deliver(nil)
        try age()
        try XCTUnwrap(try obtain()).end()
        guard case .unavailable = Segment.claim(segment.name, in: shared.directory, reading: .everything) else {
            return XCTFail("it was taken")
        }
        segment.release(removingFrom: nil)
    }
}
