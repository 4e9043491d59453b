import CSystem
import Foundation
import XCTest

@testable import TelemetryCore

/// Every system call that recording, delivery and erasure make fails once, with each of a few errors. Nothing is lost
/// without being counted, nothing stays open, and the same directory works afterwards.
final class FaultTests: XCTestCase {
    private struct Fault: CustomStringConvertible {
        let call: SystemCall
        let index: Int
        let code: Int32
        var description: String { "\(call) \(index): \(SystemError(code: code).text)" }
    }

    private static func codes(_ call: SystemCall) -> [Int32] {
        switch call {
        case .status, .access: [EIO, EACCES]
        case .open: [EIO, EMFILE, EACCES, ENOSPC, EINTR]
        case .read: [EIO, EINTR]
        case .write, .allocate: [EIO, ENOSPC, EINTR]
        case .truncate, .synchronize: [EIO, EINTR]
        case .lock: [ENOLCK, EINTR]
        case .remove, .rename, .link: [EIO, EACCES]
        case .makeDirectory: [ENOSPC, EACCES]
        case .list: [EIO]
        case .map: [ENOMEM, EACCES]
        case .memory: [ENOMEM]
        }
    }

    /// One run of a program, from an empty home to the look at what is left.
    private final class Scene {
        let home = ScratchHome()
        private(set) var acknowledged: [String] = []
        /// Of collectors that had no spool: nobody else counts them.
        private var droppedInMemory: UInt64 = 0

        /// The processes deliver with telemetry_close() only.
        var isDetached = false

        init() { home.write("true\n", to: "config/telemetry/mytool/enabled") }

        var options: Options {
            let options = ScratchSpool.options(segments: 16)
            if isDetached { options[.deliveryMode] = Int64(TELEMETRY_DETACHED.rawValue) }
            _ = options.setFileBackend(path: nil, maxBytes: 1 << 20, maxFiles: 3)
            return options
        }

        func record(_ collector: Collector, _ run: String, _ count: Int) {
            for index in 0..<count {
                let name = "\(run)-\(index)"
                let status = collector.track(
                    type: "feature.used", name: name,
                    attributes: [("padding", .string(String(repeating: "x", count: 400)))])
                if status == TELEMETRY_OK || status == TELEMETRY_ADJUSTED { acknowledged.append(name) }
            }
        }

        /// What an earlier process left: it has recorded, and delivered nothing.
        func leave() {
            let earlier = Collector.open(options)
            record(earlier, "earlier", 12)
            XCTAssertGreaterThan(openFiles, 0)
            _ = earlier.close(timeoutMilliseconds: 0)
        }

        /// `dropping`: the events that wait at last.
        func work(dropping: Bool = false) {
            let collector = Collector.open(options)
            record(collector, "first", 20)
            _ = collector.flush(timeoutMilliseconds: 1000)
            record(collector, "second", dropping ? 20 : 3)
            if dropping { _ = collector.drop() }
            let seen = collector.statistics()
            if seen.storage == Int32(TELEMETRY_STORAGE_HEAP.rawValue) { droppedInMemory = seen.dropped }
            _ = collector.close(timeoutMilliseconds: 1000)
        }

        func erase() { _ = SpoolInspector.erase(options: options) }

        private var logged: [String] {
            let path = home.path + "/state/telemetry/mytool/events.jsonl"
            let lines = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n") ?? []
            return lines.compactMap { line in
                let event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return event?["name"] as? String ?? "not an event: \(line)"
            }
        }

        /// Those of other tests come and go meanwhile.
        var openFiles: Int {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
            return names.count { name in
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)
                return target?.contains((home.path as NSString).lastPathComponent) == true
            }
        }

        private static var mappedFiles: Int {
            let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
            return maps.split(separator: "\n").count { $0.contains("/telemetry/mytool/") }
        }

        /// A worker that close() did not wait for ends by itself, on a busy machine somewhat later.
        private func settles(_ isDone: () -> Bool) -> Bool {
            let deadline = Date(timeIntervalSinceNow: 10)
            while !isDone() {
                if Date() > deadline { return false }
                usleep(10_000)
            }
            return true
        }

