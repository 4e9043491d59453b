import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// E1, E2, E12: the segments of one process and the bounds of the spool.
final class SpoolTests: XCTestCase {
    private let scratch = ScratchSpool()

    private func assertBalance(_ spool: Spool, recorded: UInt64, _ line: UInt = #line) {
        let totals = spool.totals()
        XCTAssertEqual(totals.recorded, recorded, line: line)
        XCTAssertEqual(totals.recorded, totals.delivered + totals.pending + totals.droppedTotal, line: line)
    }

    private func deliverAll(_ spool: Spool) {
        while let segment = spool.takeForDelivery(1) {
            segment.progress.delivered &+= UInt32(segment.pendingCount)
            segment.progress.offset = segment.state.tail
            segment.saveProgress()
            spool.finish(segment)
        }
    }

    func testAdvanceSealsAndKeepsTheOrder() throws {
        let spool = try scratch.spool()
        defer { spool.close() }
        XCTAssertNil(spool.active)
        let segments = try (0..<3).map { _ in try XCTUnwrap(spool.advance(size: 100)) }
        XCTAssertTrue(spool.active === segments[2])
        XCTAssertEqual(spool.sealed.map(\.fileID), segments[0..<2].map(\.fileID))
        XCTAssertEqual(segments.map(\.state.isSealed), [true, true, false])
        XCTAssertEqual(scratch.segmentNames.count, 3)
    }

    func testRecordThatFitsNowhere() throws {
        let spool = try scratch.spool()
        defer { spool.close() }
        XCTAssertNotNil(spool.advance(size: 4096))
        XCTAssertNil(spool.advance(size: 4104))
    }

    func testOnlySomethingToDeliverIsSealed() throws {
        let spool = try scratch.spool()
        defer { spool.close() }
        spool.sealActive()
        _ = spool.advance(size: 100)
        spool.sealActive()
        XCTAssertNotNil(spool.active, "there is nothing in it")
        XCTAssertTrue(spool.record("a"))
        spool.sealActive()
        XCTAssertNil(spool.active)
        XCTAssertEqual(spool.pendingOwn, 1)
    }

    // MARK: limits, E2

    func testLimitsAreNeverExceededAndTheOldestGoFirst() throws {
        let table: [(what: String, options: Options, segments: Int)] = [
            ("segments", ScratchSpool.options(segments: 3), 3),
            ("bytes", ScratchSpool.options(bytes: 5 * 8192 + 8191), 5),
            ("one", ScratchSpool.options(segments: 1), 1),
        ]
        for row in table {
            let scratch = ScratchSpool()
            let spool = try scratch.spool(row.options)
            for index in 0..<200 {
                XCTAssertTrue(spool.record("event-\(index)", padding: 800))
                let usage = try XCTUnwrap(spool.shared).usage()
                XCTAssertLessThanOrEqual(usage.segments, row.segments, row.what)
                XCTAssertLessThanOrEqual(usage.bytes, row.options.spoolLimitBytes, row.what)
            }
            let kept = spool.sealed.flatMap(Sample.names) + (spool.active.map(Sample.names) ?? [])
            XCTAssertEqual(kept, (200 - kept.count..<200).map { "event-\($0)" }, row.what)
            assertBalance(spool, recorded: 200)
            XCTAssertEqual(spool.totals().dropped[DropReason.spoolFull.rawValue], UInt64(200 - kept.count))
            XCTAssertEqual(spool.totals().pending, UInt64(kept.count))
            spool.close()
        }
    }

    func testOldestOfProcessesThatAreGoneMakesRoom() throws {
        let ids = try ["a", "b", "c"].map { try scratch.orphan([$0]) }
        let spool = try scratch.spool(ScratchSpool.options(segments: 3))
        defer { spool.close() }
        XCTAssertTrue(spool.record("new"))
        XCTAssertEqual(scratch.segmentNames.count, 3)
        XCTAssertFalse(scratch.segmentNames.contains(Segment.name(ids[0])))
        assertBalance(spool, recorded: 4)
        XCTAssertEqual(spool.totals().dropped[DropReason.spoolFull.rawValue], 1)
    }

