import CSystem
import XCTest

@testable import TelemetryCore

/// E3: every intact record is found, no torn or imitated one is accepted.
final class SegmentReaderTests: XCTestCase {
    private var segment: Segment!

    override func setUp() { segment = Sample.heapSegment(size: 16384) }
    override func tearDown() { segment.release(removingFrom: nil) }

    private var tail: Int { segment.state.tail }

    /// Records and returns where.
    private func record(_ name: String, padding: Int = 0) -> Range<Int> {
        let start = tail
        XCTAssertTrue(Sample.record(name, in: segment, padding: padding))
        let length = segment.base.load(fromByteOffset: start + 8, as: UInt32.self)
        return start..<start + Int(length)
    }

    private func flip(_ offset: Int, _ bit: Int) {
        let byte = segment.base.load(fromByteOffset: offset, as: UInt8.self)
        segment.base.storeBytes(of: byte ^ 1 << UInt8(bit), toByteOffset: offset, as: UInt8.self)
    }

    /// Makes the checksum right for what stands there.
    private func repair(_ offset: Int, length: Int) {
        let sum = RecordChecksum.value(
            segment.base + offset, length: length, sync: segment.description.sync, offset: offset)
        segment.base.storeBytes(of: sum, toByteOffset: offset + 4, as: UInt32.self)
    }

    func testInOrderToTheTail() {
        XCTAssertEqual(Sample.names(segment), [])
        for index in 0..<30 { _ = record("event-\(index)", padding: index) }
        XCTAssertEqual(Sample.names(segment), (0..<30).map { "event-\($0)" })
        var reader = SegmentReader(segment)
        while reader.next() != nil { XCTAssertLessThanOrEqual(reader.offset, tail) }
        XCTAssertEqual(reader.offset, tail)
        XCTAssertNil(reader.next())
    }

    func testBeginsAtTheProgress() {
        _ = record("a")
        let second = record("b")
        segment.progress.offset = second.lowerBound
        XCTAssertEqual(Sample.names(segment), ["b"])
        segment.progress.offset = tail
        XCTAssertEqual(Sample.names(segment), [])
    }

    /// A record of a later kind or schema, and what is behind it, is left to a later version.
    func testStopsAtWhatIsUnknown() {
        for field in [RecordLayout.kind, RecordLayout.schema] {
            segment.reset(epoch: 1, context: ContextBlock())
            segment.open()
            _ = record("a")
            let later = record("b")
            _ = record("c")
            field.store(field.load(segment.base + later.lowerBound) + 2, segment.base + later.lowerBound)
            XCTAssertEqual(Sample.names(segment), ["a", "c"], "one that is not intact is passed over")
            repair(later.lowerBound, length: later.count)
            XCTAssertEqual(Sample.names(segment), ["a"])
            var reader = SegmentReader(segment)
            while reader.next() != nil {}
            XCTAssertTrue(reader.isAtUnknown)
            XCTAssertEqual(reader.offset, later.lowerBound)
        }
    }

    func testUnknownFlagsAreIgnored() {
        let place = record("a")
        RecordLayout.flags.store(0xFFF8, segment.base + place.lowerBound)
        repair(place.lowerBound, length: place.count)
        XCTAssertEqual(Sample.names(segment), ["a"])
    }

    func testTornRecordIsSkipped() {
        _ = record("a")
        Sample.tear(segment, size: 200)
        _ = record("b")
        Sample.tear(segment, size: 64, committed: false)
        XCTAssertEqual(Sample.names(segment), ["a", "b"])
        XCTAssertEqual(segment.state.count, 4)
    }

    /// A record of which only the first bytes got to the disk.
    func testRecordCutAtEveryByte() {
        _ = record("a")
        let torn = record("torn", padding: 40)
        _ = record("b")
        let whole = Array(UnsafeRawBufferPointer(start: segment.base + torn.lowerBound, count: torn.count))
        for cut in 0...torn.count {
            memset(segment.base + torn.lowerBound, 0, torn.count)
            (segment.base + torn.lowerBound).copyMemory(from: whole, byteCount: cut)
            let isWhole =
                Array(UnsafeRawBufferPointer(start: segment.base + torn.lowerBound, count: torn.count)) == whole
            XCTAssertEqual(Sample.names(segment), isWhole ? ["a", "torn", "b"] : ["a", "b"], "\(cut) bytes")
        }
    }

    func testEveryFlippedBitIsNoticedAndCostsOneRecord() {
        _ = record("a")
        let middle = record("middle", padding: 20)
        _ = record("b")
        for offset in middle {
            for bit in 0..<8 {
                flip(offset, bit)
                XCTAssertEqual(Sample.names(segment), ["a", "b"], "byte \(offset - middle.lowerBound), bit \(bit)")
                flip(offset, bit)
            }
        }
        XCTAssertEqual(Sample.names(segment), ["a", "middle", "b"])
    }

