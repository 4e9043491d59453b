import CSystem
import XCTest

@testable import TelemetryCore

/// D1: the hashed id, computed as go-tool-base computes it; expected values by sha256sum(1).
final class HashedIDTests: XCTestCase {
    private let files = TemporaryDirectory()

    func testDerivation() {
        let all = MachineSignals(
            machineID: "0123456789abcdef0123456789abcdef", hardwareAddress: "02:42:ac:11:00:02", hostName: "host",
            userName: "ann")
        XCTAssertEqual(all.joined, "0123456789abcdef0123456789abcdef:02:42:ac:11:00:02:host:ann")
        XCTAssertEqual(HashedID.derive(all), "3a72561340f334da")
        // Each signal may be missing.
        XCTAssertEqual(MachineSignals(userName: "").joined, ":::")
        XCTAssertEqual(MachineSignals().joined, "::")
        XCTAssertEqual(HashedID.derive(MachineSignals()), "71546855d6279ef7")
        var ids: Set<String> = []
        for change: (inout MachineSignals) -> Void in [
            { _ in }, { $0.machineID = "" }, { $0.hardwareAddress = "" }, { $0.hostName = "" }, { $0.userName = nil },
        ] {
            var signals = all
            change(&signals)
            ids.insert(HashedID.derive(signals))
        }
        XCTAssertEqual(ids.count, 5)
    }

    private func interface(_ name: String, index: String, address: String, flags: String) throws {
        let path = files.path + "/" + name
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (file, text) in [("ifindex", index), ("address", address), ("flags", flags)] {
            try (text + "\n").write(toFile: path + "/" + file, atomically: false, encoding: .utf8)
        }
    }

    /// By index, whatever the order of names; no loopback, no zeros.
    func testFirstHardwareAddress() throws {
        let first = { MachineSignals.firstHardwareAddress(below: self.files.path + "/") }
        XCTAssertEqual(first(), "")
        try interface("lo", index: "1", address: "00:00:00:00:00:00", flags: "0x9")
        try interface("odd", index: "2", address: "00:00:00:00:00:07", flags: "0x49")
        try interface("sit0", index: "3", address: "00:00:00:00:00:00", flags: "0x1003")
        XCTAssertEqual(first(), "")
        try interface("aaa", index: "12", address: "02:00:00:00:00:0c", flags: "0x1003")
        try interface("zzz", index: "4", address: "02:00:00:00:00:04", flags: "0x1003")
        try interface("bad", index: "x", address: "02:00:00:00:00:01", flags: "0x1003")
        XCTAssertEqual(first(), "02:00:00:00:00:04")
        XCTAssertEqual(MachineSignals.firstHardwareAddress(below: files.path + "/absent/"), "")
    }

    /// The real signals: none of them stands in what is kept or sent.
    func testSignalsDoNotShow() throws {
        let directory = try Directory.openPrivate(files.path)
        defer { directory.close() }
        let id = MachineIdentity.obtain(
            IdentityPolicy(kind: TELEMETRY_IDENTITY_HASHED), tool: "a", directory: directory
        ).id
        XCTAssertNotNil(id.range(of: "^[0-9a-f]{16}$", options: .regularExpression), id)
        XCTAssertEqual(id, HashedID.derive(.current()))
        XCTAssertEqual(
            MachineIdentity.obtain(IdentityPolicy(kind: TELEMETRY_IDENTITY_HASHED), tool: "b", directory: directory).id,
            id)
        XCTAssertEqual(files.names, ["hashed-id"])
        XCTAssertEqual(try String(contentsOfFile: files.path + "/hashed-id", encoding: .utf8), id + "\n")
    }

    /// The host has a new name: what was sent under the old id can still be asked back.
    func testAnotherIDIsKeptAsPast() throws {
        let directory = try Directory.openPrivate(files.path)
        defer { directory.close() }
        for id in ["00112233445566aa", "00112233445566aa", "00112233445566bb"] {
            XCTAssertTrue(HashedID.keep(id, now: Clock.realtime(), in: directory))
        }
        XCTAssertEqual(PastIDs.read(in: directory).map { $0.id }, ["00112233445566aa"])
        XCTAssertEqual(HashedID.kept(in: directory)?.id, "00112233445566bb")
    }
}