    /// What living processes hold is not taken from them.
    func testLivingProcessesKeepTheirs() throws {
        let options = ScratchSpool.options(segments: 2)
        let other = try scratch.spool(options, context: Sample.otherContext)
        XCTAssertTrue(other.record("a"))
        XCTAssertNotNil(other.advance(size: 100))
        let spool = try scratch.spool(options)
        XCTAssertFalse(spool.record("b"))
        XCTAssertEqual(scratch.segmentNames.count, 2)
        XCTAssertEqual(other.sealed.flatMap(Sample.names), ["a"])
        XCTAssertEqual(spool.unmerged.dropped[DropReason.noSpace.rawValue], 1)
        other.close()
        spool.close()
    }

    func testSegmentInDeliveryIsNotRecycled() throws {
        let spool = try scratch.spool(ScratchSpool.options(segments: 2))
        defer { spool.close() }
        XCTAssertTrue(spool.record("a"))
        _ = spool.advance(size: 100)
        let taken = try XCTUnwrap(spool.takeForDelivery(1))
        XCTAssertNil(spool.takeForDelivery(1))
        let next = try XCTUnwrap(spool.advance(size: 100))
        XCTAssertFalse(next === taken)
        XCTAssertEqual(Sample.names(taken), ["a"])
        spool.putBack(taken)
        XCTAssertTrue(spool.takeForDelivery(2) === taken)
        spool.putBack(taken)
    }

    func testSegmentBeingWrittenToIsNotRecycled() throws {
        let spool = try scratch.spool(ScratchSpool.options(segments: 1))
        let writing = try XCTUnwrap(spool.advance(size: 100))
        Sample.tear(writing, committed: false)
        XCTAssertNil(spool.advance(size: 100))
        StateWord.commit(writing.base)
        XCTAssertTrue(spool.advance(size: 100) === writing)
        assertBalance(spool, recorded: 1)
        spool.close()
    }

    // MARK: adoption

    func testNextProcessGoesOnWithTheSameFile() throws {
        for index in 0..<10 {
            let spool = try scratch.spool()
            XCTAssertTrue(spool.record("event-\(index)"))
            spool.close()
            XCTAssertEqual(scratch.segmentNames.count, 1)
        }
        let spool = try scratch.spool()
        let segment = try XCTUnwrap(spool.advance(size: 100))
        XCTAssertEqual(Sample.names(segment), (0..<10).map { "event-\($0)" })
        assertBalance(spool, recorded: 10)
        spool.close()
    }

    func testSegmentsThatAreNotAdopted() throws {
        typealias Change = (Segment, SpoolDirectory) throws -> Void
        let table: [(what: String, isAdopted: Bool, change: Change)] = [
            ("as it was left", true, { _, _ in }),
            ("sealed", false, { segment, _ in StateWord.seal(segment.base) }),
            ("a writer died in it", false, { segment, _ in Sample.tear(segment, committed: false) }),
            ("nearly full", false, { segment, _ in while Sample.record("x", in: segment) {} }),
            ("withdrawn", false, { _, shared in shared.control.raiseEpoch() }),
            ("first description damaged", false, { segment, _ in memset(segment.base + 1024, 0, 8) }),
            ("counted already", false, { segment, shared in shared.retire(segment, segment.tally) }),
            (
                "its append is unfinished", false,
                { segment, shared in
                    let journal = ControlJournal(shared, segments: [])
                    journal.prepare(segment)
                    journal.begin(inode: 1, length: 2)
                }
            ),
        ]
        for row in table {
            let scratch = ScratchSpool()
            let id = try scratch.orphan(["a"], context: Sample.context)
            let shared = try scratch.open()
            let left = try XCTUnwrap(Segment.claim(Segment.name(id), in: shared.directory, reading: .mapped).segment)
            try row.change(left, shared)
            left.release(removingFrom: nil)
            let spool = try scratch.spool()
            XCTAssertEqual(spool.advance(size: 100)?.fileID == id, row.isAdopted, row.what)
            spool.close()
            shared.close()
        }
    }

    /// E2: a program that just ended has left a whole segment for its few events.
    func testRoomOfAProgramThatJustEnded() throws {
        let options = ScratchSpool.options(segments: 64, segmentBytes: 65_536, bytes: 1 << 22)
        let id = try scratch.orphan(["a"], size: 65_536)
        let spool = try scratch.spool(options)
        XCTAssertTrue(spool.record("b"))
        let sizes = try scratch.segmentNames.map { name in
            try XCTUnwrap(FileManager.default.attributesOfItem(atPath: scratch.files.path + "/" + name)[.size] as? Int)
        }
        XCTAssertEqual(sizes.sorted(), [SegmentLayout.minimumSize, 65_536])
        let shared = try scratch.open()
        let left = try XCTUnwrap(Segment.claim(Segment.name(id), in: shared.directory, reading: .mapped).segment)
        XCTAssertEqual(Sample.names(left), ["a"])
        left.release(removingFrom: nil)
        shared.close()
        assertBalance(spool, recorded: 2)
        spool.close()
    }

