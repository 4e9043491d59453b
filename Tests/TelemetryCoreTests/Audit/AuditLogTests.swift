import CSystem
import XCTest

@testable import TelemetryCore

/// B3: the user's copy of what was delivered, as it is written.
final class AuditLogTests: XCTestCase {
    private let scene = AuditScene()

    func testOneLineABatch() throws {
        scene.pass(2, 1)
        XCTAssertEqual(scene.objects().map { $0["seq"] as? Int }, [1, 2])
        XCTAssertEqual(
            Set(scene.objects()[0].keys), ["seq", "time", "backend", "outcome", "context", "events", "prev", "hash"])
        XCTAssertEqual(scene.objects()[0]["outcome"] as? String, "accepted")
        XCTAssertEqual(scene.objects()[0]["backend"] as? String, "scripted")
        let batch = Batch(count: 3)
        let events = try batch.views.map { view in
            var json = EventJSON()
            json.write(view, withContext: false)
            return String(decoding: try XCTUnwrap(json.bytes), as: UTF8.self)
        }
        let context = """
            ,"context":{"machine_id":"00ff","tool_name":"mytool","version":"1.2.3","os":"linux","arch":"x86_64","os_version":"12","runtime":"c"}
            """
        XCTAssertTrue(
            scene.lines()[0].contains(context + ",\"events\":[" + events[0] + "," + events[1] + "],\"prev\":"),
            scene.lines()[0])
        XCTAssertTrue(
            scene.lines()[1].contains(context + ",\"events\":[" + events[2] + "],\"prev\":"), scene.lines()[1])
        XCTAssertEqual(scene.verdict, .unbroken(entries: 2))
    }

    /// A large batch makes several entries; events of different contexts never share one.
    func testEntriesAreBounded() throws {
        scene.pass(3000)
        let lines = scene.lines()
        XCTAssertGreaterThan(lines.count, 2)
        XCTAssertTrue(lines.allSatisfy { $0.utf8.count < 66 << 10 }, "\(lines.map { $0.utf8.count })")
        XCTAssertEqual(scene.eventNames(), (0..<3000).map { "event-\($0)" })
        let (one, other) = (Batch(count: 2), Batch(count: 1, from: 2))
        let log = AuditLog(scene.shared)
        (one.views + other.views).withUnsafeBufferPointer { log.append($0, "accepted", ScriptedBackend()) }
        log.close()
        XCTAssertEqual(scene.objects().suffix(2).map { ($0["events"] as? [Any])?.count }, [2, 1])
        XCTAssertEqual(scene.verdict, .unbroken(entries: lines.count + 2))
    }

    /// An entry of the form before this one, with one event, goes on being a link of the chain.
    func testEntriesOfOneEventAreLinks() throws {
        let line =
            #"{"seq":1,"time":"2026-05-12T14:30:45.123456789Z","backend":"b","outcome":"accepted","event":{},"prev":""#
            + String(repeating: "0", count: 64) + "\""
        let hash = Hexadecimal.text(SHA256.digest(Array((line + "}").utf8)))
        scene.spool.files.write(AuditLog.fileName, line + ",\"hash\":\"" + hash + "\"}\n")
        var head = AuditHead()
        try head.write(in: scene.shared.directory)
        scene.pass(1)
        XCTAssertEqual(scene.objects().map { $0["seq"] as? Int }, [1, 2])
        XCTAssertEqual(scene.verdict, .unbroken(entries: 2))
    }

    /// As docs/audit-log.md says it, without the library's own code.
    func testHashIsThatOfTheLineWithoutIt() throws {
        scene.pass(2, 1, 3)
        var previous = String(repeating: "0", count: 64)
        for line in scene.lines() {
            let object = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let hash = try XCTUnwrap(object["hash"] as? String)
            let hashed = line.replacingOccurrences(of: ",\"hash\":\"" + hash + "\"}", with: "}")
            let digest = SHA256.digest(Array(hashed.utf8))
            XCTAssertEqual(Hexadecimal.text(digest), hash)
            XCTAssertEqual(object["prev"] as? String, previous)
            previous = hash
        }
    }

    func testFilesArePrivate() throws {
        scene.pass(1)
        for name in [AuditLog.fileName, AuditHead.fileName] {
            let attributes = try FileManager.default.attributesOfItem(atPath: scene.spool.files.path + "/" + name)
            XCTAssertEqual(attributes[.posixPermissions] as? Int, 0o600, name)
        }
        XCTAssertEqual(scene.spool.files.bytes(AuditHead.fileName)?.count, 1024)
    }

