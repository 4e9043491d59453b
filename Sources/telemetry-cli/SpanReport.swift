// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What `status` says about a tool's spans: what it says about events, and how many spans are open.
struct SpanReport {
    private let spool: SpoolReport
    /// Where they go. Nil: nobody takes spans.
    private let backend: String?
    /// Begun and not ended, by processes that live or have left them; and ended, without room on the disk yet.
    private let counts: (open: Int, ended: Int)

    /// Nil: nobody takes spans, and there are no others.
    init?(_ events: Options, _ decision: ConsentDecision) {
        let options = events.ofSpans
        spool = SpoolReport(options, isEnabled: decision.isEnabled)
        let taking = events.spans()
        if spool.isEmpty && taking?.isDefault != false { return nil }
        let chosen =
            taking.flatMap { SpoolInspector.localLog(decision, options: $0) }
            ?? (options.isDefault ? spool.program?.shown : nil)
        backend = chosen ?? (taking == nil ? nil : joined(spool.destinations.map { $0.info }, "; "))
        counts = SpoolInspector.countSpans(options: options)
    }

    func json(_ guarantee: String) -> JSONObject {
        var object = JSONObject()
        object.add("backend", optional: backend)
        spool.addMembers(to: &object, guarantee)
        spool.addCounts(to: &object)
        object.add("open", UInt64(clamping: counts.open))
        object.add("waiting_for_room", UInt64(clamping: counts.ended))
        return object
    }

    var lastDelivery: String { spool.lastDelivery }

    /// `whose`: before each label, such as `your `. Empty: the time of the last delivery is in another row.
    func rows(_ whose: String = "") -> [(String, String)] {
        var rows = [(whose + "spans to", backend ?? "nobody")]
        let last = whose.utf8.isEmpty ? "" : "; last delivery " + lastDelivery
        let ended = counts.ended == 0 ? "" : ", \(counts.ended) that ended wait for room on the disk"
        rows.append((whose + "spans", spool.countText + ", \(counts.open) open" + ended + last))
        if spool.isUnknown { rows.append((whose + "spans in", spool.spoolText)) }
        if spool.destinations.count > 1 {
            for destination in spool.destinations {
                rows.append((whose + "spans to " + destination.name, destination.text(isEnabled: spool.isEnabled)))
            }
        }
        for (label, text) in spool.waitingRows + spool.laterRows + spool.failureRows {
            rows.append((whose + "spans, " + label, text))
        }
        return rows
    }
}
