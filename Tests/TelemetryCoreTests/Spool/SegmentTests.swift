import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// E3: one segment from its creation to its end.
final class SegmentTests: XCTestCase {
    private let scratch = ScratchSpool()
    private var shared: SpoolDirectory!

    override func setUpWithError() throws { shared = try scratch.open() }
    override func tearDown() { shared.close() }

    private func create(size: Int = 8192, address: UnsafeMutableRawPointer? = nil) throws -> Segment {
        try Segment.createFile(in: shared.directory, size: size, epoch: 5, context: Sample.context, address: address)
    }

    private func claim(_ name: String, mapping: Bool = false) -> Segment? {
        Segment.claim(name, in: shared.directory, reading: mapping ? .mapped : .everything).segment
    }

    func testCreatedFile() throws {
        let segment = try create(size: 16384)
        defer { segment.release(removingFrom: nil) }
        XCTAssertEqual(scratch.segmentNames, [segment.name])
        XCTAssertEqual(Segment.name(segment.fileID), segment.name)
        var status = stat()
        XCTAssertEqual(stat(scratch.files.path + "/" + segment.name, &status), 0)
        XCTAssertEqual(status.st_size, 16384)
        XCTAssertGreaterThanOrEqual(status.st_blocks * 512, 16384, "no holes: they raise SIGBUS on a full disk")
        XCTAssertEqual(status.st_mode & 0o777, 0o600)
        XCTAssertEqual(segment.state.raw, StateWord.empty.raw)
        XCTAssertEqual(segment.description.epoch, 5)
        XCTAssertFalse(segment.isHeap)
    }

    /// The next process reads, or goes on with, what the last has left.
    func testEventsOutliveTheirOwner() throws {
        for mapping in [false, true] {
            let segment = try create()
            for name in ["a", "b", "c"] { XCTAssertTrue(Sample.record(name, in: segment)) }
            XCTAssertNil(claim(segment.name, mapping: mapping), "its owner lives")
            segment.release(removingFrom: nil)
            let next = try XCTUnwrap(claim(segment.name, mapping: mapping))
            XCTAssertEqual(Sample.names(next), ["a", "b", "c"])
            XCTAssertEqual(next.pendingCount, 3)
            XCTAssertEqual(next.fileID, segment.fileID)
            if mapping {
                XCTAssertTrue(Sample.record("d", in: next))
                XCTAssertEqual(Sample.names(next), ["a", "b", "c", "d"])
            }
            next.release(removingFrom: shared.directory)
            XCTAssertEqual(scratch.segmentNames, [])
        }
    }

    /// Nothing is left for any destination where only counts are, whatever each has taken of what was there.
    func testCountsOnlyOfSeveralDestinations() throws {
        typealias Progress = TelemetryCore.Progress
        let slots = (0..<3).map { DestinationSlot(index: $0, tag: UInt32($0 + 1)) }
        for settled in [0, 1, 2] {
            let segment = try create()
            for name in ["a", "b", "c"] { XCTAssertTrue(Sample.record(name, in: segment)) }
            for (index, slot) in slots.enumerated() {
                var progress = Progress()
                progress.offset = 5000
                progress.delivered = UInt32(index)
                progress.drop(.rejected, 3 - index)
                segment.saveProgress(progress, of: slot)
                if index == settled { segment.progress = progress }
            }
            XCTAssertTrue(segment.keepCountsOnly())
            segment.release(removingFrom: nil)
            let next = try XCTUnwrap(claim(segment.name))
            XCTAssertEqual(next.pendingCount, 0)
            XCTAssertEqual(next.progress.delivered, UInt32(settled))
            for (index, slot) in slots.enumerated() {
                let progress = try XCTUnwrap(next.readProgress(of: slot))
                XCTAssertEqual([progress.delivered, UInt32(progress.consumed)], [UInt32(index), 3])
                XCTAssertEqual(progress.offset, next.progress.offset)
            }
            next.release(removingFrom: shared.directory)
        }
    }

