// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What `status` says about one spool: that of the tool's events, or of its spans. Both have the same members in JSON.
struct SpoolReport {
    private let options: Options
    /// Nil: there is no spool; nothing was ever recorded, or it cannot be read.
    private let statistics: telemetry_statistics?
    /// Why the spool cannot be looked at, altogether or in part.
    private let problem: String?
    /// Where a program sends that has chosen its destination in code.
    let program: SpoolInspector.ProgramChoice?
    let destinations: [DestinationReport]
    private let waitingForOthers: [SpoolInspector.WaitingForOther]
    private let later: (files: [String], events: UInt64)?
    private let delivery: SpoolInspector.Delivery?
    let isEnabled: Bool

    /// `isEnabled`: telemetry is on. Nothing is tried while it is off.
    init(_ options: Options, isEnabled: Bool) {
        self.options = options
        self.isEnabled = isEnabled
        let spool = SpoolInspector.examine(options: options)
        statistics = spool.statistics
        problem = spool.problem?.text
        program = SpoolInspector.chosenInCode(options: options)
        destinations = SpoolInspector.destinations(options: options)
        waitingForOthers = SpoolInspector.waitingForOthers(options: options)
        later = SpoolInspector.leftToLater(options: options)
        delivery = SpoolInspector.deliveryState(options: options)
    }

    /// Nothing was recorded, as far as is known.
    var isEmpty: Bool { statistics == nil && problem == nil }

    private var counts: telemetry_statistics { statistics ?? telemetry_statistics() }

    /// There is a spool, and nothing is known about it.
    var isUnknown: Bool { statistics == nil && problem != nil }

    /// By reason, under the names of docs/spool-format.md.
    private var drops: [(reason: String, count: UInt64)] {
        [
            ("spool_full", counts.dropped_spool_full), ("no_space", counts.dropped_no_space),
            ("expired", counts.dropped_expired), ("corrupt", counts.dropped_corrupt),
            ("rejected", counts.dropped_rejected), ("withdrawn", counts.dropped_withdrawn),
            ("unconfirmed", counts.dropped_unconfirmed),
        ]
    }

    // MARK: JSON

    /// Without those of the counts.
    func addMembers(to object: inout JSONObject, _ guarantee: String) {
        object.add("backends", objects: destinations.map { $0.json(guarantee, isEnabled: isEnabled) })
        if let program {
            var chosen = JSONObject()
            chosen.add("destinations", program.destinations)
            chosen.add("noted", optional: ReceiverState.time(program.noted))
            object.add("program", chosen)
        } else {
            object.add("program", raw: "null")
        }
        object.add("waiting_for_others", objects: waitingForOthers.map(json))
        object.add("spool", spoolJSON)
        object.add("last_delivery", deliveryJSON)
    }

    private func json(_ waiting: SpoolInspector.WaitingForOther) -> JSONObject {
        var other = JSONObject()
        other.add("destinations", waiting.destinations)
        other.add("for", waiting.chooser.rawValue)
        other.add(options.signal == .spans ? "spans" : "events", waiting.events)
        return other
    }

    private var spoolJSON: JSONObject {
        var object = JSONObject()
        object.add(
            "storage",
            lockProblem != nil || options.isInMemory
                ? "memory" : isUnknown ? "unknown" : statistics == nil ? "none" : "spool")
        object.add("path", optional: SpoolInspector.path(options: options))
        object.add("bytes", counts.spool_bytes)
        object.add("problem", optional: problem)
        object.add("newer_files", later.map { UInt64($0.files.count) } ?? 0)
        object.add("left_to_newer", later?.events ?? 0)
        return object
    }

    /// Each null, if nothing is known.
    func addCounts(to object: inout JSONObject) {
        let known = { (count: UInt64) -> UInt64? in isUnknown ? nil : count }
        object.add("recorded", optional: known(counts.recorded))
        object.add("delivered", optional: known(counts.delivered))
        object.add("pending", optional: known(counts.pending))
        object.add("dropped", optional: known(counts.dropped))
        var reasons = JSONObject()
        for drop in drops { reasons.add(drop.reason, optional: known(drop.count)) }
        object.add("dropped_by_reason", reasons)
        for counter in Counter.allCases { object.add(counter.name, optional: known(counts[counter])) }
    }

