import CSystem
import XCTest

@testable import TelemetryCore

/// H13: the file of a span that one process begins and another one ends, at every moment at which a process may be killed.
final class LastingSpanTests: XCTestCase {
    private var scratch: ScratchSpool!
    private var shared: SpoolDirectory!
    private let builder = SpanBuilder()
    private lazy var context = TraceContext(
        traceID: TraceID(high: 0xA0A1_A2A3_A4A5_A6A7, low: 0xA8A9_AAAB_ACAD_AEAF), spanID: 0xB0B1_B2B3_B4B5_B6B7,
        flags: 3, isRemote: true)!
    private let fileName = "b0b1b2b3b4b5b6b7.span"

    override func setUpWithError() throws {
        scratch = ScratchSpool()
        shared = try scratch.open()
    }

    override func tearDown() { shared.close() }

    private func seconds(_ count: Int64) -> Int64 { Clock.realtime() + count * 1_000_000_000 }

    /// As a process leaves it that has begun the span. `word`: instead of what says that it is open.
    private func begin(expires: Int64, epoch: UInt64? = nil, word: ((Int) -> SpanSlotWord)? = nil) throws {
        let file = try XCTUnwrap(
            OpenSpanFile.makeLasting(
                context.spanID, in: shared.directory, epoch: epoch ?? shared.control.epoch, Sample.context,
                expires: expires, room: 0))
        let bytes = builder.bytes()
        for (index, byte) in bytes.enumerated() {
            file.slot(0).storeBytes(of: byte, toByteOffset: SpanSlotLayout.record + index, as: UInt8.self)
        }
        file.slot(0).storeBytes(of: (word ?? { .open($0) })(bytes.count).raw, as: UInt64.self)
        file.leave()
        file.unmap()
    }

    private func reopen(_ other: TraceContext? = nil, room: Int = 0) -> OpenSpanFile.Reopened {
        OpenSpanFile.reopen(
            other ?? context, in: shared.directory, epoch: shared.control.epoch, room: room,
            until: Deadline(nanoseconds: 0))
    }

    private var isOpen: Bool {
        guard case .file(let file) = reopen() else { return false }
        file.leave()
        file.unmap()
        return true
    }

    /// Of the spans in all segments: whether each is abandoned.
    private func recorded() throws -> [Bool] {
        var found: [Bool] = []
        for name in scratch.segmentNames {
            guard case .taken(let segment) = Segment.claim(name, in: shared.directory, reading: .everything) else {
                XCTFail("\(name) is damaged")
                continue
            }
            var reader = SegmentReader(segment)
            while let record = reader.next() { found.append(record.isAbandoned) }
            segment.release(removingFrom: nil)
        }
        return found
    }

    func testItIsOpenUntilItExpires() throws {
        try begin(expires: seconds(60))
        AbandonedSpans.collect(shared)
        XCTAssertTrue(isOpen)
        XCTAssertEqual(AbandonedSpans.countLasting(in: shared.directory), 1)
        XCTAssertEqual(AbandonedSpans.count(in: shared.directory).open, 1)
        XCTAssertEqual(scratch.segmentNames, [])
    }

    func testExpiredItIsAbandonedOnce() throws {
        try begin(expires: seconds(-1))
        XCTAssertFalse(isOpen)
        AbandonedSpans.collect(shared)
        AbandonedSpans.collect(shared)
        XCTAssertEqual(try recorded(), [true])
        XCTAssertFalse(scratch.files.names.contains(fileName))
    }

    func testATimeThatNobodyAsksForIsAWrongClock() throws {
        try begin(expires: seconds(LastingSpanLayout.longestSeconds + 100_000))
        XCTAssertFalse(isOpen)
        AbandonedSpans.collect(shared)
        XCTAssertEqual(try recorded(), [true])
    }

    /// The process was killed between the new content and the new name.
    func testTheSecondStepIsMadeUpFor() throws {
        try begin(expires: seconds(-1))
        AbandonedSpans.collect(shared)
        let segment = try XCTUnwrap(scratch.segmentNames.first)
        try shared.directory.renameEntry(segment, fileName)
        XCTAssertFalse(isOpen)
        AbandonedSpans.collect(shared)
        XCTAssertEqual(try recorded(), [true])
    }