    /// What was consumed is consumed for the next process too, whether it maps the file or copies it.
    func testProgressOutlivesItsOwner() throws {
        let segment = try create()
        for name in ["a", "b"] { Sample.record(name, in: segment) }
        segment.release(removingFrom: nil)
        for (round, mapping) in [false, true, false].enumerated() {
            let next = try XCTUnwrap(claim(segment.name, mapping: mapping))
            XCTAssertEqual(next.progress.delivered, UInt32(round))
            next.progress.delivered += 1
            next.progress.offset += 8
            next.saveProgress()
            next.release(removingFrom: nil)
        }
        let last = try XCTUnwrap(claim(segment.name))
        XCTAssertEqual(last.progress.delivered, 3)
        XCTAssertEqual(last.progress.offset, 4096 + 24)
        XCTAssertEqual(last.pendingCount, 0, "never below zero")
        XCTAssertEqual(last.tally.recorded, 3, "a damaged state word may say less than was found")
        last.release(removingFrom: nil)
    }

    func testHeapSegmentIsSavedToAFile() throws {
        let heap = Sample.heapSegment(size: 8192, ["a", "b"])
        XCTAssertTrue(heap.isHeap)
        XCTAssertEqual(heap.name, "")
        XCTAssertTrue(heap.save(in: shared.directory))
        heap.release(removingFrom: shared.directory)
        let name = try XCTUnwrap(scratch.segmentNames.first)
        let saved = try XCTUnwrap(claim(name))
        XCTAssertEqual(Sample.names(saved), ["a", "b"])
        saved.release(removingFrom: nil)
        XCTAssertEqual(scratch.segmentNames.count, 1)
    }

    /// A limit on file sizes stands for a full disk: nothing is left behind.
    func testNothingIsLeftWhenThereIsNoRoom() throws {
        let heap = Sample.heapSegment(size: 8192, ["a"])
        defer { heap.release(removingFrom: nil) }
        let before = openDescriptorCount()
        try FileSizeLimit.during(4096) {
            XCTAssertFalse(heap.save(in: shared.directory))
            XCTAssertThrowsError(try create()) { XCTAssertEqual(($0 as? SystemError)?.code, EFBIG) }
        }
        XCTAssertEqual(scratch.segmentNames, [])
        XCTAssertEqual(openDescriptorCount(), before)
    }

    func testResetBeginsANewUse() throws {
        let segment = try create()
        defer { segment.release(removingFrom: nil) }
        for name in ["a", "b"] { Sample.record(name, in: segment) }
        let old = segment.description
        segment.progress.delivered = 2
        segment.saveProgress()
        segment.reset(epoch: 6, context: Sample.otherContext)
        XCTAssertNotEqual(segment.description.generation, old.generation)
        XCTAssertEqual(segment.description.epoch, 6)
        XCTAssertEqual(segment.progress, TelemetryCore.Progress())
        XCTAssertEqual(segment.tally, Tally())
        XCTAssertFalse(Sample.record("late", in: segment), "sealed until it is opened")
        segment.open()
        XCTAssertTrue(Sample.record("c", in: segment))
        XCTAssertEqual(Sample.names(segment), ["c"])
        XCTAssertEqual(
            TelemetryCore.Progress.read(segment.base, generation: segment.description.generation, fileSize: 8192),
            TelemetryCore.Progress())
    }

    func testOpenBeginsItsTime() throws {
        let segment = try create()
        defer { segment.release(removingFrom: nil) }
        segment.reset(epoch: 5, context: Sample.context)
        let before = Clock.realtime()
        segment.open()
        XCTAssertGreaterThanOrEqual(segment.description.created, before)
        XCTAssertEqual(Description.read(segment.base)?.created, segment.description.created)
    }

    func testSealAndUnseal() throws {
        let segment = try create()
        defer { segment.release(removingFrom: nil) }
        StateWord.seal(segment.base)
        XCTAssertFalse(Sample.record("a", in: segment))
        segment.unseal()
        XCTAssertTrue(Sample.record("a", in: segment))
    }

