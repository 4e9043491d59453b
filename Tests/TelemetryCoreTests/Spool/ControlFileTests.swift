import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// A18 (the epoch), E8 (delivery state), E12 (counters): what a tool's processes share.
final class ControlFileTests: XCTestCase {
    private let files = TemporaryDirectory()
    private var directory: Descriptor!
    private var path: String { files.path + "/control" }

    override func setUpWithError() throws { directory = try Directory.openPrivate(files.path) }
    override func tearDown() { directory.close() }

    private func open<R>(_ body: (ControlFile) throws -> R) throws -> R {
        let control = try ControlFile.open(in: directory)
        defer { control.close() }
        return try body(control)
    }

    private func patch(_ offset: Int, _ bytes: [UInt8]) throws {
        let file = try Descriptor.open(path, O_RDWR)
        defer { file.close() }
        XCTAssertEqual(pwrite(file.raw, bytes, bytes.count, offset), bytes.count)
    }

    private func patch(_ offset: Int, _ word: UInt64) throws {
        try patch(offset, withUnsafeBytes(of: word) { Array($0) })
    }

    private func setEpoch(_ offset: Int, _ value: UInt64) throws {
        try patch(offset, value)
        try patch(offset + 8, ~value)
    }

    func testNewFile() throws {
        XCTAssertNil(ControlFile.openExisting(in: directory))
        XCTAssertEqual(files.names, [], "looking creates nothing")
        try open { control in
            XCTAssertEqual(control.readCounters(), Counters())
            XCTAssertEqual(control.readDelivery(), DeliveryState())
        }
        var status = stat()
        XCTAssertEqual(stat(path, &status), 0)
        XCTAssertEqual(status.st_size, 4096)
        XCTAssertEqual(status.st_mode & 0o777, 0o600)
        XCTAssertEqual(files.bytes("control").map { Array($0.prefix(8)) }, Array("TLMCTL\0\u{1}".utf8))
    }

    func testEpochsAreDrawnAtRandomAndKept() throws {
        var seen = Set<UInt64>()
        for _ in 0..<5 {
            let epoch = try open(\.epoch)
            XCTAssertEqual(try open(\.epoch), epoch)
            seen.insert(epoch)
            unlink(path)
        }
        XCTAssertEqual(seen.count, 5)
    }

    func testRaisedEpochIsSeenByEveryone() throws {
        try open { first in
            try open { second in
                let before = first.epoch
                first.raiseEpoch()
                XCTAssertEqual(second.epoch, before + 1)
            }
        }
    }

    /// docs/spool-format.md, "control".
    func testDamagedEpochCopies() throws {
        let new: UInt64? = nil
        let table: [(what: String, damage: () throws -> Void, epoch: UInt64?)] = [
            ("none", {}, 100),
            ("second", { try self.patch(128, 5) }, 100),
            ("first in mid-withdrawal: its value", { try self.patch(64, 101) }, 101),
            ("first in mid-withdrawal, second older", { try self.patch(72, 0) }, 101),
            (
                "second in mid-withdrawal",
                {
                    try self.setEpoch(64, 101)
                    try self.patch(128, 101)
                }, 101
            ),
            (
                "both",
                {
                    try self.patch(72, 0)
                    try self.patch(136, 0)
                }, new
            ),
            ("zeros", { try self.patch(64, [UInt8](repeating: 0, count: 128)) }, new),
            ("magic", { try self.patch(0, 0) }, 100),
            (
                "magic and first",
                {
                    try self.patch(0, 0)
                    try self.patch(64, 0)
                }, 101
            ),
        ]
        for row in table {
            unlink(path)
            _ = try open(\.epoch)
            for offset in [64, 128] { try setEpoch(offset, 100) }
            try row.damage()
            let epoch = try open(\.epoch)
            if let expected = row.epoch {
                XCTAssertEqual(epoch, expected, row.what)
            } else {
                XCTAssertGreaterThan(epoch, 1000, row.what)
            }
            XCTAssertEqual(try open(\.epoch), epoch, "mended for good: \(row.what)")
            XCTAssertNotNil(ControlFile.openExisting(in: directory).map { $0.close() }, row.what)
        }
    }

