import XCTest

@testable import TelemetryCore

/// Whether metrics have changed.
final class SnapshotDigestTests: XCTestCase {
    func testEveryChangeCounts() throws {
        let scene = try MetricScene()
        scene.declare("c", .counter)
        scene.declare("g", .gauge)
        scene.declare("h", .histogram, bounds: [1])
        scene.declare("e", .exponentialHistogram)
        var seen = [try scene.snapshot().digest]
        let changes: [() -> Void] = [
            { scene.record("c", .add(0)) }, { scene.record("c", .add(1)) }, { scene.record("c", .addNumber(0.5)) },
            { scene.record("c", .add(1), [("k", "v")]) }, { scene.record("g", .set(1)) },
            { scene.record("h", .observe(0)) }, { scene.record("h", .observe(0)) }, { scene.record("e", .observe(0)) },
            { scene.record("e", .observe(1)) }, { scene.record("e", .observe(-1)) },
        ]
        for (index, change) in changes.enumerated() {
            change()
            let digest = try scene.snapshot().digest
            XCTAssertFalse(seen.contains(digest), "\(index)")
            XCTAssertEqual(digest, try scene.snapshot().digest)
            seen.append(digest)
        }
        // A declaration says nothing new.
        scene.declare("c", .counter)
        XCTAssertEqual(try scene.snapshot().digest, seen.last)
    }
}
