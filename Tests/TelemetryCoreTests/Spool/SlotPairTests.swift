import CSystem
import XCTest

@testable import TelemetryCore

/// E3: of two slots one is always whole.
final class SlotPairTests: XCTestCase {
    private let area = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 8)
    private var slots: SlotPair { SlotPair(base: area, offsets: (64, 128), size: 64) }

    override func setUp() { memset(area, 0, 256) }
    override func tearDown() { area.deallocate() }

    /// The payload's first word stands where a generation would.
    @discardableResult
    private func write(_ value: UInt64) -> Int {
        slots.write { slot in
            for offset in stride(from: 8, to: 64, by: 8) {
                slot.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
            }
        }
    }

    private func read(generation: UInt64? = nil) -> UInt64? {
        slots.current(generation: generation)?.load(fromByteOffset: 8, as: UInt64.self)
    }

    private func bytes(_ offset: Int) -> [UInt8] { Array(UnsafeRawBufferPointer(start: area + offset, count: 64)) }
    private func set(_ offset: Int, _ bytes: [UInt8]) {
        (area + offset).copyMemory(from: bytes, byteCount: bytes.count)
    }

    private func setSequence(_ offset: Int, _ sequence: UInt32) {
        area.storeBytes(of: sequence, toByteOffset: offset + 4, as: UInt32.self)
        area.storeBytes(of: csystem_crc32c(0, area + offset + 4, 60), toByteOffset: offset, as: UInt32.self)
    }

    func testEmptyIsNotValid() {
        XCTAssertNil(read())
        // A zeroed slot whose checksum happens to be right: sequence number 0 is an empty slot.
        setSequence(64, 0)
        XCTAssertNil(read())
        setSequence(64, 1)
        XCTAssertEqual(read(), 0)
    }

    func testNewestWinsAndSlotsTakeTurns() {
        var places: [Int] = []
        for value in UInt64(1)...6 {
            places.append(write(value))
            XCTAssertEqual(read(), value)
        }
        XCTAssertEqual(places, [64, 128, 64, 128, 64, 128])
        XCTAssertEqual(bytes(0), [UInt8](repeating: 0, count: 64))
        XCTAssertEqual(bytes(192), [UInt8](repeating: 0, count: 64))
    }

    /// After any number of bytes of the new content, over the old content or over zeros.
    func testCrashInMidWriteLeavesTheOther() {
        for writes in UInt64(1)...3 {
            memset(area, 0, 256)
            for value in 1...writes { write(value) }
            let before = (bytes(64), bytes(128))
            let target = write(writes + 1)
            let complete = bytes(target)
            let old = target == 64 ? before.0 : before.1
            for rest in [old, [UInt8](repeating: 0, count: 64)] {
                for cut in 0...64 {
                    for fromFront in [true, false] {
                        let mixed =
                            fromFront
                            ? Array(complete[..<cut] + rest[cut...])
                            : Array(rest[..<(64 - cut)] + complete[(64 - cut)...])
                        set(target, mixed)
                        XCTAssertEqual(
                            read(), mixed == complete ? writes + 1 : writes, "write \(writes + 1), \(cut) bytes")
                    }
                }
            }
        }
    }

    func testEveryFlippedBitInvalidates() {
        write(1)
        let newest = write(2)
        for bit in 0..<64 * 8 {
            let byte = area.load(fromByteOffset: newest + bit / 8, as: UInt8.self)
            area.storeBytes(of: byte ^ 1 << UInt8(bit % 8), toByteOffset: newest + bit / 8, as: UInt8.self)
            XCTAssertEqual(read(), 1, "bit \(bit)")
            area.storeBytes(of: byte, toByteOffset: newest + bit / 8, as: UInt8.self)
        }
        XCTAssertEqual(read(), 2)
        area.storeBytes(of: 0xFF, toByteOffset: 64, as: UInt8.self)
        area.storeBytes(of: 0xFF, toByteOffset: 128, as: UInt8.self)
        XCTAssertNil(read())
    }

    /// The number after the highest is 1: 0 stands for an empty slot.
    func testSequenceWrapsAround() {
        write(1)
        setSequence(64, .max - 2)
        var sequences: [UInt32] = []
        for value in UInt64(2)...6 {
            let place = write(value)
            sequences.append(area.load(fromByteOffset: place + 4, as: UInt32.self))
            XCTAssertEqual(read(), value)
        }
        XCTAssertEqual(sequences, [.max - 1, .max, 1, 2, 3])
    }

    func testWhatIsNotKnownStays() {
        let first = write(1)
        area.storeBytes(of: 42, toByteOffset: first + 56, as: UInt64.self)
        setSequence(first, 1)
        let second = slots.write { $0.storeBytes(of: 2, toByteOffset: 8, as: UInt64.self) }
        XCTAssertNotEqual(second, first)
        XCTAssertEqual(read(), 2)
        XCTAssertEqual(area.load(fromByteOffset: second + 56, as: UInt64.self), 42)
    }

    func testOtherGenerationIsNotValid() {
        write(10)
        XCTAssertEqual(read(generation: 10), 10)
        XCTAssertNil(read(generation: 11))
        write(11)
        XCTAssertEqual(read(generation: 11), 11)
        XCTAssertEqual(read(generation: 10), 10, "the older slot, since the newer is another generation's")
    }
}
