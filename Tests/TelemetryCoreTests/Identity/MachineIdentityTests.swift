import CSystem
import XCTest

@testable import TelemetryCore

/// D2, D4: the salted id, its salt and its cache, on a real directory.
final class MachineIdentityTests: XCTestCase {
    private var home: ScratchHome!
    private var directories: [Descriptor] = []

    override func setUp() { home = ScratchHome() }

    override func tearDown() {
        directories.forEach { $0.close() }
        directories = []
        home.restore()
    }

    private func state(_ tool: String) throws -> Descriptor {
        let directory = try Directory.openPrivate(home.path + "/state/telemetry/" + tool)
        directories.append(directory)
        return directory
    }

    private func path(_ tool: String, _ name: String) -> String { home.path + "/state/telemetry/\(tool)/\(name)" }

    private func id(_ tool: String) throws -> String {
        MachineIdentity.obtain(IdentityPolicy(), tool: tool, directory: try state(tool)).id
    }

    /// The construction, computed by other means (Python's hmac).
    func testDerivation() {
        XCTAssertEqual(
            MachineIdentity.derive(
                tool: "mytool", salt: Array(0..<32), machine: Array("0123456789abcdef0123456789abcdef\n".utf8)),
            "37263632e973a3e03ce2fd5dd3508781")
    }

    func testStableAndPrivate() throws {
        let first = try id("mytool")
        XCTAssertEqual(first.utf8.count, 32)
        XCTAssertTrue(first.utf8.allSatisfy(Hexadecimal.isDigit))
        for _ in 0..<3 { XCTAssertEqual(try id("mytool"), first) }
        for (name, size) in [("salt", 32), ("machine-id", 67)] {
            var status = stat()
            XCTAssertEqual(stat(path("mytool", name), &status), 0)
            XCTAssertEqual(status.st_mode & 0o7777, 0o600, name)
            XCTAssertEqual(status.st_size, size, name)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: path("mytool", ""))
        XCTAssertEqual(names.sorted(), ["machine-id", "salt"], "no temporary files are left")
    }

    func testTwoToolsCannotBeJoined() throws {
        XCTAssertNotEqual(try id("mytool"), try id("other"))
        // Even with one salt between them.
        let salt = [UInt8](repeating: 7, count: 32)
        XCTAssertNotEqual(
            MachineIdentity.derive(tool: "mytool", salt: salt, machine: []),
            MachineIdentity.derive(tool: "other", salt: salt, machine: []))
    }

    func testDeletingTheSaltSeversTheLink() throws {
        var seen: Set<String> = []
        for _ in 0..<20 {
            XCTAssertTrue(seen.insert(try id("mytool")).inserted)
            XCTAssertEqual(unlink(path("mytool", "salt")), 0)
        }
    }

    func testAnotherSaltVoidsTheCache() throws {
        let first = try id("mytool")
        let other = home.write(String(repeating: "x", count: 32), to: "state/telemetry/mytool/new")
        XCTAssertEqual(rename(other, path("mytool", "salt")), 0)
        let second = try id("mytool")
        XCTAssertNotEqual(second, first)
        XCTAssertEqual(try id("mytool"), second)
    }

    /// A line counts for the very salt that it was derived from, and for no other file or content.
    func testCacheIsOfOneSalt() {
        let id = "0123456789abcdef0123456789abcdef"
        let line = Array((id + " 000000000000002a fffffffffffffffe\n").utf8)
        XCTAssertEqual(IdentityCache.parse(line, salt: FileStamp(inode: 42, modified: -2)), id)
        XCTAssertNil(IdentityCache.parse(line, salt: FileStamp(inode: 42, modified: -1)))
        XCTAssertNil(IdentityCache.parse(line, salt: FileStamp(inode: 43, modified: -2)))
    }

    func testDamagedCacheIsDerivedAgain() throws {
        let first = try id("mytool")
        let good = try String(contentsOfFile: path("mytool", "machine-id"), encoding: .utf8)
        for damaged in [
            "", "\n", String(good.dropLast()), good + "\n", "g" + good.dropFirst(), good.uppercased() + "x",
        ] {
            home.write(damaged, to: "state/telemetry/mytool/machine-id")
            XCTAssertEqual(try id("mytool"), first, damaged.debugDescription)
            XCTAssertEqual(try String(contentsOfFile: path("mytool", "machine-id"), encoding: .utf8), good)
        }
    }

