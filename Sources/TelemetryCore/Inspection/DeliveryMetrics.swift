// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The counts of a tool's events and spans and the state of their delivery, as series. All have the label `tool`, so
/// that those of several tools fit into one text.
enum DeliveryMetrics {
    private typealias Label = FixedFamily.Label

    /// All that there may be, whatever a tool has.
    static func names() -> [FixedFamily] {
        let none = Label("tool", "")
        return [Words.events, .spans].flatMap { words in
            counts(telemetry_statistics(), none, words) + deliveries([], none, words)
        }
    }

    /// Those of a signal are empty if it has no spool.
    static func families(_ options: Options) throws(SystemError) -> [FixedFamily] {
        try families(options, .events) + families(options.ofSpans, .spans)
    }

    private static func families(_ options: Options, _ words: Words) throws(SystemError) -> [FixedFamily] {
        let spool = SpoolInspector.examine(options: options)
        guard let counts = spool.statistics else {
            if let problem = spool.problem { throw problem }
            return []
        }
        let tool = Label("tool", options.toolName)
        return self.counts(counts, tool, words)
            + deliveries(SpoolInspector.destinations(options: options), tool, words)
    }

    /// What the families of a signal are called.
    private struct Words {
        let dropped, recorded, delivered, pending, refused, bytes: (name: StaticString, help: StaticString)
        let waiting, failures, attempt, success: (name: StaticString, help: StaticString)

        static let events = Words(
            dropped: ("telemetry_events_dropped_total", "Events that were given up, by the reason."),
            recorded: ("telemetry_events_recorded_total", "Events that were recorded."),
            delivered: ("telemetry_events_delivered_total", "Events that every receiver has taken."),
            pending: ("telemetry_events_pending", "Events that wait to be delivered."),
            refused: ("telemetry_events_refused_total", "Events that were not recorded, because they break a rule."),
            bytes: ("telemetry_spool_bytes", "Size of the files in which events wait."),
            waiting: ("telemetry_delivery_pending_events", "Events that wait for this receiver."),
            failures: (
                "telemetry_delivery_consecutive_failures", "Deliveries that failed since the last one that did not."
            ),
            attempt: (
                "telemetry_delivery_last_attempt_timestamp_seconds",
                "When delivery was tried last, in seconds since the Unix epoch."
            ),
            success: (
                "telemetry_delivery_last_success_timestamp_seconds",
                "When events were delivered last, in seconds since the Unix epoch."
            ))

        static let spans = Words(
            dropped: ("telemetry_spans_dropped_total", "Spans that were given up, by the reason."),
            recorded: ("telemetry_spans_recorded_total", "Spans that were recorded."),
            delivered: ("telemetry_spans_delivered_total", "Spans that every receiver has taken."),
            pending: ("telemetry_spans_pending", "Spans that wait to be delivered."),
            refused: ("telemetry_spans_refused_total", "Spans that were not recorded, because they break a rule."),
            bytes: ("telemetry_spans_spool_bytes", "Size of the files in which spans wait."),
            waiting: ("telemetry_spans_delivery_pending", "Spans that wait for this receiver."),
            failures: (
                "telemetry_spans_delivery_consecutive_failures",
                "Deliveries of spans that failed since the last one that did not."
            ),
            attempt: (
                "telemetry_spans_delivery_last_attempt_timestamp_seconds",
                "When delivery of spans was tried last, in seconds since the Unix epoch."
            ),
            success: (
                "telemetry_spans_delivery_last_success_timestamp_seconds",
                "When spans were delivered last, in seconds since the Unix epoch."
            ))
    }

    private static func counts(_ counts: telemetry_statistics, _ tool: Label, _ words: Words) -> [FixedFamily] {
        var dropped = FixedFamily(words.dropped.name, .counter, help: words.dropped.help)
        for drop in drops(counts) { dropped.add(Double(drop.count), [tool, Label("reason", drop.reason)]) }
        return [
            family(words.recorded, .counter, counts.recorded, tool),
            family(words.delivered, .counter, counts.delivered, tool),
            dropped,
            family(words.pending, .gauge, counts.pending, tool),
            family(words.refused, .counter, counts.refused, tool),
            family(words.bytes, .gauge, unit: "bytes", counts.spool_bytes, tool),
        ]
    }

    private static func drops(_ counts: telemetry_statistics) -> [(reason: String, count: UInt64)] {
        [
            ("spool_full", counts.dropped_spool_full), ("no_space", counts.dropped_no_space),
            ("expired", counts.dropped_expired), ("corrupt", counts.dropped_corrupt),
            ("rejected", counts.dropped_rejected), ("withdrawn", counts.dropped_withdrawn),
            ("unconfirmed", counts.dropped_unconfirmed),
        ]
    }

    private static func family(
        _ words: (name: StaticString, help: StaticString), _ type: MetricType, unit: StaticString = "", _ value: UInt64,
        _ tool: Label
    ) -> FixedFamily {
        var family = FixedFamily(words.name, type, unit: unit, help: words.help)
        family.add(Double(value), [tool])
        return family
    }

    /// Of each receiver of the tool's manifest. A time that has never come has no sample.
    private static func deliveries(
        _ destinations: [DestinationReport], _ tool: Label, _ words: Words
    ) -> [FixedFamily] {
        var pending = FixedFamily(words.waiting.name, .gauge, help: words.waiting.help)
        var failures = FixedFamily(words.failures.name, .gauge, help: words.failures.help)
        var attempt = FixedFamily(words.attempt.name, .gauge, unit: "seconds", help: words.attempt.help)
        var success = FixedFamily(words.success.name, .gauge, unit: "seconds", help: words.success.help)
        for destination in destinations {
            let labels = [tool, Label("destination", destination.name), Label("kind", destination.kind)]
            pending.add(Double(destination.pending), labels)
            failures.add(Double(destination.state.failures), labels)
            if destination.state.lastAttempt > 0 { attempt.add(seconds(destination.state.lastAttempt), labels) }
            if destination.state.lastSuccess > 0 { success.add(seconds(destination.state.lastSuccess), labels) }
        }
        return [pending, failures, attempt, success]
    }

    /// With milliseconds.
    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds / 1_000_000) / 1000 }
}
