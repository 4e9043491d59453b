import CSystem
import Dispatch
import XCTest

@testable import TelemetryCore

/// E3: the word that decides where a record goes. E11: no lock.
final class StateWordTests: XCTestCase {
    private let area = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)

    override func tearDown() { area.deallocate() }

    private func word(tail: Int = 4096, count: Int = 0, writers: Int = 0, isSealed: Bool = false) -> StateWord {
        StateWord(raw: UInt64(tail / 8) | UInt64(count) << 24 | UInt64(writers) << 48 | (isSealed ? 1 << 63 : 0))
    }

    func testFieldsOfTheFormat() {
        let state = word(tail: 8000, count: 0x123456, writers: 0x2345, isSealed: true)
        XCTAssertEqual(state.tail, 8000)
        XCTAssertEqual(state.count, 0x123456)
        XCTAssertEqual(state.writers, 0x2345)
        XCTAssertTrue(state.isSealed)
        XCTAssertEqual(StateWord.empty.raw, word().raw)
    }

    func testReserveAtTheBounds() {
        let largest = SegmentLayout.maximumSize
        let table: [(what: String, word: StateWord, size: Int, capacity: Int, offset: Int)] = [
            ("empty", word(), 64, 8192, 4096),
            ("all of it", word(), 4096, 8192, 4096),
            ("more than all of it", word(), 4104, 8192, 0),
            ("the last place", word(tail: 8128), 64, 8192, 8128),
            ("8 bytes short", word(tail: 8136), 64, 8192, 0),
            ("full", word(tail: 8192), 8, 8192, 0),
            ("the last place of the largest", word(tail: largest - 64), 64, largest, largest - 64),
            ("full, the largest", word(tail: largest), 64, largest, 0),
            ("sealed", word(isSealed: true), 64, 8192, 0),
            ("blank memory", StateWord(raw: 0), 64, 8192, 0),
            ("tail in the header", word(tail: 4088), 64, 8192, 0),
            ("tail beyond the file", word(tail: 8200), 64, 8192, 0),
            ("largest tail", word(tail: 0xFF_FFFF * 8), 64, largest, 0),
            ("last writer", word(writers: 0x7FFE), 64, 8192, 4096),
            ("one writer too many", word(writers: 0x7FFF), 64, 8192, 0),
            ("last record", word(count: 0xFF_FFFE), 64, 8192, 4096),
            ("one record too many", word(count: 0xFF_FFFF), 64, 8192, 0),
            ("all bits", StateWord(raw: .max), 64, largest, 0),
        ]
        for row in table {
            StateWord.store(area, row.word)
            XCTAssertEqual(StateWord.reserve(area, size: row.size, capacity: row.capacity), row.offset, row.what)
            let after = StateWord.load(area)
            if row.offset == 0 {
                XCTAssertEqual(after.raw, row.word.raw, row.what)
            } else {
                let expected = word(
                    tail: row.word.tail + row.size, count: row.word.count + 1, writers: row.word.writers + 1)
                XCTAssertEqual(after.raw, expected.raw, row.what)
            }
        }
    }

    func testCommitTakesOneWriterAway() {
        StateWord.store(area, word(tail: 8000, count: 7, writers: 2, isSealed: true))
        StateWord.commit(area)
        XCTAssertEqual(StateWord.load(area).raw, word(tail: 8000, count: 7, writers: 1, isSealed: true).raw)
    }

    func testSealStopsRecordsAndUnsealAdmitsThem() {
        let before = word(tail: 4160, count: 1, writers: 1)
        StateWord.store(area, before)
        StateWord.seal(area)
        StateWord.seal(area)
        XCTAssertEqual(StateWord.load(area).raw, before.raw | StateWord.sealedBit)
        XCTAssertEqual(StateWord.reserve(area, size: 64, capacity: 8192), 0)
        StateWord.unseal(area)
        XCTAssertEqual(StateWord.load(area).raw, before.raw)
        XCTAssertEqual(StateWord.reserve(area, size: 64, capacity: 8192), 4160)
    }

    func testPlausible() {
        let table = [
            (0, false), (4088, false), (4096, true), (8184, true), (8192, true), (8200, false), (0xFF_FFFF * 8, false),
        ]
        for (tail, expected) in table {
            XCTAssertEqual(word(tail: tail, count: 9).isPlausible(fileSize: 8192), expected, "tail \(tail)")
        }
    }

    /// Every place is given to one thread, and none is given twice or left out.
    func testThreadsShareTheRoom() {
        StateWord.store(area, .empty)
        let capacity = SegmentLayout.headerSize + 4000 * 64
        nonisolated(unsafe) let target = area
        nonisolated(unsafe) var offsets = [[Int]](repeating: [], count: 4)
        offsets.withUnsafeMutableBufferPointer { lists in
            nonisolated(unsafe) let lists = lists
            DispatchQueue.concurrentPerform(iterations: 4) { thread in
                while true {
                    let offset = StateWord.reserve(target, size: 64, capacity: capacity)
                    if offset == 0 { return }
                    lists[thread].append(offset)
                    StateWord.commit(target)
                }
            }
        }
        XCTAssertEqual(offsets.flatMap { $0 }.sorted(), (0..<4000).map { SegmentLayout.headerSize + $0 * 64 })
        XCTAssertEqual(StateWord.load(area).raw, word(tail: capacity, count: 4000).raw)
    }
}