    func testDamagedSaltIsReplaced() throws {
        let first = try id("mytool")
        for damaged in ["", "short", String(repeating: "x", count: 33)] {
            home.write(damaged, to: "state/telemetry/mytool/salt")
            let next = try id("mytool")
            XCTAssertEqual(next.utf8.count, 32)
            XCTAssertNotEqual(next, first)
            XCTAssertEqual(try id("mytool"), next)
            var status = stat()
            XCTAssertEqual(stat(path("mytool", "salt"), &status), 0)
            XCTAssertEqual(status.st_size, 32)
        }
    }

    func testSaltThatIsALinkIsNotFollowed() throws {
        let target = home.write(String(repeating: "x", count: 32), to: "elsewhere")
        _ = try state("mytool")
        XCTAssertEqual(symlink(target, path("mytool", "salt")), 0)
        _ = try id("mytool")
        XCTAssertNotEqual(
            try Data(contentsOf: URL(fileURLWithPath: path("mytool", "salt"))),
            try Data(contentsOf: URL(fileURLWithPath: target)))
    }

    /// Nothing can be kept: an id of this process alone, the same at every call, marked as such.
    func testNowhereToKeepIt() throws {
        _ = try state("mytool")
        home.write("", to: "state/telemetry/mytool/salt/in the way")
        let first = try id("mytool")
        XCTAssertTrue(first.hasPrefix("ephemeral-"), first)
        XCTAssertEqual(try id("mytool"), first)
        XCTAssertEqual(EphemeralID.id(tool: "mytool"), first)
        XCTAssertEqual(MachineIdentity.obtain(IdentityPolicy(), tool: "mytool", directory: nil).id, first)
        XCTAssertFalse(FileManager.default.fileExists(atPath: path("mytool", "machine-id")))
    }

    func testNeverContainsTheMachinesOwnID() throws {
        let own = Array("0123456789abcdef0123456789abcdef".utf8)
        for machine in [own, Array(own.prefix(16))] {
            let id = MachineIdentity.derive(tool: "mytool", salt: [UInt8](repeating: 0, count: 32), machine: machine)
            XCTAssertFalse(id.contains(String(decoding: machine.prefix(8), as: UTF8.self)))
        }
        guard let real = try? String(contentsOfFile: "/etc/machine-id", encoding: .utf8), real.utf8.count >= 32 else {
            return
        }
        _ = try id("mytool")
        for name in ["machine-id", "salt"] {
            let kept = try Data(contentsOf: URL(fileURLWithPath: path("mytool", name)))
            XCTAssertNil(kept.range(of: Data(real.prefix(32).utf8)), name)
        }
    }

    /// Racing to make the first salt, all agree on one.
    func testThreadsAgree() throws {
        for round in 0..<20 {
            let tool = "tool\(round)"
            let directories = try (0..<8).map { _ in try state(tool) }
            let lock = NSLock()
            var ids: Set<String> = []
            DispatchQueue.concurrentPerform(iterations: directories.count) { index in
                let id = MachineIdentity.obtain(IdentityPolicy(), tool: tool, directory: directories[index]).id
                lock.lock()
                ids.insert(id)
                lock.unlock()
            }
            XCTAssertEqual(ids.count, 1)
            XCTAssertEqual(ids.first?.utf8.count, 32)
        }
    }

    /// systemd's own derivation of an id for one application, sd_id128_get_machine_app_specific(3): HMAC-SHA-256
    /// with the machine's id as the key over the application's, the first 16 bytes as a UUID of version 4.
    func testAgainstSystemd() throws {
        let text = (try? String(contentsOfFile: "/etc/machine-id", encoding: .utf8)) ?? ""
        let application = "8a2e4bb5ac2b4d4c9f0a7d1f63c05a77"
        guard let machine = bytes(String(text.prefix(32))), let app = bytes(application),
            let printed = run("systemd-id128", "machine-id", "--app-specific=" + application)
        else { throw XCTSkip("systemd-id128 or the machine's id is missing") }
        var code = Array(HMACSHA256.code(key: machine, message: app)[0..<16])
        code[6] = code[6] & 0x0F | 0x40
        code[8] = code[8] & 0x3F | 0x80
        XCTAssertEqual(Hexadecimal.text(code) + "\n", printed)
    }

    private func bytes(_ hex: String) -> [UInt8]? {
        guard hex.utf8.count == 32 else { return nil }
        let digits = Array(hex.utf8)
        let parsed = stride(from: 0, to: 32, by: 2).compactMap {
            Hexadecimal.word(digits[$0..<$0 + 2]).map { UInt8($0) }
        }
        return parsed.count == 16 ? parsed : nil
    }

    private func run(_ program: String, _ arguments: String...) -> String? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/" + program)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
    }
}
