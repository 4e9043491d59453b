// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The counts of a tool's events and the state of their delivery, as series. All have the label `tool`, so that those of
/// several tools fit into one text.
enum DeliveryMetrics {
    private typealias Label = FixedFamily.Label

    /// Empty: there is no spool.
    static func families(_ options: Options) throws(SystemError) -> [FixedFamily] {
        let spool = SpoolInspector.examine(options: options)
        guard let counts = spool.statistics else {
            if let problem = spool.problem { throw problem }
            return []
        }
        let tool = Label("tool", options.toolName)
        return events(counts, tool) + deliveries(SpoolInspector.destinations(options: options), tool)
    }

    private static func events(_ counts: telemetry_statistics, _ tool: Label) -> [FixedFamily] {
        var dropped = FixedFamily(
            "telemetry_events_dropped_total", .counter, help: "Events that were given up, by the reason.")
        for drop in drops(counts) { dropped.add(Double(drop.count), [tool, Label("reason", drop.reason)]) }
        return [
            family(
                "telemetry_events_recorded_total", .counter, help: "Events that were recorded.", counts.recorded, tool),
            family(
                "telemetry_events_delivered_total", .counter, help: "Events that every receiver has taken.",
                counts.delivered,
                tool),
            dropped,
            family("telemetry_events_pending", .gauge, help: "Events that wait to be delivered.", counts.pending, tool),
            family(
                "telemetry_events_refused_total", .counter,
                help: "Events that were not recorded, because they break a rule.",
                counts.refused, tool),
            family(
                "telemetry_spool_bytes", .gauge, unit: "bytes", help: "Size of the files in which events wait.",
                counts.spool_bytes, tool),
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
        _ name: StaticString, _ type: MetricType, unit: StaticString = "", help: StaticString, _ value: UInt64,
        _ tool: Label
    ) -> FixedFamily {
        var family = FixedFamily(name, type, unit: unit, help: help)
        family.add(Double(value), [tool])
        return family
    }

    /// Of each receiver of the tool's manifest. A time that has never come has no sample.
    private static func deliveries(_ destinations: [DestinationReport], _ tool: Label) -> [FixedFamily] {
        var pending = FixedFamily(
            "telemetry_delivery_pending_events", .gauge, help: "Events that wait for this receiver.")
        var failures = FixedFamily(
            "telemetry_delivery_consecutive_failures", .gauge,
            help: "Deliveries that failed since the last one that did not.")
        var attempt = FixedFamily(
            "telemetry_delivery_last_attempt_timestamp_seconds", .gauge, unit: "seconds",
            help: "When delivery was tried last, in seconds since the Unix epoch.")
        var success = FixedFamily(
            "telemetry_delivery_last_success_timestamp_seconds", .gauge, unit: "seconds",
            help: "When events were delivered last, in seconds since the Unix epoch.")
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
