// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What happened to the events that a delivery has not delivered, by the counts before and after it.
struct DeliveryFate {
    private let kept: UInt64
    private let isNothingLeft: Bool
    private let hasMetrics: Bool
    private let areSpans: Bool
    private let rejected: UInt64
    private let unconfirmed: UInt64
    /// Spans that have ended, and for which the disk has no room.
    private let ended: Int

    init(from before: telemetry_statistics, to after: telemetry_statistics, _ options: Options) {
        areSpans = options.signal == .spans
        hasMetrics = !areSpans && !options.metricDestinations.isEmpty
        ended = areSpans ? SpoolInspector.countSpans(options: options).ended : 0
        kept = after.pending &+ UInt64(clamping: ended)
        // Counts that cannot be read are all 0.
        isNothingLeft = kept == 0 && after.recorded > 0 && after.recorded >= before.recorded
        rejected = after.dropped_rejected &- min(before.dropped_rejected, after.dropped_rejected)
        unconfirmed = after.dropped_unconfirmed &- min(before.dropped_unconfirmed, after.dropped_unconfirmed)
    }

    /// Metrics stay where they are, whatever a receiver says.
    static func whatIsKept(hasMetrics: Bool, hasSpans: Bool = false) -> String {
        if hasMetrics && hasSpans { return "the events, the metrics and the spans are kept" }
        return "the events" + (hasMetrics ? " and the metrics" : hasSpans ? " and the spans" : "") + " are kept"
    }

    /// Some events are lost.
    var isLossy: Bool { rejected > 0 || unconfirmed > 0 }

    private static func isOrAre(_ count: UInt64) -> String { count == 1 ? "is" : "are" }

    var text: String {
        guard isLossy else {
            if !isNothingLeft { return areSpans ? "the spans are kept" : Self.whatIsKept(hasMetrics: hasMetrics) }
            return hasMetrics ? "the metrics are kept" : "nothing waits any more"
        }
        var text = ""
        if unconfirmed > 0 {
            text += "\(unconfirmed) may have arrived and \(Self.isOrAre(unconfirmed)) not sent again (at most once)"
        }
        if rejected > 0 {
            let was = rejected == 1 ? "was" : "were"
            text +=
                (text.utf8.isEmpty ? "" : ", ")
                + "\(rejected) \(was) refused for good and \(Self.isOrAre(rejected)) gone"
        }
        return text + ", \(kept) \(Self.isOrAre(kept)) kept"
    }
}
