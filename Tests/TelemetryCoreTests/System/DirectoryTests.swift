import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// Directories that belong to this user alone.
final class DirectoryTests: XCTestCase {
    private let files = TemporaryDirectory()

    private func names(_ directory: Descriptor) -> [String] {
        var result: [String] = []
        Directory.forEachName(in: directory) { result.append(String(cString: $0)) }
        return result.sorted()
    }

    private func code(_ body: () throws -> Void) -> Int32? {
        do { try body() } catch { return (error as? SystemError)?.code }
        return nil
    }

    func testForEachName() throws {
        let directory = try Directory.openPrivate(files.path)
        defer { directory.close() }
        XCTAssertEqual(names(directory), [".", ".."])
        // More than one call of getdents64(2), with names from the shortest to the longest.
        let made = (0..<500).map { index in String(index) + String(repeating: "n", count: index % 250) }
        for name in made { files.write(name, "") }
        let expected = ([".", ".."] + made).sorted()
        XCTAssertEqual(names(directory), expected)
        XCTAssertEqual(names(directory), expected, "from the start each time")
    }

    func testForEachNameOfSomethingElse() throws {
        files.write("file", "text")
        let file = try Descriptor.open(files.path + "/file", O_RDONLY)
        XCTAssertEqual(names(file), [])
        file.close()
        XCTAssertEqual(names(Descriptor(raw: -1)), [])
    }

    func testOpenPrivateMakesWhatIsMissing() throws {
        let before = umask(0)
        defer { umask(before) }
        let path = files.path + "/a/b/c"
        try Directory.openPrivate(path).close()
        try Directory.openPrivate(path).close()
        for part in ["/a", "/a/b", "/a/b/c"] {
            var status = stat()
            XCTAssertEqual(stat(files.path + part, &status), 0)
            XCTAssertEqual(status.st_mode & 0o777, 0o700)
        }
    }

    func testWhatCannotBeTrusted() throws {
        let path = files.path + "/d"
        for (mode, expected) in [
            (0o700, nil), (0o755, nil), (0o720, EPERM), (0o702, EPERM), (0o777, EPERM), (0o1777, EPERM),
        ] as [(mode_t, Int32?)] {
            XCTAssertEqual(mkdir(path, 0o700), 0)
            chmod(path, mode)
            XCTAssertEqual(code { try Directory.openPrivate(path).close() }, expected, String(mode, radix: 8))
            XCTAssertEqual(code { try Directory.openExisting(path)?.close() }, expected, String(mode, radix: 8))
            rmdir(path)
        }
        XCTAssertEqual(mkdir(files.path + "/real", 0o700), 0)
        XCTAssertEqual(symlink("real", path), 0)
        XCTAssertNotNil(code { try Directory.openPrivate(path).close() }, "a symbolic link")
        unlink(path)
        files.write("d", "a file")
        XCTAssertEqual(code { try Directory.openPrivate(path).close() }, ENOTDIR)
        XCTAssertEqual(code { try Directory.openPrivate(path + "/below").close() }, ENOTDIR)
        unlink(path)
        if geteuid() == 0 {
            XCTAssertEqual(mkdir(path, 0o700), 0)
            XCTAssertEqual(chown(path, 65534, 65534), 0)
            XCTAssertEqual(code { try Directory.openPrivate(path).close() }, EPERM, "another user's")
        }
    }

    func testMissing() throws {
        XCTAssertNil(try Directory.openExisting(files.path + "/missing"))
        XCTAssertNil(try Directory.openAny(files.path + "/missing"))
        XCTAssertEqual(files.names, [])
    }

    func testNoDescriptorIsLeftOpen() throws {
        XCTAssertEqual(mkdir(files.path + "/d", 0o700), 0)
        chmod(files.path + "/d", 0o777)
        let before = openDescriptorCount()
        for _ in 0..<3 { XCTAssertEqual(code { try Directory.openPrivate(files.path + "/d").close() }, EPERM) }
        XCTAssertEqual(openDescriptorCount(), before)
    }
}
