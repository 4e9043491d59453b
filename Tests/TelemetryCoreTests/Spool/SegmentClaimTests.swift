import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// E3: files that stand where a segment should. None is followed, none waits, none leaks a descriptor.
final class SegmentClaimTests: XCTestCase {
    private let scratch = ScratchSpool()
    private var shared: SpoolDirectory!
    private let fileName = "00000000000000ff.seg"
    private var path: String { scratch.files.path + "/" + fileName }

    override func setUpWithError() throws { shared = try scratch.open() }
    override func tearDown() { shared.close() }

    private func claim(mapping: Bool) -> Segment.Claim {
        Segment.claim(fileName, in: shared.directory, reading: mapping ? .mapped : .everything)
    }

    private func put(_ bytes: [UInt8]) {
        XCTAssertTrue(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
    }

    /// A whole file with one record and `change` made to it.
    private func putSegment(_ change: (inout [UInt8]) -> Void = { _ in }) {
        let heap = Sample.heapSegment(size: 8192, ["a"])
        defer { heap.release(removingFrom: nil) }
        var bytes = Array(UnsafeRawBufferPointer(start: heap.base, count: 8192))
        change(&bytes)
        put(bytes)
    }

    private func expectUnavailable(_ what: String) {
        let before = openDescriptorCount()
        for mapping in [false, true] { XCTAssertTrue(claim(mapping: mapping).isUnavailable, what) }
        XCTAssertEqual(openDescriptorCount(), before, what)
        unlink(path)
        rmdir(path)
    }

    func testWhatIsNotOursIsLeftAlone() throws {
        expectUnavailable("missing")
        putSegment()
        XCTAssertEqual(rename(path, scratch.files.path + "/elsewhere"), 0)
        XCTAssertEqual(symlink("elsewhere", path), 0)
        expectUnavailable("a symbolic link to a segment")
        XCTAssertEqual(mkdir(path, 0o700), 0)
        expectUnavailable("a directory")
        XCTAssertEqual(mkfifo(path, 0o600), 0)
        expectUnavailable("a FIFO")
        putSegment()
        let held = try Descriptor.open(path, O_RDWR)
        XCTAssertTrue(held.tryLock())
        expectUnavailable("held by a living process")
        held.close()
        XCTAssertTrue(Segment.claim("other.seg", in: shared.directory, reading: .everything).isUnavailable)
    }

    func testForeignOwner() throws {
        try XCTSkipIf(geteuid() != 0, "only root can give a file away")
        putSegment()
        XCTAssertEqual(chown(path, 65534, 65534), 0)
        expectUnavailable("another user's")
    }

    /// Damaged files count by their state word, as far as it can be believed.
    func testDamagedHeaders() {
        func clearMagic(_ bytes: inout [UInt8]) { for offset in [1024, 2560] { bytes[offset] = 0 } }
        func setState(_ bytes: inout [UInt8], _ raw: UInt64) {
            withUnsafeBytes(of: raw.littleEndian) { bytes.replaceSubrange(0..<8, with: $0) }
        }
        let full = UInt64(8192 / 8) | 9 << 24
        let table: [(what: String, count: Int, make: () -> Void)] = [
            ("empty", 0, { self.put([]) }),
            ("one byte", 0, { self.put([1]) }),
            ("one byte short of a header", 0, { self.put([UInt8](repeating: 0xFF, count: 4095)) }),
            ("garbage", 0, { self.put([UInt8](repeating: 0xA5, count: 8192)) }),
            ("no description", 1, { self.putSegment(clearMagic) }),
            (
                "no description, full", 9,
                {
                    self.putSegment {
                        clearMagic(&$0)
                        setState(&$0, full)
                    }
                }
            ),
            (
                "tail beyond the file", 0,
                {
                    self.putSegment {
                        clearMagic(&$0)
                        setState(&$0, full + 1)
                    }
                }
            ),
            (
                "tail in the header", 0,
                {
                    self.putSegment {
                        clearMagic(&$0)
                        setState(&$0, 9 << 24 | 1)
                    }
                }
            ),
        ]
        for row in table {
            row.make()
            let before = openDescriptorCount()
            let damaged = claim(mapping: false)
            XCTAssertTrue(claim(mapping: false).isUnavailable, "locked meanwhile: \(row.what)")
            XCTAssertEqual(damaged.damagedCount(), row.count, row.what)
            XCTAssertTrue(claim(mapping: true).isUnavailable, "not to be recorded into: \(row.what)")
            XCTAssertEqual(openDescriptorCount(), before, row.what)
            unlink(path)
        }
    }

    /// One description suffices, and a file cut short gives what is left of it.
    func testPartlyDamagedFilesAreRead() throws {
        putSegment { $0[1024] = 0 }
        for mapping in [false, true] {
            let segment = try XCTUnwrap(claim(mapping: mapping).segment)
            XCTAssertEqual(segment.description.offset, 2560)
            XCTAssertEqual(Sample.names(segment), ["a"])
            segment.release(removingFrom: nil)
        }
        for size in [8191, 5000, 4096] {
            putSegment { $0.removeLast(8192 - size) }
            let segment = try XCTUnwrap(claim(mapping: false).segment, "\(size)")
            XCTAssertEqual(Sample.names(segment), size > 4096 ? ["a"] : [])
            segment.release(removingFrom: nil)
            XCTAssertTrue(claim(mapping: true).isUnavailable, "\(size)")
        }
    }

    /// With holes, to record into it would raise SIGBUS on a full disk; to read it is fine.
    func testSparseFileIsNotRecordedInto() throws {
        putSegment()
        XCTAssertEqual(truncate(path, 1 << 20), 0)
        XCTAssertTrue(claim(mapping: true).isUnavailable)
        let segment = try XCTUnwrap(claim(mapping: false).segment)
        XCTAssertEqual(Sample.names(segment), ["a"])
        segment.release(removingFrom: nil)
    }

    /// More than the format allows is not read.
    func testTooLargeAFile() throws {
        putSegment()
        XCTAssertEqual(truncate(path, 1 << 30), 0)
        let segment = try XCTUnwrap(claim(mapping: false).segment)
        XCTAssertEqual(segment.size, SegmentLayout.maximumSize)
        segment.release(removingFrom: nil)
        XCTAssertTrue(claim(mapping: true).isUnavailable)
    }
}
