import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// E12: the totals, whenever a process dies.
final class SpoolDirectoryTests: XCTestCase {
    private let scratch = ScratchSpool()
    private var shared: SpoolDirectory!

    override func setUpWithError() throws { shared = try scratch.open() }
    override func tearDown() { shared.close() }

    private func claim(_ id: UInt64) throws -> Segment {
        try XCTUnwrap(Segment.claim(Segment.name(id), in: shared.directory, reading: .everything).segment)
    }

    private func tally(recorded: UInt64 = 0, delivered: UInt64 = 0, _ reason: DropReason? = nil, _ count: UInt64 = 0)
        -> Tally
    {
        var result = Tally(recorded: recorded, delivered: delivered)
        if let reason { result.drop(reason, count) }
        return result
    }

    /// A process delivers everything in the segment, counts it and dies before it removes the file.
    private func dieAfterCounting(_ id: UInt64) throws {
        let dying = try scratch.open()
        let segment = try XCTUnwrap(Segment.claim(Segment.name(id), in: dying.directory, reading: .everything).segment)
        segment.progress.delivered = UInt32(segment.pendingCount)
        segment.saveProgress()
        dying.retire(segment, segment.tally)
        segment.release(removingFrom: nil)
        dying.close()
    }

    func testRetiredOnceHoweverOftenItIsTried() throws {
        let id = try scratch.orphan(["a", "b"])
        for _ in 0..<3 {
            let segment = try claim(id)
            shared.retire(segment, tally(recorded: 2, delivered: 2))
            XCTAssertEqual(shared.isRetired(segment), true)
            segment.release(removingFrom: nil)
            XCTAssertEqual(shared.control.readCounters()?.tally, tally(recorded: 2, delivered: 2))
        }
        XCTAssertEqual(shared.control.readCounters()?.retiredFile, id)
    }

    func testDeathBetweenCountingAndRemoval() throws {
        let first = try scratch.orphan(["a", "b"])
        let second = try scratch.orphan(["c"])
        XCTAssertEqual(shared.totals(), tally(recorded: 3))
        try dieAfterCounting(first)
        let expected = tally(recorded: 3, delivered: 2)
        XCTAssertEqual(shared.totals(), expected, "the file that is left is not counted again")
        let leftover = try claim(first)
        XCTAssertEqual(shared.isRetired(leftover), true)
        leftover.release(removingFrom: nil)

        // The next retirement would make the counters forget the first: the file goes before.
        let next = try claim(second)
        XCTAssertEqual(shared.isRetired(next), false)
        shared.retire(next, next.tally)
        XCTAssertEqual(scratch.segmentNames, [next.name])
        XCTAssertEqual(shared.totals(), expected)
        next.release(removingFrom: shared.directory)
        XCTAssertEqual(shared.totals(), expected)
    }

    /// The file of the last retirement has been begun afresh: its new events are not the old ones.
    func testFileInNewUseIsNotRemoved() throws {
        let first = try scratch.orphan(["a"])
        let second = try scratch.orphan(["b"])
        let other = try scratch.open()
        let segment = try XCTUnwrap(Segment.claim(Segment.name(first), in: other.directory, reading: .mapped).segment)
        other.retire(segment, tally(recorded: 1, delivered: 1))
        segment.reset(epoch: other.control.epoch, context: Sample.context)
        segment.open()
        Sample.record("new", in: segment)
        segment.release(removingFrom: nil)
        other.close()

        let next = try claim(second)
        shared.retire(next, next.tally)
        next.release(removingFrom: shared.directory)
        XCTAssertEqual(scratch.segmentNames, [Segment.name(first)])
        let survivor = try claim(first)
        XCTAssertEqual(Sample.names(survivor), ["new"])
        survivor.release(removingFrom: nil)
        XCTAssertEqual(shared.totals(), tally(recorded: 3, delivered: 1))
    }

    /// A leftover that has been damaged since is left to those who look after damaged files.
    func testDamagedLeftoverLeaksNothing() throws {
        let first = try scratch.orphan(["a"])
        let second = try scratch.orphan(["b"])
        try dieAfterCounting(first)
        XCTAssertEqual(truncate(scratch.files.path + "/" + Segment.name(first), 100), 0)
        let before = openDescriptorCount()
        let next = try claim(second)
        shared.retire(next, next.tally)
        next.release(removingFrom: shared.directory)
        XCTAssertEqual(openDescriptorCount(), before)
    }

    func testTotalsIncludeLivingProcesses() throws {
        let living = try Segment.createFile(
            in: shared.directory, size: 8192, epoch: shared.control.epoch, context: Sample.context, address: nil)
        for name in ["a", "b", "c"] { Sample.record(name, in: living) }
        living.progress.delivered = 1
        living.progress.drop(.expired, 1)
        living.saveProgress()
        XCTAssertTrue(shared.add(tally(recorded: 10, delivered: 10), TakenAhead()))
        let totals = shared.totals()
        XCTAssertEqual(totals, tally(recorded: 13, delivered: 11, .expired, 1))
        XCTAssertEqual(totals.pending, 1)
        living.release(removingFrom: nil)
    }

    /// A18: withdrawn from that moment, though the owner may not have noticed.
    func testEventsOfAnEarlierEpochCountAsWithdrawn() throws {
        try scratch.orphan(["a", "b"])
        shared.control.raiseEpoch()
        try scratch.orphan(["c"])
        XCTAssertEqual(shared.totals(), tally(recorded: 3, .withdrawn, 2))
    }

    func testOtherFilesAreNotTheSpools() throws {
        try scratch.orphan(["a"])
        let names = ["readme", "00000000000000ab.seg.bak", "00000000000000AB.seg", "0.seg"]
        for name in names { scratch.files.write(name, "x") }
        XCTAssertEqual(symlink("readme", scratch.files.path + "/00000000000000ab.seg"), 0)
        XCTAssertEqual(mkdir(scratch.files.path + "/00000000000000ac.seg", 0o700), 0)
        XCTAssertEqual(shared.segmentNames().count, 3)
        let usage = shared.usage()
        XCTAssertEqual(usage.segments, 1)
        XCTAssertEqual(usage.bytes, 8192)
        XCTAssertEqual(shared.totals(), tally(recorded: 1))
    }

    func testLockIsAskedForUntilTheDeadline() throws {
        let other = try scratch.open()
        defer { other.close() }
        var ran = 0
        XCTAssertTrue(
            other.withLock(Deadline(nanoseconds: 0)) { _ in
                XCTAssertFalse(shared.withLock(Deadline(timeoutMilliseconds: 20)) { _ in ran += 1 })
            })
        XCTAssertEqual(ran, 0)
        XCTAssertTrue(shared.withLock(Deadline(nanoseconds: 0)) { _ in ran += 1 })
        XCTAssertTrue(shared.withLock(Deadline(nanoseconds: 0)) { _ in ran += 1 })
        XCTAssertEqual(ran, 2)
    }
}