    private var deliveryJSON: JSONObject {
        var object = JSONObject()
        object.add("last_attempt", optional: ReceiverState.time(delivery?.lastAttempt ?? 0))
        object.add("last_success", optional: ReceiverState.time(delivery?.lastSuccess ?? 0))
        object.add("next_attempt", optional: nextAttempt)
        object.add("consecutive_failures", UInt64(delivery?.failures ?? 0))
        object.add("last_error", optional: lastError)
        object.add("taken_by", optional: taker)
        return object
    }

    // MARK: text

    private var lastError: String? { delivery.flatMap { $0.lastError.utf8.isEmpty ? nil : $0.lastError } }

    private var taker: String? { delivery.flatMap { $0.taker.utf8.isEmpty ? nil : $0.taker } }

    private var nextAttempt: String? { isEnabled ? ReceiverState.time(delivery?.nextAttempt ?? 0) : nil }

    /// When something was delivered last.
    var lastDelivery: String {
        ReceiverState.time(delivery?.lastSuccess ?? 0) ?? (isUnknown ? "unknown" : "never")
    }

    private var lockProblem: String? { SpoolInspector.lockProblem(options: options) }

    var spoolText: String {
        guard let path = SpoolInspector.path(options: options) else { return "none: no home directory" }
        if let lockProblem { return path + ", memory only: files cannot be locked there: " + lockProblem }
        if let obstacle = PathStatus.obstacle(path) { return path + " (cannot be used: " + obstacle.what + ")" }
        if let problem, isUnknown { return path + " (cannot be looked at: " + problem + ")" }
        let partly = problem.map { " (not all of it can be looked at: " + $0 + ")" } ?? ""
        return path + (statistics == nil ? " (none yet)" : ", \(counts.spool_bytes) bytes") + partly
    }

    /// What waits for other programs.
    var waitingRows: [(String, String)] { waitingForOthers.map { ("waiting", $0.text) } }

    /// What waits for another version.
    var laterRows: [(String, String)] {
        guard let later else { return [] }
        let text =
            counted(later.events, options.signal == .spans ? "span" : "event") + " in "
            + counted(UInt64(later.files.count), "file") + " of a newer version, which alone can deliver them"
        return [("newer", text)]
    }

    var countRows: [(String, String)] {
        if isUnknown { return ["recorded", "delivered", "pending", "dropped"].map { ($0, "unknown") } }
        return [
            ("recorded", "\(counts.recorded)"), ("delivered", "\(counts.delivered)"), ("pending", "\(counts.pending)"),
            ("dropped", droppedText), ("adjusted", "\(counts.adjusted)"), ("refused", refusedText),
            ("redacted", "\(counts.redacted)"),
        ]
    }

    /// The same in one line, as far as there is something to say.
    var countText: String {
        if isUnknown { return "unknown" }
        var text = "\(counts.recorded) recorded, \(counts.delivered) delivered, \(counts.pending) pending"
        text += ", " + (counts.dropped > 0 ? "dropped " + droppedText : "0 dropped")
        if counts.adjusted > 0 { text += ", \(counts.adjusted) adjusted" }
        if counts.refused > 0 || counts.attributes_refused > 0 { text += ", refused " + refusedText }
        if counts.redacted > 0 { text += ", \(counts.redacted) redacted" }
        return text
    }

    private var droppedText: String {
        var text = "\(counts.dropped)"
        for drop in drops where drop.count > 0 { text += ", " + drop.reason + " \(drop.count)" }
        return text
    }

    /// C10: for the author, what the manifest's registry kept out.
    private var refusedText: String {
        var text = "\(counts.refused)"
        if counts.refused_undeclared > 0 { text += ", undeclared \(counts.refused_undeclared)" }
        if counts.attributes_refused > 0 { text += "; attributes \(counts.attributes_refused)" }
        return text
    }

    /// Why the last delivery failed, and when the next one is tried.
    var failureRows: [(String, String)] {
        var rows: [(String, String)] = []
        if let taker { rows.append(("taken by", taker)) }
        if let lastError {
            rows.append(("last error", (delivery?.other ?? "") + lastError))
        }
        if let nextAttempt, let failures = delivery?.failures, failures > 0 {
            rows.append(("next attempt", nextAttempt + ", after \(failures) in a row failed"))
        }
        return rows
    }
}