    /// A string that holds the bytes of a record, in a record that is damaged: the search comes upon it.
    func testImitationInsideAString() {
        let original = record("original")
        let outer = record("outer", padding: 600)
        _ = record("b")
        let place = (outer.upperBound - 400) & ~7
        (segment.base + place).copyMemory(from: segment.base + original.lowerBound, byteCount: original.count)
        repair(outer.lowerBound, length: outer.count)
        XCTAssertEqual(Sample.names(segment), ["original", "outer", "b"], "inside an intact record nobody looks")
        flip(outer.lowerBound + 5, 0)
        XCTAssertEqual(Sample.names(segment), ["original", "b"], "valid at its own place only")
        repair(place, length: original.count)
        XCTAssertEqual(Sample.names(segment), ["original", "original", "b"], "the test can tell")
    }

    /// A place between multiples of 8 is no place for a record.
    func testUnalignedRecordIsNotFound() {
        let first = record("a")
        Sample.tear(segment, size: 512)
        for shift in 0..<8 {
            let place = 4096 + 256 + shift
            memset(segment.base + 4096 + 256, 0, 200)
            (segment.base + place).copyMemory(from: segment.base + first.lowerBound, byteCount: first.count)
            let sum = RecordChecksum.value(
                segment.base + place, length: first.count, sync: segment.description.sync, offset: place)
            segment.base.storeBytes(of: sum, toByteOffset: place + 4, as: UInt32.self)
            XCTAssertEqual(Sample.names(segment), shift == 0 ? ["a", "a"] : ["a"], "shifted by \(shift)")
        }
    }

    /// Behind a new use's tail and before it lie records of the last use.
    func testRecordsOfAnEarlierUse() {
        for index in 0..<20 { _ = record("old-\(index)") }
        segment.reset(epoch: 1, context: Sample.context)
        segment.open()
        _ = record("new")
        Sample.tear(segment, size: 2000)
        XCTAssertEqual(Sample.names(segment), ["new"])
        StateWord.store(segment.base, StateWord(raw: 0))
        XCTAssertEqual(Sample.names(segment), ["new"])
    }

    /// The state word was lost: the search goes to the end of the file.
    func testImplausibleStateWord() {
        for name in ["a", "b", "c"] { _ = record(name) }
        for raw in [0, 511, UInt64(16384 / 8) + 1, UInt64(0xFF_FFFF), .max] {
            StateWord.store(segment.base, StateWord(raw: raw))
            XCTAssertEqual(Sample.names(segment), ["a", "b", "c"], "\(raw)")
        }
    }

    /// With a right checksum, so that the length alone decides.
    func testLengthsAtTheBounds() {
        let large = Sample.heapSegment(size: 1 << 17)
        defer { large.release(removingFrom: nil) }
        let end = large.size
        let table: [(offset: Int, length: Int, isGood: Bool)] = [
            (4096, 64, true), (4096, 63, false), (4096, 8, false), (4096, 65528, true), (4096, 65529, false),
            (4096, 65536, false),
            (end - 64, 64, true), (end - 128, 128, true), (end - 128, 136, false), (end - 64, 65528, false),
        ]
        for row in table {
            memset(large.base + 4096, 0, end - 4096)
            let record = large.base + row.offset
            record.storeBytes(of: large.description.sync, as: UInt32.self)
            record.storeBytes(of: UInt32(row.length), toByteOffset: 8, as: UInt32.self)
            record.storeBytes(of: UInt8(EventSchema.version), toByteOffset: 14, as: UInt8.self)
            let name = min(row.length, end - row.offset) - 64
            if name > 0 { record.storeBytes(of: UInt16(clamping: name), toByteOffset: 54, as: UInt16.self) }
            if row.offset + row.length <= end {
                let sum = RecordChecksum.value(
                    record, length: row.length, sync: large.description.sync, offset: row.offset)
                record.storeBytes(of: sum, toByteOffset: 4, as: UInt32.self)
            }
            StateWord.store(large.base, StateWord(raw: UInt64(end / 8)))
            XCTAssertEqual(Sample.names(large).count, row.isGood ? 1 : 0, "\(row)")
        }
    }

    func testRandomBytesEnd() {
        for _ in 0..<20 {
            Random.fill(UnsafeMutableRawBufferPointer(start: segment.base + 4096, count: segment.size - 4096))
            // Sync words in plenty.
            for offset in stride(from: 4096, to: segment.size, by: 8) where offset % 24 == 0 {
                segment.base.storeBytes(of: segment.description.sync, toByteOffset: offset, as: UInt32.self)
            }
            StateWord.store(segment.base, StateWord(raw: Random.word()))
            XCTAssertEqual(Sample.names(segment), [])
        }
    }
}