    /// A thread that has read the address a moment ago may still try.
    func testVacatedAddressRefusesRecords() throws {
        for isHeap in [false, true] {
            let segment = isHeap ? Sample.heapSegment(size: 8192) : try create()
            Sample.record("a", in: segment)
            let address = try XCTUnwrap(segment.vacate(removingFrom: shared.directory).address)
            XCTAssertEqual(scratch.segmentNames, [])
            XCTAssertEqual(address, segment.base)
            XCTAssertEqual(StateWord.reserve(address, size: 64, capacity: 8192), 0)
            XCTAssertTrue(UnsafeRawBufferPointer(start: address, count: 8192).allSatisfy { $0 == 0 })
            let next = try create(address: address)
            XCTAssertEqual(next.base, address)
            XCTAssertTrue(Sample.record("b", in: next))
            XCTAssertEqual(Sample.names(next), ["b"])
            next.release(removingFrom: shared.directory)
        }
    }

    func testVacatingKeepsTheFileForTheNextOwner() throws {
        let segment = try create()
        Sample.record("a", in: segment)
        let address = try XCTUnwrap(segment.vacate(removingFrom: nil).address)
        munmap(address, 8192)
        let next = try XCTUnwrap(claim(segment.name))
        XCTAssertEqual(Sample.names(next), ["a"])
        XCTAssertNil(
            next.vacate(removingFrom: shared.directory).address, "a copy has no address that anyone records to")
        XCTAssertEqual(scratch.segmentNames, [])
    }

    /// A17, A18: nothing of a record stays in a file that is used again.
    func testEraseOverwritesRecords() throws {
        let segment = try create()
        defer { segment.release(removingFrom: nil) }
        for index in 0..<20 { Sample.record("canary-\(index)", in: segment) }
        segment.erase()
        let records = UnsafeRawBufferPointer(start: segment.base + 4096, count: 4096)
        XCTAssertTrue(records.allSatisfy { $0 == 0 })
        XCTAssertNotNil(Description.read(segment.base))
    }

    func testEraseStaysInsideWhateverTheStateWordSays() {
        for raw in [0, UInt64(0xFF_FFFF), StateWord.empty.raw, .max] {
            let segment = Sample.heapSegment(size: 8192, ["a"])
            StateWord.store(segment.base, StateWord(raw: raw))
            segment.erase()
            XCTAssertNotNil(Description.read(segment.base))
            segment.release(removingFrom: nil)
        }
    }

    func testSettleWaitsForWriters() {
        let segment = Sample.heapSegment(size: 8192)
        defer { segment.release(removingFrom: nil) }
        XCTAssertTrue(segment.settle())
        Sample.tear(segment, committed: false)
        nonisolated(unsafe) let base = segment.base
        let writer = Thread {
            usleep(20_000)
            StateWord.commit(base)
        }
        writer.start()
        XCTAssertTrue(segment.settle())
        XCTAssertEqual(segment.state.writers, 0)
    }

    /// A writer that never comes back does not keep the segment for ever.
    func testSettleEndsWithoutTheWriter() {
        let segment = Sample.heapSegment(size: 8192)
        defer { segment.release(removingFrom: nil) }
        Sample.tear(segment, committed: false)
        XCTAssertFalse(segment.settle())
    }

    func testRoomIsAQuarter() {
        let segment = Sample.heapSegment(size: 16384)
        defer { segment.release(removingFrom: nil) }
        for (tail, expected) in [
            (4096, true), (12288, true), (12296, false), (16384, false), (16392, false), (0, false),
        ] {
            StateWord.store(segment.base, StateWord(raw: UInt64(tail / 8)))
            XCTAssertEqual(segment.hasRoom, expected, "tail \(tail)")
        }
    }

    func testNames() {
        XCTAssertEqual(Segment.name(0xAB), "00000000000000ab.seg")
        let table: [(String, UInt64?)] = [
            ("00000000000000ab.seg", 0xAB), ("ffffffffffffffff.seg", .max), ("0000000000000000.seg", 0),
            ("00000000000000AB.seg", nil), ("0000000000000ab.seg", nil), ("000000000000000ab.seg", nil),
            ("00000000000000ab.seg2", nil), ("00000000000000ab.sEg", nil), ("000000000000 0ab.seg", nil),
            ("control", nil), ("", nil), (".seg", nil), ("../00000000000ab.seg", nil),
        ]
        for (name, expected) in table { XCTAssertEqual(Segment.fileID(name), expected, name) }
    }
}
