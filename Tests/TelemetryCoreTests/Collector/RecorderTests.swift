import XCTest

@testable import TelemetryCore

final class RecorderTests: XCTestCase {
    /// Nanoseconds since the last look, and whether another one is due. After two events without pause the next look
    /// may wait.
    func testMustLook() {
        let recorder = Recorder(segmentBytes: 4096, sampling: nil, registry: nil)
        for (elapsed, isDue) in [
            (0, false), (99_999, false), (5_000_000, true), (100_000_000, true), (99_999, false), (100_000, true),
            (100_000, false), (120_001, true), (100_000, true), (100_001, true), (1_999_999, false),
            (2_000_000, true), (2_019_999, true), (1_999_999, false), (2_020_000, true), (99_999, false),
            (120_000, true), (119_999, true), (120_000, true), (150_000, false), (UInt64.max, true), (100_000, true),
        ] as [(UInt64, Bool)] {
            XCTAssertEqual(recorder.mustLook(after: elapsed), isDue, "\(elapsed)")
        }
        recorder.counts.deallocate()
    }
}