    func testSegmentsOfAnotherKindAreNotAdopted() throws {
        let other = try scratch.orphan(["a"], context: Sample.otherContext)
        let larger = try scratch.orphan(["b"], context: Sample.context, size: 16384)
        let spool = try scratch.spool()
        let segment = try XCTUnwrap(spool.advance(size: 100))
        XCTAssertFalse([other, larger].contains(segment.fileID))
        spool.close()
    }

    /// An id that is new in each run, or a new version, must not leave a file for every run.
    func testEmptySegmentOfAnotherKindIsDescribedAnew() throws {
        let other = try scratch.orphan([], context: Sample.otherContext)
        let spool = try scratch.spool()
        XCTAssertEqual(spool.advance(size: 100)?.fileID, other)
        XCTAssertTrue(spool.record("a"))
        spool.close()
        let next = try scratch.spool()
        let claimed = next.claimAll(try XCTUnwrap(next.shared))
        XCTAssertEqual(claimed.flatMap { Sample.names($0) }, ["a"])
        XCTAssertTrue(claimed.allSatisfy { $0.description.matches($0.base, Sample.context) })
        for segment in claimed { segment.release(removingFrom: nil) }
        next.close()
    }

    /// A file too short to be a segment, seen while looking for one to adopt, can still be cleaned up.
    func testShortFileIsNotHeld() throws {
        scratch.files.write("00000000000000aa.seg", "short")
        let spool = try scratch.spool()
        XCTAssertTrue(spool.record("a"))
        let shared = try XCTUnwrap(spool.shared)
        for orphan in spool.claimAll(shared) { orphan.release(removingFrom: nil) }
        XCTAssertFalse(scratch.segmentNames.contains("00000000000000aa.seg"))
        spool.close()
    }

    // MARK: orphans

    /// E5.
    func testOrphansAreClaimedOldestFirst() throws {
        let ids = try (0..<5).map { try scratch.orphan(["event-\($0)"]) }
        let spool = try scratch.spool()
        let shared = try XCTUnwrap(spool.shared)
        let orphans = spool.claimAll(shared)
        XCTAssertEqual(orphans.map(\.fileID), ids)
        XCTAssertTrue(try scratch.spool().claimAll(shared).isEmpty, "claimed once")
        for orphan in orphans { orphan.release(removingFrom: nil) }
        spool.close()
    }

    func testDamagedFileIsCountedAndRemoved() throws {
        let id = try scratch.orphan(["a", "b"])
        let path = scratch.files.path + "/" + Segment.name(id)
        let file = try Descriptor.open(path, O_RDWR)
        for offset in [1024, 2560] { XCTAssertEqual(pwrite(file.raw, "X", 1, offset), 1) }
        file.close()
        let spool = try scratch.spool()
        XCTAssertTrue(spool.claimAll(try XCTUnwrap(spool.shared)).isEmpty)
        XCTAssertEqual(scratch.segmentNames, [])
        XCTAssertEqual(spool.totals().dropped[DropReason.corrupt.rawValue], 2)
        assertBalance(spool, recorded: 2)
        spool.mergeCounts(.never)
        XCTAssertTrue(spool.unmerged.isZero)
        assertBalance(spool, recorded: 2)
        spool.close()
    }

    func testDiscardedOrphan() throws {
        try scratch.orphan(["a", "b", "c"])
        let spool = try scratch.spool()
        XCTAssertEqual(spool.shared?.withLock(Deadline(nanoseconds: 0)) { spool.discardOrphans($0) }, true)
        XCTAssertEqual(scratch.segmentNames, [])
        XCTAssertEqual(spool.totals().dropped[DropReason.withdrawn.rawValue], 3)
        spool.close()
    }

    // MARK: end

