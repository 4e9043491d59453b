import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// F (file: JSON Lines, 0600, rotation), E6 (a failure keeps the events and the log whole).
final class FileBackendTests: XCTestCase {
    private let directory = TemporaryDirectory()

    private func backend(_ name: String = "events.jsonl", maxBytes: Int64 = 1 << 20, maxFiles: Int = 3) -> FileBackend {
        FileBackend(path: directory.path + "/" + name, maxBytes: maxBytes, maxFiles: maxFiles)
    }

    private func names(in file: String) -> [String] {
        (directory.text(file) ?? "").split(separator: "\n").map { line in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["name"] as? String ?? "not JSON: \(line)"
        }
    }

    private func control(_ journal: FakeJournal) -> SendControl { SendControl(deadline: .never, journal: journal) }

    func testSpans() throws {
        XCTAssertEqual(
            Batch([SpanSample.full, SpanSample.abandoned]).send(to: backend("spans.jsonl")).verdict, .accepted)
        XCTAssertEqual(names(in: "spans.jsonl"), ["get \"it\"", "GET /items"])
    }

    func testAppendsLinesToAPrivateFile() throws {
        XCTAssertEqual(Batch(count: 2).send(to: backend("a/b/events.jsonl")).verdict, .accepted)
        XCTAssertEqual(Batch(count: 2, from: 2).send(to: backend("a/b/events.jsonl")).verdict, .accepted)
        XCTAssertEqual(names(in: "a/b/events.jsonl"), (0..<4).map { "event-\($0)" })
        for (name, mode) in [("a", 0o700), ("a/b", 0o700), ("a/b/events.jsonl", 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/" + name)
            XCTAssertEqual(attributes[.posixPermissions] as? Int, mode, name)
        }
    }

    /// Never above the bound, never more files than allowed, nothing lost but the oldest, in order.
    func testRotationKeepsItsBounds() {
        for maxFiles in 1...4 {
            let log = "log-\(maxFiles)"
            let backend = backend(log, maxBytes: 4096, maxFiles: maxFiles)
            for number in 0..<60 {
                XCTAssertEqual(Batch(count: 2, from: number * 2).send(to: backend).verdict, .accepted)
                let files = directory.names.filter { $0.hasPrefix(log) }
                XCTAssertLessThanOrEqual(files.count, maxFiles)
                for file in files { XCTAssertLessThanOrEqual(directory.bytes(file)?.count ?? .max, 4096) }
            }
            let order = (1..<maxFiles).reversed().map { log + "." + String($0) } + [log]
            let kept = order.flatMap { names(in: $0) }
            XCTAssertEqual(kept, (120 - kept.count..<120).map { "event-\($0)" })
            XCTAssertGreaterThan(kept.count, maxFiles * 4)
        }
    }

    func testSurplusFilesOfAnEarlierSettingGo() {
        for name in ["log", "log.1", "log.2", "log.3", "log.4"] {
            directory.write(name, String(repeating: "x", count: 4000) + "\n")
        }
        XCTAssertEqual(Batch(count: 1).send(to: backend("log", maxBytes: 4096, maxFiles: 2)).verdict, .accepted)
        XCTAssertEqual(directory.names, ["log", "log.1"])
        XCTAssertEqual(names(in: "log"), ["event-0"])
    }

    func testBatchAboveTheBoundIsSplitAndASingleEventStandsAlone() {
        let backend = backend(maxBytes: 4096)
        XCTAssertEqual(Batch(count: 20).send(to: backend).verdict, .split)
        XCTAssertEqual(directory.bytes("events.jsonl")?.count, 0)
        XCTAssertEqual(Batch(count: 1).send(to: backend).verdict, .accepted)
        XCTAssertEqual(Batch(count: 1, from: 7, padding: 10_000).send(to: backend).verdict, .accepted)
        XCTAssertEqual(names(in: "events.jsonl"), ["event-7"])
        XCTAssertEqual(names(in: "events.jsonl.1"), ["event-0"])
    }

    func testTornLastLineDoesNotSpoilTheNext() {
        directory.write("events.jsonl", "{\"torn\":")
        XCTAssertEqual(Batch(count: 1).send(to: backend()).verdict, .accepted)
        XCTAssertEqual(names(in: "events.jsonl"), ["not JSON: {\"torn\":", "event-0"])
    }

    func testJournalIsWrittenBeforeTheAppend() throws {
        directory.write("events.jsonl", "{}\n")
        let journal = FakeJournal()
        XCTAssertEqual(Batch(count: 1).send(to: backend(), control(journal)).verdict, .accepted)
        XCTAssertEqual(journal.begun?.length, 3)
        XCTAssertEqual(journal.begun?.inode, try inode("events.jsonl"))
    }

    func testUnfinishedAppendIsTakenBack() throws {
        directory.write("events.jsonl", "{}\n{\"half\":")
        let journal = FakeJournal(unfinished: (try inode("events.jsonl"), 3))
        XCTAssertEqual(Batch(count: 1).send(to: backend(), control(journal)).verdict, .accepted)
        XCTAssertEqual(journal.cleared, 1)
        let text = directory.text("events.jsonl") ?? ""
        XCTAssertTrue(text.hasPrefix("{}\n{\"schema_version\""), text)
    }

    func testUnfinishedAppendIsTakenBackFromTheRotatedFile() throws {
        directory.write("events.jsonl.1", "{}\n{\"half\":")
        directory.write("events.jsonl", "{}\n")
        let journal = FakeJournal(unfinished: (try inode("events.jsonl.1"), 3))
        XCTAssertEqual(Batch(count: 1).send(to: backend(), control(journal)).verdict, .accepted)
        XCTAssertEqual(directory.text("events.jsonl.1"), "{}\n")
        XCTAssertEqual(journal.cleared, 1)
    }

    func testJournalOfAnotherFileCutsNothing() throws {
        directory.write("events.jsonl", "{}\n{}\n")
        let journal = FakeJournal(unfinished: (try inode("events.jsonl") &+ 1, 3))
        XCTAssertEqual(Batch(count: 1).send(to: backend(), control(journal)).verdict, .accepted)
        XCTAssertTrue(directory.text("events.jsonl")?.hasPrefix("{}\n{}\n{\"schema") ?? false)
    }

    func testLengthBeyondTheFileDoesNotGrowIt() throws {
        directory.write("events.jsonl", "{}\n")
        let journal = FakeJournal(unfinished: (try inode("events.jsonl"), .max))
        XCTAssertEqual(Batch(count: 1).send(to: backend(), control(journal)).verdict, .accepted)
        XCTAssertTrue(directory.text("events.jsonl")?.hasPrefix("{}\n{\"schema") ?? false)
    }

    /// What must not be written to: each keeps the events and says why.
    func testRefusesWhatIsNotAPlainFileOfOurs() throws {
        directory.write("target", "untouched")
        let path = directory.path
        XCTAssertEqual(symlink(path + "/target", path + "/link"), 0)
        XCTAssertEqual(Foundation.link(path + "/target", path + "/second"), 0)
        XCTAssertEqual(mkfifo(path + "/fifo", 0o600), 0)
        XCTAssertEqual(mkdir(path + "/directory", 0o700), 0)
        var cases = ["link", "second", "fifo", "directory"]
        if geteuid() == 0 {
            directory.write("foreign", "untouched")
            XCTAssertEqual(chown(path + "/foreign", 65_534, 65_534), 0)
            cases.append("foreign")
        }
        for name in cases {
            let outcome = Batch(count: 1).send(to: backend(name))
            XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil), name)
            XCTAssertTrue(outcome.reason.hasPrefix(path + "/" + name + ": "), outcome.reason)
        }
        XCTAssertEqual(directory.text("target"), "untouched")
    }

    /// RLIMIT_FSIZE: a failed write that would raise SIGXFSZ, whose default action ends the process.
    func testFileSizeLimitNeitherKillsNorTears() throws {
        XCTAssertEqual(Batch(count: 1).send(to: backend()).verdict, .accepted)
        let before = directory.bytes("events.jsonl")
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        var small = rlimit(rlim_cur: rlim_t((before?.count ?? 0) + 700), rlim_max: limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &small)
        let journal = FakeJournal()
        let outcome = Batch(count: 5).send(to: backend(), control(journal))
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
        XCTAssertEqual(directory.bytes("events.jsonl"), before)
        XCTAssertEqual(journal.cleared, 1)
        var pending = sigset_t()
        sigpending(&pending)
        XCTAssertEqual(sigismember(&pending, SIGXFSZ), 0)
    }

    /// ENOSPC in mid-batch, on a file system of 64 KiB.
    func testFullDiskKeepsTheLogWhole() throws {
        let mount = directory.path + "/full"
        XCTAssertEqual(mkdir(mount, 0o700), 0)
        guard geteuid() == 0, run("/bin/mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", mount) == 0 else {
            throw XCTSkip("needs the right to mount a tmpfs")
        }
        defer { XCTAssertEqual(run("/bin/umount", mount), 0) }
        let backend = backend("full/events.jsonl", maxBytes: 10 << 20)
        var accepted = 0
        var outcome = Outcome(verdict: .accepted)
        while accepted < 1000 {
            outcome = Batch(count: 7, from: accepted, padding: 100).send(to: backend)
            if outcome.verdict != .accepted { break }
            accepted += 7
        }
        XCTAssertEqual(outcome.verdict, .retry(afterSeconds: nil))
        XCTAssertTrue(outcome.reason.hasSuffix("No space left on device"), outcome.reason)
        XCTAssertGreaterThan(accepted, 0)
        XCTAssertEqual(names(in: "full/events.jsonl"), (0..<accepted).map { "event-\($0)" })
    }

    private func run(_ path: String, _ arguments: String...) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardError = nil
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }

    private func inode(_ name: String) throws -> UInt64 {
        let number = try FileManager.default.attributesOfItem(atPath: directory.path + "/" + name)[.systemFileNumber]
        return try XCTUnwrap((number as? NSNumber)?.uint64Value)
    }
}

private final class FakeJournal: AppendJournal {
    private(set) var begun: (inode: UInt64, length: UInt64)?
    private(set) var unfinished: (inode: UInt64, length: UInt64)?
    private(set) var cleared = 0

    init(unfinished: (inode: UInt64, length: UInt64)? = nil) { self.unfinished = unfinished }
    func begin(inode: UInt64, length: UInt64) { begun = (inode, length) }
    func clear() {
        unfinished = nil
        cleared += 1
    }
}
