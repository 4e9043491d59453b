import Foundation

@testable import TelemetryCore

/// A spool with an audit log in it, and what can happen to that.
final class AuditScene {
    let spool = ScratchSpool()
    let shared: SpoolDirectory
    private let backend = ScriptedBackend()
    private var count = 0

    init() { shared = try! spool.open() }
    deinit { shared.close() }

    /// A pass of a deliverer: one batch for each of the sizes.
    func pass(_ sizes: Int..., outcome: StaticString = "accepted", limit: Int = AuditLog.fileBytes) {
        let log = AuditLog(shared, limit: limit)
        for size in sizes { append(size, to: log, outcome) }
        log.close()
    }

    func append(_ size: Int, to log: AuditLog, _ outcome: StaticString = "accepted") {
        let batch = Batch(count: size, from: count)
        count += size
        batch.views.withUnsafeBufferPointer { log.append($0, outcome, backend) }
    }

    var trail: AuditTrail { AuditTrail.read(in: shared.directory, lost: shared.delivery.auditLost) }
    var verdict: AuditVerdict { trail.verify() }

    func lines(_ name: String = AuditLog.fileName) -> [String] {
        (spool.files.text(name) ?? "").split(separator: "\n").map(String.init)
    }

    func rewrite(_ name: String = AuditLog.fileName, _ change: (inout [String]) -> Void) {
        var lines = lines(name)
        change(&lines)
        spool.files.write(name, lines.map { $0 + "\n" }.joined())
    }

    func objects(_ name: String = AuditLog.fileName) -> [[String: Any]] {
        lines(name).map { try! JSONSerialization.jsonObject(with: Data($0.utf8)) as! [String: Any] }
    }

    func eventNames(_ name: String = AuditLog.fileName) -> [String] {
        objects(name).flatMap { ($0["events"] as? [[String: Any]] ?? []).map { $0["name"] as? String ?? "" } }
    }
}
