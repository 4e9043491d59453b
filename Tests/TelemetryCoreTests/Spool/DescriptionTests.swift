import CSystem
import XCTest

@testable import TelemetryCore

/// E3: what a segment's header says about its events, twice.
final class DescriptionTests: XCTestCase {
    private let area = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
    private let copies = [1024, 2560]

    override func setUp() { memset(area, 0, 4096) }
    override func tearDown() { area.deallocate() }

    @discardableResult
    private func write(_ context: ContextBlock = Sample.context) -> Description {
        Description.write(area, fileSize: 8192, epoch: 77, context: context, now: 12345)
    }

    private func flip(_ offset: Int, _ mask: UInt8 = 1) {
        area.storeBytes(
            of: area.load(fromByteOffset: offset, as: UInt8.self) ^ mask, toByteOffset: offset, as: UInt8.self)
    }

    private func repair(_ copy: Int, length: Int) {
        area.storeBytes(of: csystem_crc32c(0, area + copy + 12, length - 12), toByteOffset: copy + 8, as: UInt32.self)
    }

    func testReadsWhatWasWritten() throws {
        XCTAssertNil(Description.read(area))
        let written = write()
        let read = try XCTUnwrap(Description.read(area))
        XCTAssertEqual(read.generation, written.generation)
        XCTAssertEqual(read.sync, written.sync)
        XCTAssertEqual([read.epoch, UInt64(read.created), UInt64(read.offset)], [77, 12345, 1024])
        XCTAssertEqual(read.length, 64 + Sample.context.bytes.count)
        XCTAssertEqual(memcmp(area + 1024, area + 2560, read.length), 0, "two equal copies")
        XCTAssertEqual(area.load(fromByteOffset: 1024 + 40, as: UInt32.self), 8192)
        XCTAssertEqual(area.load(fromByteOffset: 1024 + 48, as: UInt32.self), UInt32(getpid()))
        XCTAssertEqual(
            String(decoding: UnsafeRawBufferPointer(start: area + 1024, count: 8), as: UTF8.self), "TLMSEG\0\u{1}")
    }

    func testEachUseIsDrawnAfresh() {
        let uses = (0..<50).map { _ in write() }
        XCTAssertEqual(Set(uses.map(\.generation)).count, 50)
        XCTAssertTrue(uses.allSatisfy { $0.sync != 0 })
        XCTAssertGreaterThan(Set(uses.map(\.sync)).count, 45)
    }

    func testEachCopySufficesAndNoDamageIsTakenForContent() {
        let length = write().length
        for byte in 0..<length {
            for bit in 0..<8 {
                flip(1024 + byte, 1 << UInt8(bit))
                XCTAssertEqual(Description.read(area)?.offset, 2560, "byte \(byte) of the first")
                flip(2560 + byte, 1 << UInt8(bit))
                XCTAssertNil(Description.read(area), "byte \(byte) of both")
                flip(1024 + byte, 1 << UInt8(bit))
                XCTAssertEqual(Description.read(area)?.offset, 1024, "byte \(byte) of the second")
                flip(2560 + byte, 1 << UInt8(bit))
            }
        }
    }

    /// With a right checksum.
    func testImplausibleValuesAreRefused() {
        for (length, isGood) in [
            (0, false), (12, false), (63, false), (64, true), (1536, true), (1537, false), (Int(UInt32.max), false),
        ] {
            memset(area, 0, 4096)
            write()
            for copy in copies {
                area.storeBytes(of: UInt32(length), toByteOffset: copy + 12, as: UInt32.self)
                if (12...1536).contains(length) { repair(copy, length: length) }
            }
            XCTAssertEqual(Description.read(area) != nil, isGood, "length \(length)")
        }
        let length = write().length
        for copy in copies {
            area.storeBytes(of: 0, toByteOffset: copy + 44, as: UInt32.self)
            repair(copy, length: length)
        }
        XCTAssertNil(Description.read(area), "sync is never 0")
    }

    func testBeginChangesTheTimeInBothCopies() {
        var description = write()
        description.begin(area, now: 99)
        XCTAssertEqual(description.created, 99)
        XCTAssertEqual(Description.read(area)?.created, 99)
        flip(1024)
        XCTAssertEqual(Description.read(area)?.created, 99)
        XCTAssertEqual(Description.read(area)?.generation, description.generation)
    }

    func testMatchesTheSameContextOnly() {
        let description = write()
        var longer = Sample.context
        longer.add(key: "more", .int(1))
        var otherValue = ContextBlock()
        otherValue.add(.toolName, "mytool")
        otherValue.add(.toolVersion, "1.2.3")
        otherValue.add(key: "channel", .string("beto"))
        for (what, context, expected) in [
            ("same", Sample.context, true), ("version", Sample.otherContext, false), ("longer", longer, false),
            ("value", otherValue, false), ("empty", ContextBlock(), false),
        ] { XCTAssertEqual(description.matches(area, context), expected, what) }
        XCTAssertTrue(write(ContextBlock()).matches(area, ContextBlock()))
    }

