// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What `status` says about a tool's spans: what it says about events, and how many spans are open.
struct SpanReport {
    private let spool: SpoolReport
    /// Where they go. Nil: nobody takes spans.
    private let backend: String?
    /// Begun and not ended, by processes that live or have left them.
    private let open: Int

    /// Nil: nobody takes spans, and there are no others.
    init?(_ events: Options, isEnabled: Bool) {
        let options = events.ofSpans
        spool = SpoolReport(options, isEnabled: isEnabled)
        let taking = events.spans()
        if spool.isEmpty && taking?.isDefault != false { return nil }
        let chosen = options.isDefault ? spool.program?.shown : nil
        backend = chosen ?? (taking == nil ? nil : joined(spool.destinations.map { $0.info }, "; "))
        open = SpoolInspector.countOpenSpans(options: options)
    }

    func json(_ guarantee: String) -> JSONObject {
        var object = JSONObject()
        object.add("backend", optional: backend)
        spool.addMembers(to: &object, guarantee)
        spool.addCounts(to: &object)
        object.add("open", UInt64(clamping: open))
        return object
    }

    var lastDelivery: String { spool.lastDelivery }

    /// `whose`: before each label, such as `your `. Empty: the time of the last delivery is in another row.
    func rows(_ whose: String = "") -> [(String, String)] {
        var rows = [(whose + "spans to", backend ?? "nobody")]
        let last = whose.utf8.isEmpty ? "" : "; last delivery " + lastDelivery
        rows.append((whose + "spans", spool.countText + ", \(open) open" + last))
        if spool.isUnknown { rows.append((whose + "spans in", spool.spoolText)) }
        if spool.destinations.count > 1 {
            for destination in spool.destinations {
                rows.append((whose + "spans to " + destination.name, destination.text))
            }
        }
        for (label, text) in spool.waitingRows + spool.laterRows + spool.failureRows {
            rows.append((whose + "spans, " + label, text))
        }
        return rows
    }
}