    func testFilesThatAreNoControlFiles() throws {
        for size in [0, 1, 4095, 4097, 100_000] {
            unlink(path)
            files.write("control", String(repeating: "x", count: size))
            XCTAssertNil(ControlFile.openExisting(in: directory), "\(size) bytes")
            try open { control in XCTAssertEqual(control.readCounters(), Counters()) }
            XCTAssertEqual(files.bytes("control")?.count, 4096)
        }
        unlink(path)
        files.write("victim", "untouched")
        XCTAssertEqual(symlink("victim", path), 0)
        try expectRefusal(ELOOP)
        XCTAssertEqual(files.text("victim"), "untouched")
        XCTAssertEqual(mkfifo(path, 0o600), 0)
        try expectRefusal(EPERM)
        if geteuid() == 0 {
            files.write("control", "")
            XCTAssertEqual(chown(path, 65534, 65534), 0)
            try expectRefusal(EPERM)
        }
    }

    private func expectRefusal(_ code: Int32) throws {
        let before = openDescriptorCount()
        XCTAssertThrowsError(try ControlFile.open(in: directory)) { XCTAssertEqual(($0 as? SystemError)?.code, code) }
        XCTAssertNil(ControlFile.openExisting(in: directory))
        XCTAssertEqual(openDescriptorCount(), before)
        unlink(path)
    }

    private var counters: Counters {
        var result = Counters(retiredGeneration: 1, retiredFile: 2)
        result.tally.recorded = 3
        result.tally.delivered = 4
        for reason in 0..<DropReason.count { result.tally.dropped[reason] = UInt64(10 + reason) }
        for counter in Counter.allCases { result.tally.counts[counter] = UInt64(30 + counter.rawValue) }
        result.tally.counts[.refused] = .max
        return result
    }

    func testCountersRoundTrip() throws {
        XCTAssertTrue(try open { $0.write(self.counters) })
        try open { control in
            XCTAssertEqual(control.readCounters(), self.counters)
            XCTAssertEqual(control.readDelivery(), DeliveryState(), "the other slots are the other's")
        }
        let words = try XCTUnwrap(files.bytes("control")).withUnsafeBytes { area in
            (1...19).map { area.loadUnaligned(fromByteOffset: 256 + 8 * $0, as: UInt64.self) }
        }
        XCTAssertEqual(
            words, [1, 2, 3, 4] + (10...19) + [30, .max, 32, 33, 34], "as the format lists them")
    }

    /// What was written before the last time counts when the last was cut short; never half of each.
    func testDamagedCounters() throws {
        var second = counters
        second.tally.recorded = 1000
        try open { control in
            control.write(self.counters)
            control.write(second)
        }
        try patch(512 + 100, [0xFF])
        XCTAssertEqual(try open { $0.readCounters() }, counters)
        try patch(256 + 100, [0xFF])
        XCTAssertEqual(try open { $0.readCounters() }, Counters())
    }

    private var delivery: DeliveryState {
        DeliveryState(
            nextAttempt: .max, lastAttempt: -2, lastSuccess: 3, failures: .max, appendInode: 5, appendLength: 6,
            appendGeneration: 7, appendOffset: .max, lastError: "HTTP 503", taker: "http: POST https://x/")
    }

    func testDeliveryStateRoundTrip() throws {
        XCTAssertEqual(try open { $0.updateDelivery { $0 = self.delivery } }, delivery)
        try open { control in
            XCTAssertEqual(control.readDelivery(), self.delivery)
            XCTAssertEqual(control.readCounters(), Counters())
            XCTAssertNotNil(control.updateDelivery { $0 = DeliveryState() })
            XCTAssertEqual(control.readDelivery(), DeliveryState())
        }
        try patch(1536 + 8, [1])
        XCTAssertEqual(try open { $0.readDelivery() }, delivery)
        try patch(1024 + 8, [1])
        XCTAssertEqual(try open { $0.readDelivery() }, DeliveryState())
    }

    func testErrorTextIsBounded() throws {
        let table = [
            (String(repeating: "x", count: 200), 200), (String(repeating: "x", count: 201), 200),
            (String(repeating: "€", count: 100), 198), ("", 0),
        ]
        try open { control in
            for (text, bytes) in table {
                var state = DeliveryState()
                state.lastError = text
                XCTAssertEqual(control.updateDelivery { $0 = state }, state)
                let kept = control.readDelivery()?.lastError
                XCTAssertEqual(kept?.utf8.count, bytes)
                XCTAssertTrue(text.hasPrefix(kept ?? "none"))
            }
        }
    }
}