    func testNoopLeavesNoCopy() {
        let log = AuditLog(scene.shared)
        Batch(count: 2).views.withUnsafeBufferPointer { log.append($0, "accepted", NoopBackend()) }
        log.close()
        XCTAssertFalse(scene.spool.files.names.contains(AuditLog.fileName))
    }

    func testRotationIsBoundedAndTheChainGoesOn() {
        let limit = 8192
        for _ in 0..<20 { scene.pass(7, 3, limit: limit) }
        let sizes = [AuditLog.olderName, AuditLog.fileName].map { scene.spool.files.bytes($0)?.count ?? 0 }
        XCTAssertTrue(sizes.allSatisfy { $0 > 0 && $0 <= limit }, "\(sizes)")
        let kept = scene.lines(AuditLog.olderName).count + scene.lines().count
        XCTAssertLessThan(kept, 40)
        XCTAssertEqual(scene.objects().last?["seq"] as? Int, 40)
        XCTAssertEqual(scene.verdict, .unbroken(entries: kept))
    }

    func testOneBatchOverSeveralFiles() {
        scene.pass(200, limit: 8192)
        let kept = scene.lines(AuditLog.olderName).count + scene.lines().count
        let names = scene.eventNames(AuditLog.olderName) + scene.eventNames()
        XCTAssertLessThan(names.count, 200)
        XCTAssertEqual(names, ((200 - names.count)..<200).map { "event-\($0)" })
        XCTAssertEqual(scene.verdict, .unbroken(entries: kept))
    }

    func testWhatCannotBeWrittenIsCountedAndSaidLater() {
        scene.pass(1)
        let path = scene.spool.files.path + "/" + AuditLog.fileName
        chmod(scene.spool.files.path, 0o700)
        XCTAssertEqual(rename(path, path + ".away"), 0)
        XCTAssertEqual(mkdir(path, 0o700), 0)
        scene.pass(4, 2)
        XCTAssertEqual(scene.trail.lost, 6)
        XCTAssertEqual(rmdir(path), 0)
        XCTAssertEqual(rename(path + ".away", path), 0)
        scene.pass(1)
        XCTAssertEqual(scene.objects().map { $0["lost"] as? Int }, [nil, 6, nil])
        XCTAssertEqual(scene.trail.lost, 0)
        XCTAssertEqual(scene.verdict, .unbroken(entries: 3))
    }

    func testFullDiskLeavesNoPartOfALine() {
        scene.pass(40)
        let length = scene.spool.files.bytes(AuditLog.fileName)!.count
        XCTAssertGreaterThan(length, ControlFile.size, "what is lost can be written there")
        FileSizeLimit.during(UInt(length + 100)) { scene.pass(2) }
        XCTAssertEqual(scene.spool.files.bytes(AuditLog.fileName)!.count, length)
        XCTAssertEqual(scene.trail.lost, 2)
        scene.pass(1)
        XCTAssertEqual(scene.verdict, .unbroken(entries: 3))
    }

    func testSymbolicLinkIsNotFollowed() {
        let target = scene.spool.files.path + "/elsewhere"
        scene.spool.files.write("elsewhere", "")
        symlink(target, scene.spool.files.path + "/" + AuditLog.fileName)
        scene.pass(1)
        XCTAssertEqual(scene.spool.files.text("elsewhere"), "")
        XCTAssertEqual(scene.trail.lost, 1)
    }

    /// E7: at most once, and no answer: the user is told that the event may have arrived.
    func testOutcomes() {
        let cases: [(Verdict, BatchMachine.Guarantee, [String])] = [
            (.accepted, .atLeastOnce, ["accepted"]), (.rejected, .atLeastOnce, ["rejected"]),
            (.retry(afterSeconds: nil), .atLeastOnce, []), (.retry(afterSeconds: nil), .atMostOnce, ["unconfirmed"]),
            (.stop, .atLeastOnce, []),
        ]
        for (verdict, guarantee, expected) in cases {
            let scene = AuditScene()
            let segment = Sample.heapSegment(["a", "b"])
            let log = AuditLog(scene.shared)
            let delivery = SegmentDelivery(
                backend: ScriptedBackend([verdict]), deadline: .never, sendTimeoutMilliseconds: 1000,
                isCancelled: { false },
                guarantee: guarantee, oldest: .min, isCurrent: { _ in true }, consent: ScriptedConsent().sending,
                journal: nil,
                audit: log)
            _ = delivery.run(only: segment)
            log.close()
            XCTAssertEqual(scene.objects().map { $0["outcome"] as? String }, expected, "\(verdict) \(guarantee)")
            segment.release(removingFrom: nil)
        }
    }
}