        /// What is wrong afterwards.
        func problems() -> [String] {
            var problems: [String] = []
            func check(_ isTrue: Bool, _ what: @autoclosure () -> String) { if !isTrue { problems.append(what()) } }
            check(settles { openFiles == 0 }, "\(openFiles) files stay open")
            check(settles { Self.mappedFiles == 0 }, "\(Self.mappedFiles) files stay mapped")
            let next = Collector.open(options)
            record(next, "after", 1)
            let status = next.flush(timeoutMilliseconds: 1000, ignoringBackoff: true)
            check(status == TELEMETRY_OK, "the next flush: \(status.rawValue)")
            _ = next.close(timeoutMilliseconds: 1000)
            check(settles { openFiles == 0 }, "files stay open in the next run")
            guard let totals = SpoolInspector.statistics(options: options) else { return problems + ["no totals"] }
            let logged = logged
            let lost = acknowledged.filter { !logged.contains($0) }
            check(totals.pending == 0, "\(totals.pending) still wait")
            check(
                totals.recorded == totals.delivered + totals.pending + totals.dropped,
                "\(totals.recorded) is not \(totals.delivered) + \(totals.pending) + \(totals.dropped)")
            check(
                UInt64(lost.count) <= totals.dropped + droppedInMemory,
                "lost \(lost), dropped \(totals.dropped) and \(droppedInMemory)")
            check(totals.delivered <= logged.count, "delivered \(totals.delivered), \(logged.count) in the log")
            check(logged.contains("after-0"), "the next event is not in the log")
            check(!logged.contains { $0.hasPrefix("not an event") }, "a torn line in the log")
            return problems
        }
    }

    private static let limit = 16

    /// Runs `scenario` without a fault, and then for each kind of call with one of its errors, at most at `limit` places.
    /// With `TELEMETRY_EVERY_FAULT` set: for each call and each error, which takes minutes.
    private func forEachFault(detached isDetached: Bool = false, _ scenario: (Scene) -> Void) {
        func run(_ fault: Fault?) -> [SystemCall: Int] {
            let scene = Scene()
            defer { scene.home.restore() }
            scene.isDetached = isDetached
            scene.leave()
            let counts = SystemFault.during(fault.map { ($0.call, $0.index, $0.code) }) { scenario(scene) }
            for problem in scene.problems() {
                XCTFail("\(fault?.description ?? "no fault"): \(problem)")
            }
            return counts
        }
        let isEvery = getenv("TELEMETRY_EVERY_FAULT") != nil
        let counts = run(nil)
        XCTAssertGreaterThan(counts.count, 5, "\(counts)")
        for call in SystemCall.allCases {
            let (count, codes) = (counts[call] ?? 0, Self.codes(call))
            for index in stride(from: 0, to: count, by: isEvery ? 1 : max(1, count / Self.limit)) {
                for code in isEvery ? codes : [codes[index % codes.count]] {
                    _ = run(Fault(call: call, index: index, code: code))
                }
            }
        }
    }

    func testRecordAndDeliver() { forEachFault { $0.work() } }

    func testDetached() { forEachFault(detached: true) { $0.work() } }

    func testDrop() { forEachFault { $0.work(dropping: true) } }

    func testErase() { forEachFault { $0.erase() } }

    func testOneCallFails() throws {
        let files = TemporaryDirectory()
        let directory = try Directory.openPrivate(files.path)
        defer { directory.close() }
        let counts = try SystemFault.during((.rename, 1, EIO)) {
            XCTAssertNoThrow(try PrivateFile.replace(in: directory, "first", [1], durable: false))
            XCTAssertThrowsError(try PrivateFile.replace(in: directory, "second", [2], durable: false)) {
                XCTAssertEqual($0 as? SystemError, SystemError(code: EIO))
            }
        }
        XCTAssertEqual(counts[.rename], 2)
        XCTAssertEqual(files.names, ["first"])
        XCTAssertNoThrow(try PrivateFile.replace(in: directory, "second", [2], durable: false), "it fails only once")
    }

    /// A signal that interrupts a call is not an error.
    func testInterruptedCallsAreRepeated() throws {
        let files = TemporaryDirectory()
        let directory = try Directory.openPrivate(files.path)
        defer { directory.close() }
        for call in [SystemCall.open, .write, .synchronize] {
            let counts = try SystemFault.during((call, 0, EINTR)) {
                XCTAssertNoThrow(try PrivateFile.replace(in: directory, "file", [1], durable: true), "\(call)")
            }
            XCTAssertGreaterThan(counts[call] ?? 0, 1)
        }
    }
}