    func testFinishedSegmentIsUsedAgain() throws {
        let spool = try scratch.spool()
        XCTAssertTrue(spool.record("a"))
        let first = try XCTUnwrap(spool.active)
        let generation = first.description.generation
        spool.sealActive()
        deliverAll(spool)
        XCTAssertFalse(Sample.record("late", in: first), "a spare segment admits nothing")
        XCTAssertTrue(spool.record("b"))
        XCTAssertTrue(spool.active === first)
        XCTAssertNotEqual(first.description.generation, generation)
        XCTAssertEqual(Sample.names(first), ["b"])
        XCTAssertEqual(scratch.segmentNames.count, 1)
        assertBalance(spool, recorded: 2)
        XCTAssertEqual(spool.totals().delivered, 1)
        spool.close()
    }

    func testFinishedOrphanIsRemoved() throws {
        try scratch.orphan(["a"])
        let spool = try scratch.spool()
        let orphan = try XCTUnwrap(spool.claimAll(try XCTUnwrap(spool.shared)).first)
        orphan.progress.delivered = 1
        spool.finish(orphan)
        XCTAssertEqual(scratch.segmentNames, [])
        XCTAssertEqual(spool.totals().delivered, 1)
        assertBalance(spool, recorded: 1)
        spool.close()
    }

    func testCloseParksOneEmptySegment() throws {
        let spool = try scratch.spool()
        for index in 0..<5 {
            XCTAssertTrue(spool.record("event-\(index)"))
            _ = spool.advance(size: 100)
        }
        spool.sealActive()
        deliverAll(spool)
        spool.close()
        XCTAssertEqual(scratch.segmentNames.count, 1)
        let next = try scratch.spool()
        XCTAssertTrue(next.record("x"))
        XCTAssertEqual(next.active.map { [$0.name] }, scratch.segmentNames)
        XCTAssertEqual(next.totals().delivered, 5)
        assertBalance(next, recorded: 6)
        next.close()
    }

    func testCloseKeepsWhatWaits() throws {
        let spool = try scratch.spool()
        for name in ["a", "b", "c"] {
            XCTAssertTrue(spool.record(name))
            _ = spool.advance(size: 100)
        }
        spool.close()
        let next = try scratch.spool()
        let orphans = next.claimAll(try XCTUnwrap(next.shared))
        XCTAssertEqual(orphans.flatMap(Sample.names), ["a", "b", "c"])
        for orphan in orphans { orphan.release(removingFrom: nil) }
        assertBalance(next, recorded: 3)
        next.close()
    }

    func testReleasedSegmentsAreAnyones() throws {
        let spool = try scratch.spool()
        XCTAssertTrue(spool.record("a"))
        let writing = try XCTUnwrap(spool.active)
        Sample.tear(writing, committed: false)
        _ = spool.advance(size: 100)
        spool.releaseSealed()
        XCTAssertEqual(spool.sealed.count, 1, "a thread writes to it")
        StateWord.commit(writing.base)
        spool.releaseSealed()
        XCTAssertEqual(spool.sealed.count, 0)
        XCTAssertFalse(Sample.record("late", in: writing))
        let other = try scratch.spool()
        let orphan = try XCTUnwrap(other.claimAll(try XCTUnwrap(other.shared)).first)
        XCTAssertEqual(Sample.names(orphan), ["a"])
        orphan.release(removingFrom: nil)
        other.close()
        spool.close()
    }

    func testGoesOnWithTheLastSegmentAfterAFailure() throws {
        let spool = try scratch.spool()
        XCTAssertTrue(spool.record("a"))
        let first = spool.active
        spool.sealActive()
        spool.reopenLast()
        XCTAssertTrue(spool.active === first)
        XCTAssertTrue(spool.record("b"))
        XCTAssertTrue(spool.active === first)
        spool.reopenLast()
        XCTAssertTrue(spool.active === first)
        spool.close()
    }

    /// A18, E10.
    func testDiscardOwn() throws {
        let spool = try scratch.spool()
        for name in ["a", "b"] {
            XCTAssertTrue(spool.record(name))
            _ = spool.advance(size: 100)
        }
        XCTAssertTrue(spool.record("c"))
        let shared = try XCTUnwrap(spool.shared)
        shared.control.raiseEpoch()
        spool.discardOwn()
        XCTAssertEqual(scratch.segmentNames, [])
        XCTAssertEqual(spool.epoch, shared.control.epoch)
        XCTAssertEqual(spool.totals().dropped[DropReason.withdrawn.rawValue], 3)
        assertBalance(spool, recorded: 3)
        spool.discardOwn()
        assertBalance(spool, recorded: 3)
        XCTAssertTrue(spool.record("d"))
        XCTAssertEqual(spool.active?.description.epoch, shared.control.epoch)
        spool.close()
    }
}
