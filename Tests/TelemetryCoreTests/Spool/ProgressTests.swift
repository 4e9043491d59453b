import CSystem
import XCTest

@testable import TelemetryCore

/// E3, E12: how much of a segment has been consumed.
final class ProgressTests: XCTestCase {
    private typealias Progress = TelemetryCore.Progress
    private let area = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)

    override func setUp() { memset(area, 0, 4096) }
    override func tearDown() { area.deallocate() }

    private func read(generation: UInt64 = 7) -> Progress {
        Progress.read(area, generation: generation, fileSize: 8192)
    }

    func testRoundTripInBothSlots() {
        XCTAssertEqual(read(), Progress())
        var progress = Progress()
        for round in 1...4 {
            progress.offset = 4096 + 8 * round
            progress.delivered = UInt32(round)
            for reason in 0..<DropReason.count - 1 { progress.dropped[reason] = UInt32(100 * round + reason) }
            XCTAssertEqual(progress.write(area, generation: 7), round % 2 == 1 ? 64 : 128)
            XCTAssertEqual(read(), progress)
        }
        XCTAssertEqual(read(generation: 8), Progress(), "another generation: nothing consumed")
    }

    func testLayoutOfTheFormat() {
        var progress = Progress()
        progress.offset = 5000
        progress.delivered = 3
        progress.drop(.unconfirmed, 9)
        _ = progress.write(area, generation: 0x1122_3344_5566_7788)
        XCTAssertEqual(area.load(fromByteOffset: 64 + 4, as: UInt32.self), 1)
        XCTAssertEqual(area.load(fromByteOffset: 64 + 8, as: UInt64.self), 0x1122_3344_5566_7788)
        XCTAssertEqual(area.load(fromByteOffset: 64 + 16, as: UInt32.self), 5000)
        XCTAssertEqual(area.load(fromByteOffset: 64 + 20, as: UInt32.self), 3)
        XCTAssertEqual(area.load(fromByteOffset: 64 + 24 + 4 * 6, as: UInt32.self), 9)
    }

    /// An offset that cannot be: reading begins at the first record, and the counts stand.
    func testImplausibleOffset() {
        let table = [
            (4088, 4096), (4096, 4096), (4100, 4096), (4104, 4104), (8184, 8184), (8192, 8192), (8200, 4096), (0, 4096),
            (Int(UInt32.max), 4096),
        ]
        for (written, expected) in table {
            var progress = Progress()
            progress.offset = written
            progress.delivered = 5
            _ = progress.write(area, generation: 7)
            XCTAssertEqual(read().offset, expected, "\(written)")
            XCTAssertEqual(read().delivered, 5)
        }
    }

    func testConsumedIsDeliveredAndDropped() {
        var progress = Progress()
        progress.delivered = 10
        for (index, reason) in [
            DropReason.spoolFull, .noSpace, .expired, .corrupt, .rejected, .withdrawn, .unconfirmed,
        ].enumerated() {
            progress.drop(reason, 1)
            XCTAssertEqual(progress.dropped[index], 1, "the number of the format")
        }
        XCTAssertEqual(progress.consumed, 17)
        progress.drop(.corrupt, -1)
        XCTAssertEqual(progress.consumed, 17)
    }
}
