import CSystem
import XCTest

@testable import TelemetryCore

/// D3: the random id, rotation, and what is kept of past ids, on a real directory.
final class IdentityRotationTests: XCTestCase {
    private let files = TemporaryDirectory()
    private static let day: Int64 = 86_400_000_000_000

    private func withDirectory<R>(_ body: (Descriptor) throws -> R) throws -> R {
        let directory = try Directory.openPrivate(files.path)
        defer { directory.close() }
        return try body(directory)
    }

    private func obtain(_ kind: telemetry_identity, days: UInt32 = 30, after: Int64 = 0) throws -> MachineIdentity {
        try withDirectory {
            MachineIdentity.obtain(
                IdentityPolicy(kind: kind, rotationDays: days), tool: "mytool", directory: $0,
                now: Clock.realtime() + after)
        }
    }

    private func past() throws -> [PastID] { try withDirectory { PastIDs.read(in: $0) } }

    private func put(_ name: String, _ text: String) throws {
        try withDirectory { try PrivateFile.replace(in: $0, name, Array(text.utf8), durable: false) }
    }

    func testRandomIsAVersion4UUIDAndStays() throws {
        let first = try obtain(TELEMETRY_IDENTITY_RANDOM)
        let pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
        XCTAssertNotNil(first.id.range(of: pattern, options: .regularExpression), first.id)
        XCTAssertEqual(try obtain(TELEMETRY_IDENTITY_RANDOM).id, first.id)
        XCTAssertEqual(files.names, ["uuid"])
        var status = stat()
        XCTAssertEqual(stat(files.path + "/uuid", &status), 0)
        XCTAssertEqual(status.st_mode & 0o7777, 0o600)
    }

    func testDamagedUUIDIsReplaced() throws {
        let good = try obtain(TELEMETRY_IDENTITY_RANDOM).id
        for damaged in [
            "", "\n", good, good + "\n\n", good.uppercased() + "\n",
            good.replacingOccurrences(of: "-", with: "0") + "\n",
        ] {
            try put("uuid", damaged)
            let next = try obtain(TELEMETRY_IDENTITY_RANDOM).id
            XCTAssertNotEqual(next, good, damaged)
            XCTAssertEqual(next.utf8.count, 36)
            XCTAssertEqual(try obtain(TELEMETRY_IDENTITY_RANDOM).id, next)
        }
    }

    /// Before the period nothing changes; after it, once.
    func testRotation() throws {
        for kind in [TELEMETRY_IDENTITY_SALTED, TELEMETRY_IDENTITY_RANDOM] {
            try? FileManager.default.removeItem(atPath: files.path + "/past-ids")
            let first = try obtain(kind)
            XCTAssertGreaterThan(first.expires, Clock.realtime() + 29 * Self.day)
            XCTAssertEqual(try obtain(kind, after: 29 * Self.day).id, first.id)
            XCTAssertEqual(try obtain(kind, days: 0, after: 4000 * Self.day).id, first.id, "never, unless asked for")
            XCTAssertEqual(try past(), [])
            let second = try obtain(kind, after: 31 * Self.day)
            XCTAssertNotEqual(second.id, first.id)
            XCTAssertEqual(try past().map { $0.id }, [first.id])
            XCTAssertLessThan(try past()[0].from, try past()[0].until)
            XCTAssertEqual(try obtain(kind).id, second.id)
            XCTAssertEqual(try past().count, 1)
        }
    }

    /// A clock that is not set replaces nothing. What one far ahead has made begins its period when the clock is right.
    func testWrongClocks() throws {
        let first = try obtain(TELEMETRY_IDENTITY_SALTED)
        XCTAssertEqual(try obtain(TELEMETRY_IDENTITY_SALTED, after: -20_000 * Self.day).id, first.id)
        XCTAssertEqual(try obtain(TELEMETRY_IDENTITY_SALTED, after: -400 * Self.day).id, first.id)
        XCTAssertEqual(try obtain(TELEMETRY_IDENTITY_SALTED, after: -390 * Self.day).id, first.id)
        XCTAssertNotEqual(try obtain(TELEMETRY_IDENTITY_SALTED, after: -369 * Self.day).id, first.id)
    }