    /// The process was killed after it had chosen the place of the record.
    func testAnEndWithoutARecord() throws {
        let segment = try Segment.createFile(
            in: shared.directory, size: 8192, epoch: shared.control.epoch, context: Sample.context, address: nil)
        let generation = segment.description.generation
        let offset = StateWord.reserve(segment.base, size: 512, capacity: segment.size)
        segment.release(removingFrom: nil)
        try begin(expires: seconds(60)) { .ending($0, offset: offset) }
        try mark(generation)
        XCTAssertFalse(isOpen)
        AbandonedSpans.collect(shared)
        XCTAssertEqual(try recorded(), [false])
        XCTAssertFalse(scratch.files.names.contains(fileName))
    }

    /// The process was killed after the record, and before it removed the file.
    func testAnEndWithARecord() throws {
        let segment = try Segment.createFile(
            in: shared.directory, size: 8192, epoch: shared.control.epoch, context: Sample.context, address: nil)
        let bytes = builder.bytes()
        let generation = segment.description.generation
        let offset = StateWord.reserve(segment.base, size: (bytes.count + 7) & ~7, capacity: segment.size)
        for (index, byte) in bytes.enumerated() {
            segment.base.storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self)
        }
        SpanRecord.complete(
            segment.base + offset, length: bytes.count, flags: 0, offset: offset, sync: segment.description.sync,
            generation: generation)
        StateWord.commit(segment.base)
        segment.release(removingFrom: nil)
        try begin(expires: seconds(60)) { .ending($0, offset: offset) }
        try mark(generation)
        AbandonedSpans.collect(shared)
        XCTAssertEqual(try recorded(), [false])
        XCTAssertFalse(scratch.files.names.contains(fileName))
    }

    private func mark(_ generation: UInt64) throws {
        let file = try Descriptor.open(at: shared.directory, fileName, O_RDWR)
        defer { file.close() }
        withUnsafeBytes(of: generation) {
            XCTAssertTrue(file.write($0.baseAddress!, 8, at: SegmentLayout.headerSize + 8))
        }
    }

    func testWithdrawnItIsRemoved() throws {
        try begin(expires: seconds(60), epoch: shared.control.epoch + 1)
        XCTAssertFalse(isOpen)
        AbandonedSpans.collect(shared)
        XCTAssertEqual(scratch.segmentNames, [])
        XCTAssertFalse(scratch.files.names.contains(fileName))
        try begin(expires: seconds(60))
        AbandonedSpans.discard(in: shared.directory)
        XCTAssertFalse(scratch.files.names.contains(fileName))
    }

    func testDamagedFilesAreRemoved() throws {
        for bytes in [[], [UInt8](repeating: 0, count: 8192), [UInt8](repeating: 0xA5, count: 12288)] {
            try PrivateFile.replace(in: shared.directory, fileName, bytes)
            XCTAssertFalse(isOpen)
            AbandonedSpans.collect(shared)
            XCTAssertFalse(scratch.files.names.contains(fileName))
        }
        XCTAssertEqual(scratch.segmentNames, [])
    }

    func testOnlyTheWholeContextOpensIt() throws {
        try begin(expires: seconds(60))
        let other = TraceContext(
            traceID: TraceID(high: 1, low: 2), spanID: context.spanID, flags: 3, isRemote: true)!
        guard case .notOpen = reopen(other) else { return XCTFail("another trace") }
        XCTAssertTrue(isOpen)
    }

    func testOneProcessAtATimeHasIt() throws {
        try begin(expires: seconds(60))
        guard case .file(let file) = reopen() else { return XCTFail("not open") }
        guard case .busy = reopen() else { return XCTFail("two have it") }
        file.discard()
        file.unmap()
        guard case .notOpen = reopen() else { return XCTFail("it has ended") }
    }

    func testItsFileGrowsWithWhatIsSaid() throws {
        try begin(expires: seconds(60))
        guard case .file(let small) = reopen() else { return XCTFail("not open") }
        XCTAssertEqual(small.slotCapacity, 8192 - 4096 - 16)
        small.leave()
        small.unmap()
        guard case .file(let large) = reopen(room: 30_000) else { return XCTFail("not open") }
        XCTAssertGreaterThanOrEqual(large.slotCapacity, 30_000 + builder.bytes().count)
        large.leave()
        large.unmap()
        guard case .file(let largest) = reopen(room: .max / 2) else { return XCTFail("not open") }
        XCTAssertLessThan(largest.slotCapacity, 70_000)
        largest.leave()
        largest.unmap()
        try expire()
        AbandonedSpans.collect(shared)
        XCTAssertEqual(try recorded(), [true])
    }

    private func expire() throws {
        let file = try Descriptor.open(at: shared.directory, fileName, O_RDWR)
        defer { file.close() }
        withUnsafeBytes(of: Int64(1)) { XCTAssertTrue(file.write($0.baseAddress!, 8, at: 8)) }
    }
}
