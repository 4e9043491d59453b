import CSystem
import XCTest

@testable import TelemetryCore

/// B3: what is done to the copies afterwards shows; what a crash does, does not.
final class AuditVerdictTests: XCTestCase {
    func testTampering() {
        let cases: [(what: String, change: (inout [String]) -> Void, line: Int, reason: String)] = [
            (
                "an altered byte", { $0[2] = $0[2].replacingOccurrences(of: "event-2", with: "event-X") }, 3,
                "was altered"
            ),
            ("a removed first line", { $0.removeFirst() }, 1, "entries 1 to 1 before the line were removed"),
            ("a removed line", { $0.remove(at: 2) }, 3, "entries 3 to 3 before the line were removed"),
            ("two removed last lines", { $0.removeLast(2) }, 4, "entries 4 to 5 at the end were removed"),
            ("everything removed", { $0.removeAll() }, 1, "entries 1 to 5 at the end were removed"),
            ("swapped lines", { $0.swapAt(1, 2) }, 2, "entries 2 to 2 before the line were removed"),
            ("a line twice", { $0.insert($0[1], at: 2) }, 3, "added or moved"),
            ("an appended line", { $0.append("{\"seq\":6}") }, 6, "not an entry"),
            ("a line of something else", { $0.insert("", at: 0) }, 1, "not an entry"),
        ]
        for item in cases {
            let scene = AuditScene()
            scene.pass(1, 1, 1, 1, 1)
            scene.rewrite(AuditLog.fileName, item.change)
            guard case .broken(let file, let line, let reason) = scene.verdict else {
                XCTFail("\(item.what): \(scene.verdict)")
                continue
            }
            XCTAssertEqual(file, AuditLog.fileName, item.what)
            XCTAssertEqual(line, item.line, "\(item.what): \(reason)")
            XCTAssertTrue(reason.contains(item.reason), "\(item.what): \(reason)")
            // What comes later does not hide it.
            scene.pass(2)
            if case .unbroken = scene.verdict { XCTFail("\(item.what) is hidden by what comes later") }
        }
    }

    func testRewrittenChain() {
        let scene = AuditScene()
        let forged = AuditScene()
        scene.pass(1, 1, 1)
        forged.pass(1, 1)
        forged.pass(1)
        scene.spool.files.write(AuditLog.fileName, forged.spool.files.text(AuditLog.fileName)!)
        guard case .broken(_, 3, let reason) = scene.verdict else { return XCTFail("\(scene.verdict)") }
        XCTAssertTrue(reason.contains("rewritten"), reason)
    }

    /// One whose own hash is right.
    func testReplacedLine() {
        let scene = AuditScene()
        let forged = AuditScene()
        scene.pass(1, 1, 1, 1, 1)
        forged.pass(1, 1, 1, 1, 1)
        let line = forged.lines()[2]
        scene.rewrite(AuditLog.fileName) { $0[2] = line }
        guard case .broken(_, 3, let reason) = scene.verdict else { return XCTFail("\(scene.verdict)") }
        XCTAssertTrue(reason.contains("does not follow"), reason)
    }

    func testRemovedHead() {
        let scene = AuditScene()
        scene.pass(2)
        _ = scene.shared.directory.path(AuditHead.fileName) { unlink($0) }
        guard case .broken(AuditHead.fileName, 0, _) = scene.verdict else { return XCTFail("\(scene.verdict)") }
        scene.pass(1)
        guard case .broken(AuditLog.fileName, 1, _) = scene.verdict else { return XCTFail("\(scene.verdict)") }
    }

    func testRemovedFiles() {
        let scene = AuditScene()
        for _ in 0..<12 { scene.pass(10, limit: 8192) }
        for name in [AuditLog.olderName, AuditLog.fileName] {
            let text = scene.spool.files.text(name)!
            try? FileManager.default.removeItem(atPath: scene.spool.files.path + "/" + name)
            guard case .broken = scene.verdict else { return XCTFail("\(name): \(scene.verdict)") }
            scene.spool.files.write(name, text)
        }
        if case .broken = scene.verdict { XCTFail("\(scene.verdict)") }
    }

    func testNothingSentIsUnbroken() { XCTAssertEqual(AuditScene().verdict, .unbroken(entries: 0)) }

    // MARK: crashes

    func testCrashBeforeTheHead() {
        let scene = AuditScene()
        scene.pass(1, 1)
        let head = scene.spool.files.text(AuditHead.fileName)!
        scene.pass(1, 1, 1)
        scene.spool.files.write(AuditHead.fileName, head)
        XCTAssertEqual(scene.verdict, .unbroken(entries: 5))
        scene.pass(1)
        XCTAssertEqual(scene.verdict, .unbroken(entries: 6))
        XCTAssertEqual(try AuditHead.read(in: scene.shared.directory)?.sequence, 6)
    }

    func testCrashInTheMiddleOfALine() {
        let scene = AuditScene()
        scene.pass(1, 1)
        let head = scene.spool.files.text(AuditHead.fileName)!
        scene.pass(1, 1)
        let whole = scene.spool.files.text(AuditLog.fileName)!
        scene.spool.files.write(AuditHead.fileName, head)
        scene.spool.files.write(AuditLog.fileName, String(whole.dropLast(300)))
        XCTAssertEqual(scene.verdict, .unbroken(entries: 3))
        scene.pass(1)
        XCTAssertEqual(scene.verdict, .unbroken(entries: 4))
        XCTAssertEqual(scene.lines().count, 4)
    }

    func testCrashInTheMiddleOfARotation() throws {
        for isRenamed in [false, true] {
            let scene = AuditScene()
            for _ in 0..<11 { scene.pass(8, limit: 8192) }
            let current = scene.lines().count
            let older = scene.lines(AuditLog.olderName).count
            XCTAssertTrue(current > 0 && older > 0)
            var head = try XCTUnwrap(try AuditHead.read(in: scene.shared.directory))
            head.isRotating = true
            try head.write(in: scene.shared.directory)
            if isRenamed { try scene.shared.directory.renameEntry(AuditLog.fileName, AuditLog.olderName) }
            let kept = isRenamed ? current : current + older
            XCTAssertEqual(scene.verdict, .unbroken(entries: kept), "renamed: \(isRenamed)")
            scene.pass(2)
            XCTAssertEqual(scene.verdict, .unbroken(entries: kept + 1), "renamed: \(isRenamed)")
            XCTAssertEqual(scene.lines(AuditLog.olderName).count, isRenamed ? current : older)
        }
    }

    /// Whatever stands in the files, looking at them ends.
    func testAnyBytes() {
        var random = SystemRandomNumberGenerator()
        let scene = AuditScene()
        scene.pass(4)
        let files = [AuditLog.fileName, AuditHead.fileName].map {
            (name: $0, bytes: [UInt8](scene.spool.files.bytes($0)!))
        }
        for _ in 0..<100 {
            for file in files {
                var bytes = file.bytes
                for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                bytes.removeLast(Int.random(in: 0...min(200, bytes.count), using: &random))
                try! Data(bytes).write(to: URL(fileURLWithPath: scene.spool.files.path + "/" + file.name))
            }
            _ = scene.verdict
            scene.pass(1)
        }
    }
}

extension Descriptor {
    fileprivate func path<R>(_ name: String, _ body: (UnsafePointer<CChar>) -> R) -> R {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(raw)")) ?? ""
        return (path + "/" + name).withCString(body)
    }
}