    /// Racing to replace it, 32 do it once and agree.
    func testRotatedOnceByMany() throws {
        for kind in [TELEMETRY_IDENTITY_SALTED, TELEMETRY_IDENTITY_RANDOM] {
            try? FileManager.default.removeItem(atPath: files.path + "/past-ids")
            let first = try obtain(kind).id
            for name in ["salt", "uuid"] {
                var times = (timespec(tv_sec: 1_600_000_000, tv_nsec: 0), timespec(tv_sec: 1_600_000_000, tv_nsec: 0))
                withUnsafePointer(to: &times) { pointer in
                    pointer.withMemoryRebound(to: timespec.self, capacity: 2) {
                        _ = utimensat(AT_FDCWD, files.path + "/" + name, $0, 0)
                    }
                }
            }
            // The cache is of the salt with its time of change.
            let aged = try withDirectory {
                MachineIdentity.obtain(IdentityPolicy(kind: kind), tool: "mytool", directory: $0).id
            }
            XCTAssertEqual(aged, first)
            let lock = NSLock()
            var seen: Set<String> = []
            DispatchQueue.concurrentPerform(iterations: 32) { _ in
                let id = (try? obtain(kind))?.id ?? "none"
                lock.lock()
                seen.insert(id)
                lock.unlock()
            }
            XCTAssertEqual(try past().map { $0.id }, [first])
            let now = try obtain(kind).id
            XCTAssertNotEqual(now, first)
            XCTAssertTrue(seen.isSubset(of: [first, now]), "\(seen)")
        }
    }

    /// While the past id cannot be kept, the present one stays.
    func testNothingIsForgotten() throws {
        let first = try obtain(TELEMETRY_IDENTITY_RANDOM).id
        try FileManager.default.createDirectory(atPath: files.path + "/past-ids", withIntermediateDirectories: false)
        _ = FileManager.default.createFile(atPath: files.path + "/past-ids/in the way", contents: nil)
        XCTAssertEqual(try obtain(TELEMETRY_IDENTITY_RANDOM, after: 31 * Self.day).id, first)
    }

    func testAtMost1024PastIDs() throws {
        try withDirectory { directory in
            for number in 0..<1030 {
                XCTAssertTrue(
                    PastIDs.add(Hexadecimal.text(UInt64(number)), from: Int64(number), until: 100, in: directory))
            }
            let kept = PastIDs.read(in: directory)
            XCTAssertEqual(kept.map { $0.from }, Array(6..<1030))
            XCTAssertEqual(kept.last, PastID(id: "0000000000000405", from: 1029, until: 100))
        }
        var status = stat()
        XCTAssertEqual(stat(files.path + "/past-ids", &status), 0)
        XCTAssertEqual(status.st_mode & 0o7777, 0o600)
    }

    func testLinesThatAreNone() throws {
        let good = "00ff 0000000000000001 0000000000000002"
        try put("past-ids", "\n\(good)\n\(good) x\n 1 2\nzz 1 2\n00ff x 1\n../x 1 2\n")
        XCTAssertEqual(try past(), [PastID(id: "00ff", from: 1, until: 2)])
        let ephemeral = "ephemeral-00112233445566778899aabbccddeeff"
        try put(
            "past-ids", "\(ephemeral) 0000000000000001 0000000000000002\nephemeral- 0000000000000001 0000000000000002\n"
        )
        XCTAssertEqual(try past(), [PastID(id: ephemeral, from: 1, until: 2)])
    }

    /// Deletion covers the ids of kinds that the author has given up since.
    func testKnownIDs() throws {
        let salted = try obtain(TELEMETRY_IDENTITY_SALTED).id
        let rotated = try obtain(TELEMETRY_IDENTITY_SALTED, after: 31 * Self.day).id
        let random = try obtain(TELEMETRY_IDENTITY_RANDOM).id
        let hashed = try obtain(TELEMETRY_IDENTITY_HASHED).id
        let known = try withDirectory { KnownIDs(tool: "mytool", directory: $0) }
        XCTAssertEqual(known.all, [rotated, random, hashed, salted])
        try withDirectory { try known.keepAsPast(in: $0) }
        XCTAssertEqual(try past().map { $0.id }, [salted, rotated, random, hashed])
        XCTAssertEqual(try withDirectory { KnownIDs(tool: "mytool", directory: $0) }.all.count, 4, "each once")
    }
}
