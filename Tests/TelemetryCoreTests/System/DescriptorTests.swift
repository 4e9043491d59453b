import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

final class DescriptorTests: XCTestCase {
    private let files = TemporaryDirectory()

    private func open(_ name: String, _ flags: Int32 = O_RDWR | O_CREAT) throws -> Descriptor {
        try Descriptor.open(files.path + "/" + name, flags)
    }

    private func code(_ body: () throws -> Void) -> Int32? {
        do { try body() } catch { return (error as? SystemError)?.code }
        return nil
    }

    func testOpenedFilesStayInTheProcessAndAreNoLinks() throws {
        let file = try open("a")
        defer { file.close() }
        XCTAssertNotEqual(fcntlFlags(file) & FD_CLOEXEC, 0)
        XCTAssertEqual(try file.status().st_mode & 0o777, 0o600)
        XCTAssertTrue(try file.status().isOwnRegularFile)
        XCTAssertEqual(symlink("a", files.path + "/link"), 0)
        XCTAssertEqual(code { _ = try open("link") }, ELOOP)
        XCTAssertEqual(code { _ = try open("missing", O_RDWR) }, ENOENT)
    }

    private func fcntlFlags(_ file: Descriptor) -> Int32 { fcntl(file.raw, F_GETFD) }

    func testReadAllStopsAtTheLimit() throws {
        files.write("a", String(repeating: "x", count: 10_000))
        for (limit, expected) in [(0, 0), (1, 1), (4096, 4096), (9_999, 9_999), (10_000, 10_000), (20_000, 10_000)] {
            let file = try open("a", O_RDONLY)
            XCTAssertEqual(try file.readAll(limit: limit).count, expected)
            file.close()
        }
        let directory = try Descriptor.open(files.path, O_RDONLY | O_DIRECTORY)
        defer { directory.close() }
        XCTAssertEqual(code { _ = try directory.readAll(limit: 10) }, EISDIR)
    }

    func testWriteAll() throws {
        let file = try open("a")
        defer { file.close() }
        let bytes = [UInt8](repeating: 7, count: 300_000)
        try bytes.withUnsafeBytes { try file.writeAll($0) }
        try file.writeAll(UnsafeRawBufferPointer(start: nil, count: 0))
        XCTAssertEqual(files.bytes("a").map { Array($0) }, bytes)
        let reader = try open("a", O_RDONLY)
        defer { reader.close() }
        XCTAssertEqual(code { try bytes.withUnsafeBytes { try reader.writeAll($0) } }, EBADF)
    }

    func testTruncateAndEndOfLine() throws {
        let file = try open("a")
        defer { file.close() }
        try Array("hello".utf8).withUnsafeBytes { try file.writeAll($0) }
        try file.truncate(to: 2)
        XCTAssertEqual(files.text("a"), "he")
        XCTAssertTrue(try file.isInMidLine(at: 2))
        XCTAssertFalse(try file.isInMidLine(at: 0))
        try Array("\n".utf8).withUnsafeBytes { try file.overwrite($0, at: 1) }
        XCTAssertFalse(try file.isInMidLine(at: 2))
        let closed = Descriptor(raw: -1)
        XCTAssertEqual(code { _ = try closed.isInMidLine(at: 2) }, EBADF, "what cannot be read is not known")
    }

    func testAllocate() throws {
        let file = try open("a")
        defer { file.close() }
        try file.allocate(100_000)
        let status = try file.status()
        XCTAssertEqual(status.st_size, 100_000)
        XCTAssertGreaterThanOrEqual(status.st_blocks * 512, 100_000)
        FileSizeLimit.during(200_000) {
            XCTAssertEqual(code { try file.allocate(200_001) }, EFBIG, "an error here, and no SIGXFSZ")
            XCTAssertNil(code { try file.allocate(200_000) })
        }
        let pipe = Pipe()
        XCTAssertNotNil(code { try Descriptor(raw: pipe.fileHandleForWriting.fileDescriptor).allocate(10) })
    }

    func testLockIsOneHolders() throws {
        let (first, second) = (try open("a"), try open("a"))
        XCTAssertTrue(first.tryLock())
        XCTAssertTrue(first.tryLock(), "the same holder")
        XCTAssertFalse(second.tryLock())
        let before = Clock.monotonic()
        XCTAssertFalse(second.lock(until: Deadline(timeoutMilliseconds: 30)))
        XCTAssertGreaterThanOrEqual(Clock.monotonic() - before, 30_000_000)
        var asked = 0
        XCTAssertFalse(
            second.lock(until: .never) {
                asked += 1
                return asked == 3
            })
        first.unlock()
        XCTAssertTrue(second.lock(until: Deadline(nanoseconds: 0)), "free: taken even when the deadline is past")
        second.close()
        XCTAssertTrue(first.tryLock(), "closing lets go")
        first.close()
    }

    func testEntries() throws {
        let directory = try Descriptor.open(files.path, O_RDONLY | O_DIRECTORY)
        defer { directory.close() }
        files.write("a", "1")
        files.write("b", "2")
        try directory.renameEntry("a", "b")
        XCTAssertEqual(files.names, ["b"])
        XCTAssertEqual(files.text("b"), "1")
        XCTAssertTrue(try directory.removeEntry("b"))
        XCTAssertFalse(try directory.removeEntry("b"))
        XCTAssertEqual(code { try directory.renameEntry("a", "b") }, ENOENT)
    }

    func testTextOfAnError() {
        XCTAssertEqual(SystemError(code: ENOENT).text, "No such file or directory")
        XCTAssertFalse(SystemError(code: 12345).text.isEmpty)
        XCTAssertTrue(SystemError(code: ENOENT).isMissing)
        XCTAssertFalse(SystemError(code: EACCES).isMissing)
    }
}
