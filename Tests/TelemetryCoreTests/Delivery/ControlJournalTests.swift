import CSystem
import XCTest

@testable import TelemetryCore

/// E3: the append that a crash left unfinished is found again.
final class ControlJournalTests: XCTestCase {
    private let scratch = ScratchSpool()
    private var shared: SpoolDirectory!
    private var segment: Segment!

    override func setUpWithError() throws {
        shared = try scratch.open()
        segment = Sample.heapSegment(size: 8192, ["a", "b"])
        segment.progress.offset = 4200
    }

    override func tearDown() {
        segment.release(removingFrom: nil)
        shared.close()
    }

    private func begin() {
        var state = DeliveryState()
        state.lastError = "kept"
        XCTAssertNotNil(shared.control.updateDelivery { $0 = state })
        let journal = ControlJournal(shared, segments: [])
        journal.prepare(segment)
        journal.begin(inode: 12, length: 34)
    }

    func testBeginIsKept() throws {
        begin()
        let state = try XCTUnwrap(shared.control.readDelivery())
        XCTAssertEqual([state.appendInode, state.appendLength, UInt64(state.appendOffset)], [12, 34, 4200])
        XCTAssertEqual(state.appendGeneration, segment.description.generation)
        XCTAssertEqual(state.lastError, "kept")
    }

    func testUnfinishedIsFoundWhereItsSegmentStandsStill() throws {
        let other = Sample.heapSegment(size: 8192)
        defer { other.release(removingFrom: nil) }
        let table: [(what: String, offset: Int, segments: [Segment], isFound: Bool)] = [
            ("alone", 4200, [segment], true), ("among others", 4200, [other, segment], true),
            ("no segments", 4200, [], false),
            ("another segment", 4200, [other], false), ("went on", 4208, [segment], false),
            ("before", 4096, [segment], false),
        ]
        for row in table {
            segment.progress.offset = 4200
            other.progress.offset = 4200
            begin()
            segment.progress.offset = row.offset
            let journal = ControlJournal(shared, segments: row.segments)
            XCTAssertEqual(journal.unfinished?.inode, row.isFound ? 12 : nil, row.what)
            XCTAssertEqual(journal.unfinished?.length, row.isFound ? 34 : nil, row.what)
            XCTAssertEqual(shared.control.readDelivery()?.appendInode, row.isFound ? 12 : 0, row.what)
            XCTAssertEqual(shared.control.readDelivery()?.lastError, "kept", row.what)
        }
    }

    func testClearedIsForgotten() {
        begin()
        let journal = ControlJournal(shared, segments: [segment])
        XCTAssertNotNil(journal.unfinished)
        journal.clear()
        XCTAssertNil(journal.unfinished)
        XCTAssertNil(ControlJournal(shared, segments: [segment]).unfinished)
        XCTAssertEqual(shared.control.readDelivery()?.lastError, "kept")
    }

    func testNothingBegun() {
        XCTAssertNil(ControlJournal(shared, segments: [segment]).unfinished)
    }
}
