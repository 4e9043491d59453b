import CSystem
import XCTest

@testable import TelemetryCore

/// C12: the state file is atomic, 0600, and replaced when it is damaged.
final class HeartbeatFileTests: XCTestCase {
    func testRoundTrip() throws {
        let temporary = TemporaryDirectory()
        let directory = try Descriptor.open(temporary.path, O_RDONLY | O_DIRECTORY)
        defer { directory.close() }
        XCTAssertEqual(HeartbeatFile.last(in: directory), 0)
        XCTAssertTrue(HeartbeatFile.write(1_763_711_841_000_000_000, in: directory))
        XCTAssertEqual(HeartbeatFile.last(in: directory), 1_763_711_841_000_000_000)
        var status = stat()
        XCTAssertEqual(fstatat(directory.raw, HeartbeatFile.name, &status, 0), 0)
        XCTAssertEqual(status.st_mode & 0o777, 0o600)
    }

    func testDamaged() {
        for text in [
            "", "garbage", "{\"version\":1,\"last_ns\":}\n", "{\"version\":1,\"last_ns\":12",
            "{\"version\":1,\"last_ns\":12}",
            "{\"version\":2,\"last_ns\":12}\n", "{\"version\":1,\"last_ns\":-12}\n",
            "{\"version\":1,\"last_ns\":012}\n",
            "{\"version\":1,\"last_ns\":99999999999999999999}\n", "{\"version\":1,\"last_ns\":12}\n\0",
        ] { XCTAssertEqual(HeartbeatFile.parse(Array(text.utf8)), 0, text) }
        XCTAssertEqual(HeartbeatFile.parse(Array("{\"version\":1,\"last_ns\":12}\n".utf8)), 12)
    }
}
