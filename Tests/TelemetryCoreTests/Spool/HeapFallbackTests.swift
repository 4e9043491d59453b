import CSystem
import XCTest

@testable import TelemetryCore

/// E1, E12: no usable spool, or no room on the disk.
final class HeapFallbackTests: XCTestCase {
    private func heapSpool(_ options: Options = ScratchSpool.options()) -> Spool {
        Spool(shared: nil, failure: SystemError(code: EROFS), limits: SpoolLimits(options), context: Sample.context)
    }

    func testWithoutASpoolMemoryIsBounded() {
        for (segments, expected) in [(8, 4), (2, 2)] {
            let spool = heapSpool(ScratchSpool.options(segments: segments))
            XCTAssertTrue(spool.usesHeap)
            var addresses = Set<UnsafeMutableRawPointer>()
            for index in 0..<200 {
                XCTAssertTrue(spool.record("event-\(index)", padding: 800))
                if let active = spool.active { addresses.insert(active.base) }
            }
            XCTAssertEqual(addresses.count, expected)
            let kept = spool.sealed.flatMap(Sample.names) + (spool.active.map(Sample.names) ?? [])
            XCTAssertEqual(kept, (200 - kept.count..<200).map { "event-\($0)" })
            let totals = spool.ownTally()
            XCTAssertEqual(totals.recorded, 200)
            XCTAssertEqual(totals.dropped[DropReason.spoolFull.rawValue], UInt64(200 - kept.count))
            XCTAssertEqual(totals.pending, UInt64(kept.count))
            spool.close()
            XCTAssertEqual(
                spool.unmerged.dropped[DropReason.noSpace.rawValue], UInt64(kept.count), "lost at the end, and counted")
        }
    }

    func testFullDisk() throws {
        let scratch = ScratchSpool()
        let spool = try scratch.spool()
        FileSizeLimit.during(4096) {
            for index in 0..<40 { XCTAssertTrue(spool.record("event-\(index)", padding: 800)) }
        }
        XCTAssertEqual(spool.lastErrno, EFBIG)
        XCTAssertTrue(spool.usesHeap)
        XCTAssertEqual(scratch.segmentNames, [])
        let totals = spool.totals()
        XCTAssertEqual(totals.recorded, 40)
        XCTAssertGreaterThan(totals.dropped[DropReason.noSpace.rawValue], 0)
        XCTAssertEqual(totals.recorded, totals.pending + totals.droppedTotal)

        // There is room again when the process ends.
        spool.close()
        XCTAssertEqual(scratch.segmentNames.count, SpoolLimits.heapSegments)
        let next = try scratch.spool()
        XCTAssertEqual(next.totals(), totals)
        next.close()
    }

    func testFullDiskUntilTheEnd() throws {
        let scratch = ScratchSpool()
        let spool = try scratch.spool()
        FileSizeLimit.during(4096) {
            XCTAssertTrue(spool.record("a"))
            spool.close()
        }
        XCTAssertEqual(scratch.segmentNames, [])
        let next = try scratch.spool()
        XCTAssertEqual(next.totals().dropped[DropReason.noSpace.rawValue], 1)
        XCTAssertEqual(next.totals().recorded, 1)
        next.close()
    }

    func testDiscardOwnInMemory() {
        let spool = heapSpool()
        XCTAssertTrue(spool.record("a"))
        let epoch = spool.epoch
        spool.discardOwn()
        XCTAssertNotEqual(spool.epoch, epoch)
        XCTAssertEqual(spool.ownTally().dropped[DropReason.withdrawn.rawValue], 1)
        XCTAssertEqual(spool.pendingOwn, 0)
        spool.close()
    }
}
