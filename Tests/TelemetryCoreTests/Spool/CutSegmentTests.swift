import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// What others do to the files of a living collector: they cut them short, or remove them.
final class CutSegmentTests: XCTestCase {
    private let scratch = ScratchSpool()
    private var spool: Spool!

    override func setUpWithError() throws { spool = try scratch.spool() }
    override func tearDown() { spool.close() }

    private func recordThree() throws -> Segment {
        for name in ["a", "b", "c"] { XCTAssertTrue(spool.record(name)) }
        return try XCTUnwrap(spool.active)
    }

    private func path(_ segment: Segment) -> String { scratch.files.path + "/" + segment.name }

    /// Whatever is asked of it, what was cut off is not touched: that would be SIGBUS.
    func testCutSegmentIsCounted() throws {
        for (size, isSeen, lost) in [(0, true, 3), (0, false, 0), (4096, false, 3), (100, false, 3)] {
            spool = try scratch.spool()
            let segment = try recordThree()
            if isSeen { XCTAssertTrue(segment.isInPlace) }
            XCTAssertEqual(truncate(path(segment), size), 0)
            XCTAssertFalse(segment.isInPlace)
            XCTAssertFalse(segment.isIntact)
            XCTAssertTrue(segment.state.isSealed)
            let before = spool.totals()
            spool.mendSegments()
            XCTAssertNil(spool.active)
            XCTAssertEqual(scratch.segmentNames, [])
            let after = spool.totals()
            XCTAssertEqual(after.recorded, before.recorded + UInt64(size < 4096 ? lost : 0), "\(size) bytes left")
            XCTAssertEqual(
                after.dropped[DropReason.corrupt.rawValue] - before.dropped[DropReason.corrupt.rawValue], UInt64(lost),
                "\(size)")
            XCTAssertTrue(spool.record("later"))
            spool.discardOwn()
            spool.close()
        }
        spool = try scratch.spool()
    }

    func testRemovedSegmentIsWrittenAnew() throws {
        let segment = try recordThree()
        XCTAssertEqual(unlink(path(segment)), 0)
        XCTAssertFalse(segment.isInPlace)
        XCTAssertTrue(segment.isIntact)
        spool.mendSegments()
        XCTAssertEqual(scratch.segmentNames.count, 1)
        XCTAssertNotEqual(scratch.segmentNames, [segment.name])
        XCTAssertEqual(spool.totals().recorded, 3)
        XCTAssertEqual(spool.totals().pending, 3)
    }

    /// The events keep their order and get the new directory's epoch.
    func testRemovedDirectoryIsBegunAnew() throws {
        _ = try recordThree()
        try FileManager.default.removeItem(atPath: scratch.files.path)
        XCTAssertEqual(spool.shared?.control.isRemoved, true)
        XCTAssertFalse(spool.isInPlace)
        spool.mendSegments()
        XCTAssertTrue(spool.usesHeap, "there is no file to write to yet")
        let old = spool.epoch
        spool.move(to: try scratch.open(), nil, Sample.context)
        XCTAssertNotEqual(spool.epoch, old)
        XCTAssertFalse(spool.usesHeap)
        XCTAssertTrue(spool.record("d"))
        let other = try scratch.open()
        defer { other.close() }
        XCTAssertEqual(other.totals().pending, 4)
        XCTAssertEqual(other.control.epoch, spool.epoch)
    }

    /// Nobody goes on with what has another identifier: only what is used is left of it.
    func testUniqueCollectorLeavesLittle() throws {
        for (isUnique, size) in [(true, 8192), (false, 65536)] {
            var context = Sample.context
            context.isUnique = isUnique
            let own = try scratch.spool(ScratchSpool.options(segmentBytes: 65536), context: context)
            XCTAssertTrue(own.record("a"))
            let name = try XCTUnwrap(own.active?.name)
            own.close()
            XCTAssertEqual(scratch.files.bytes(name)?.count, size)
            let claimed = try XCTUnwrap(
                Segment.claim(name, in: try XCTUnwrap(spool.shared).directory, reading: .everything).segment)
            XCTAssertEqual(Sample.names(claimed), ["a"])
            claimed.release(removingFrom: spool.shared?.directory)
        }
    }

    func testShortFilesCountAsTheirShare() throws {
        let shared = try XCTUnwrap(spool.shared)
        for index in 0..<9 { scratch.files.write(Segment.name(UInt64(index)), String(repeating: "x", count: 8192)) }
        XCTAssertEqual(shared.usage(segmentBytes: 8192).segments, 9)
        XCTAssertEqual(shared.usage(segmentBytes: 65536).segments, 2)
        XCTAssertEqual(shared.usage(segmentBytes: 65536).bytes, 9 * 8192)
    }

    /// Another process holds the control file's lock for good: a new segment is made all the same, counts are
    /// left for the next.
    func testNobodyWaitsForTheLock() throws {
        let holder = try scratch.open()
        XCTAssertTrue(holder.control.file.tryLock())
        let start = Clock.monotonic()
        _ = try recordThree()
        spool.countDropped(.noSpace)
        spool.close()
        XCTAssertLessThan(Clock.monotonic() - start, 500_000_000)
        holder.control.file.unlock()
        XCTAssertEqual(holder.totals().recorded, 4)
        XCTAssertEqual(holder.totals().dropped[DropReason.noSpace.rawValue], 1)
        holder.close()
        spool = try scratch.spool()
    }

    func testMissingLocks() throws {
        let file = Descriptor(raw: -1)
        XCTAssertEqual(file.lockError(), EBADF)
        let start = Clock.monotonic()
        XCTAssertFalse(file.lock(until: Deadline(timeoutMilliseconds: 10_000)), "no lock will ever be had")
        XCTAssertLessThan(Clock.monotonic() - start, 5_000_000_000)
    }
}
