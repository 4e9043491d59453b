// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// `GET /metrics`: the series of every tool, the counts of their events and deliveries, and the agent's own.
struct MetricsPage {
    private let agent: Agent
    /// Of text in memory, while it is made.
    private static let limit = 32 << 20
    /// Of answers that clients have asked for and do not take.
    private static let unsentLimit = 32 << 20

    init(_ agent: Agent) { self.agent = agent }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        var accept: [UInt8] = []
        for field in request.fields where ("accept" as StaticString).isSame(field.name) {
            if !accept.isEmpty { accept.append(UInt8(ascii: ",")) }
            accept += field.value
        }
        let choice = accept.isEmpty ? .usual : accept.withUnsafeBytes { ExpositionChoice(accept: $0) }
        guard agent.unsentBytes < Self.unsentLimit, let body = text(choice.format) else {
            return .withoutMemory
        }
        var answer = HTTPAnswer(200, choice.contentType, body: body)
        answer.fields = ["Vary: Accept"]
        return answer
    }

    private func text(_ format: ExpositionFormat) -> [UInt8]? {
        var merged = MergedText(
            limit: Self.limit, own: families(omitted: 0, unreadable: 0) + MetricsReport.countFamilies)
        var unreadable: UInt64 = 0
        for tool in agent.deliverer.tools {
            guard Allocation.isAvailableForPass else { return nil }
            let options = ManifestLookup.options(tool: tool.name, manifest: tool.manifest)
            // It says where the tool's files are, and who receives them.
            if options.error != nil {
                unreadable &+= 1
                continue
            }
            // What is kept for the user, if the user has asked for that; else what the author may get.
            do throws(SystemError) {
                let series = try MetricsReport.series(OwnChoice.options(options) ?? options, format)
                let counts = try MetricsReport.counts(of: options, format)
                guard let series, let counts, merged.hasMemory(for: series.count &+ counts.count) else { return nil }
                merged.add(series, tool: tool.name)
                merged.add(counts, tool: nil)
            } catch { unreadable &+= 1 }
        }
        guard let own = MetricsReport.text(families(omitted: merged.omitted, unreadable: unreadable), format) else {
            return nil
        }
        guard merged.hasMemory(for: own.count) else { return nil }
        merged.add(own, tool: nil)
        return merged.isIncomplete ? nil : merged.text(isOpenMetrics: format == .openMetrics)
    }

    private func families(omitted: UInt64, unreadable: UInt64) -> [FixedFamily] {
        let (counts, deliverer) = (agent.counts, agent.deliverer)
        var requests = FixedFamily(
            "telemetry_agent_requests_total", .counter, help: "Requests that the agent has answered, by the outcome.")
        requests.add(
            Double(counts.requests &- counts.refused &- counts.failed), [FixedFamily.Label("outcome", "answered")])
        requests.add(Double(counts.refused), [FixedFamily.Label("outcome", "refused")])
        requests.add(Double(counts.failed), [FixedFamily.Label("outcome", "failed")])
        var passes = FixedFamily(
            "telemetry_agent_passes_total", .counter, help: "Deliveries that the agent has begun, by the tool.")
        var failures = FixedFamily(
            "telemetry_agent_failures_total", .counter, help: "Those that failed, by the tool.")
        for tool in deliverer.tools {
            passes.add(Double(tool.passes), [FixedFamily.Label("tool", tool.name)])
            failures.add(Double(tool.failures), [FixedFamily.Label("tool", tool.name)])
        }
        return [
            passes, failures, requests, accepted, refused, packets,
            single(
                "telemetry_agent_strangers_total", .counter, "Connections of other users, which were closed.",
                counts.strangers),
            single("telemetry_agent_tools", .gauge, "Tools that the agent knows.", UInt64(deliverer.tools.count)),
            single(
                "telemetry_agent_workers", .gauge, "Processes that deliver now.", UInt64(deliverer.workerCount)),
            single(
                "telemetry_agent_lost_workers_total", .counter, "Processes that ended in the middle of a delivery.",
                deliverer.lostWorkers),
            single(
                "telemetry_agent_omitted_families", .gauge,
                "Metrics of a tool that are not in this text: their name, or that of a sample, is taken.", omitted),
            single(
                "telemetry_agent_unreadable_tools", .gauge, "Tools whose metrics or manifest cannot be read.",
                unreadable),
        ]
    }

    private var accepted: FixedFamily {
        var family = FixedFamily(
            "telemetry_agent_received_total", .counter,
            help: "Records, spans, points, lines and values that the agent has recorded, by the way in.")
        for way in IntakeWay.allCases {
            family.add(Double(agent.counts(way).accepted), [FixedFamily.Label("way", way.name)])
        }
        return family
    }

    private var refused: FixedFamily {
        var family = FixedFamily(
            "telemetry_agent_received_refused_total", .counter,
            help: "Those that it has not recorded, by the way in, the reason and the tool.")
        for each in agent.refusals {
            family.add(
                Double(each.count),
                [
                    FixedFamily.Label("way", each.way.name), FixedFamily.Label("reason", each.why.name.text),
                    FixedFamily.Label("tool", each.tool),
                ])
        }
        return family
    }

    private var packets: FixedFamily {
        let counts = agent.statsD.packets
        var family = FixedFamily(
            "telemetry_agent_statsd_dropped_total", .counter,
            help: "Packets of StatsD that were thrown away unread, by the reason.")
        for (reason, count) in [
            ("other_user", counts.strangers), ("unknown_sender", counts.unknown), ("too_long", counts.tooLong),
            ("overload", counts.lost),
        ] {
            family.add(Double(count), [FixedFamily.Label("reason", reason)])
        }
        return family
    }

    private func single(_ name: StaticString, _ type: MetricType, _ help: StaticString, _ value: UInt64) -> FixedFamily
    {
        var family = FixedFamily(name, type, help: help)
        family.add(Double(value))
        return family
    }
}