    /// Where one field ends and the other begins counts, and so does which of them is metadata.
    func testMatchesTellsFieldsFromMetadata() {
        var field = ContextBlock()
        field.add(0, Array("ab".utf8))
        var metadata = ContextBlock()
        metadata.add(key: "", .string("ab"))
        XCTAssertEqual(field.bytes.count, metadata.bytes.count)
        XCTAssertFalse(write(field).matches(area, metadata))
    }

    func testContextInPlace() {
        var block = ContextBlock()
        for (id, text) in [
            (1, "tool"), (200, "unknown"), (2, "v"), (3, "linux"), (4, "6.1"), (5, "x86_64"), (6, "lib"), (7, "id"),
        ] {
            block.add(UInt8(id), Array(text.utf8))
        }
        block.add(key: "k", .int(-5))
        let context = write(block).context(area)
        let fields = [
            context.toolName, context.toolVersion, context.os, context.osVersion, context.arch, context.runtime,
            context.machineID,
        ]
        XCTAssertEqual(fields.map(Sample.text), ["tool", "v", "linux", "6.1", "x86_64", "lib", "id"])
        XCTAssertEqual(context.metadataCount, 1)
        var metadata = context.metadata
        let decoded = AttributeView.next(&metadata)
        XCTAssertEqual(decoded.map { Sample.text($0.key) }, "k")
        guard case .int(-5)? = decoded?.value else { return XCTFail("the value") }
    }

    /// A field that says more than there is ends the context; nothing beyond is read.
    func testFieldBeyondTheEnd() {
        let description = write()
        area.storeBytes(of: 0xFFFF, toByteOffset: 1024 + 64 + 4 + 6 + 2, as: UInt16.self)
        let context = description.context(area)
        XCTAssertEqual(Sample.text(context.toolName), "mytool")
        XCTAssertEqual(context.toolVersion.count, 0)
        XCTAssertEqual(context.metadataCount, 0)
    }
}

/// C8, C9: bounds of what all events of a segment share.
final class ContextBlockTests: XCTestCase {
    func testFieldsAreCutAtACharacter() {
        var block = ContextBlock()
        block.add(.toolName, String(repeating: "€", count: 22))
        XCTAssertEqual(Array(block.bytes[0..<4]), [1, 0, 63, 0])
        XCTAssertEqual(String(decoding: block.bytes[4...], as: UTF8.self), String(repeating: "€", count: 21))
        XCTAssertEqual(block.fieldCount, 1)
    }

    func testMetadataThatDoesNotFitIsLeftOut() {
        var block = ContextBlock()
        block.add(key: "a", .string(String(repeating: "x", count: 1024)))
        block.add(key: "b", .string(String(repeating: "y", count: 1024)))
        block.add(key: "c", .bool(true))
        XCTAssertEqual(block.metadataCount, 2)
        XCTAssertEqual(block.bytes.count, 4 + 1 + 1024 + 4 + 1 + 1)
        XCTAssertEqual(Array(block.bytes.suffix(6)), [3, 1, 1, 0, UInt8(ascii: "c"), 1])
    }

    /// Exactly full, and one byte more.
    func testLastByte() {
        let room = DescriptionLayout.capacity - DescriptionLayout.fixedSize
        for (extra, count) in [(0, 2), (1, 1)] {
            var block = ContextBlock()
            block.add(key: "a", .string(String(repeating: "x", count: 1024)))
            block.add(key: "b", .string(String(repeating: "y", count: room - 1029 - 5 + extra)))
            XCTAssertEqual(block.metadataCount, count)
        }
    }

    /// What options accept, with the longest name, version and id, is never left out.
    func testWhatOptionsAcceptFits() {
        let long = String(repeating: "n", count: 64)
        let options = Options(toolName: long, toolVersion: long)
        options.settings.metadata = [("a", .string(String(repeating: "x", count: 1019)))]
        XCTAssertNil(Metadata.validate(options.metadata))
        let block = ContextBlock(options, Redactor(home: nil), machineID: long)
        XCTAssertEqual(block.fieldCount, 7)
        XCTAssertEqual(block.metadataCount, 1)
    }

    func testEncodingOfValues() {
        let table: [(AttributeValue, [UInt8])] = [
            (.int(-2), [1, 1, 8, 0, 107, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            (.double(1), [2, 1, 8, 0, 107, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
            (.bool(false), [3, 1, 1, 0, 107, 0]),
            (.string("é"), [0, 1, 2, 0, 107, 0xC3, 0xA9]),
            (.string(""), [0, 1, 0, 0, 107]),
        ]
        for (value, expected) in table {
            var block = ContextBlock()
            block.add(key: "k", value)
            XCTAssertEqual(block.bytes, expected)
        }
    }
}
