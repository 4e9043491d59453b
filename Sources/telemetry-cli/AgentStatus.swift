// SPDX-License-Identifier: Apache-2.0
import TelemetryAgent
import TelemetryCore

/// What `agent status` says, written by the agent.
struct AgentStatus {
    private let agent: Agent
    private let now = Clock.monotonic()

    init(_ agent: Agent) { self.agent = agent }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        let parts = agent.deliverer.tools.count &+ agent.refusals.count
        guard Allocation.isAvailable(for: Self.partBytes &* parts) else { return .withoutMemory }
        let wantsJSON = request.value("accept").map { ("application/json" as StaticString).isSame($0) } ?? false
        return wantsJSON
            ? HTTPAnswer(200, "application/json", body: Array(object.text.utf8))
            : HTTPAnswer(200, "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// What is written of a tool, or of one reason to refuse, while it grows.
    private static let partBytes = 4 << 10

    private var uptimeSeconds: UInt64 { UInt64(max(0, now &- agent.started) / 1_000_000_000) }

    private var object: JSONObject {
        var object = JSONObject()
        object.add("running", true)
        object.add("process", UInt64(Process.id))
        object.add("version", TelemetryVersion.text)
        object.add("addresses", agent.addresses)
        object.add("uptime_seconds", uptimeSeconds)
        object.add("idle_exit_seconds", optional: agent.choice.idleExitSeconds.map { UInt64(clamping: $0) })
        object.add("is_told_of_changes", !agent.deliverer.isWatchIncomplete)
        object.add("workers", UInt64(clamping: agent.deliverer.workerCount))
        object.add("lost_workers", agent.deliverer.lostWorkers)
        object.add("passes", agent.deliverer.passes)
        object.add("requests", agent.counts.requests)
        object.add("requests_refused", agent.counts.refused)
        object.add("requests_failed", agent.counts.failed)
        object.add("connections_of_others", agent.counts.strangers)
        object.add("statsd_addresses", agent.statsD.addresses)
        object.add("received", received.accepted)
        object.add("received_refused", received.refused)
        object.add("refusals", objects: agent.refusals.map(Self.refusal))
        object.add("statsd_dropped", dropped)
        object.add("tools", objects: agent.deliverer.tools.map(Self.tool(now)))
        return object
    }

    /// In every way: records and spans, data points, lines, and values of StatsD.
    private var received: (accepted: UInt64, refused: UInt64) {
        var sum = (accepted: UInt64(0), refused: UInt64(0))
        for way in IntakeWay.allCases {
            sum.accepted &+= agent.counts(way).accepted
            sum.refused &+= agent.counts(way).refused.total
        }
        return sum
    }

    private static func refusal(_ refused: RefusedCount) -> JSONObject {
        var object = JSONObject()
        object.add("tool", optional: refused.tool.utf8.isEmpty ? nil : refused.tool)
        object.add("way", refused.way.name)
        object.add("reason", refused.why.name.text)
        object.add("count", refused.count)
        return object
    }

    private var dropped: UInt64 {
        let packets = agent.statsD.packets
        return packets.strangers &+ packets.unknown &+ packets.tooLong &+ packets.lost
    }

    private static func tool(_ now: Int64) -> (WatchedTool) -> JSONObject {
        { tool in
            var object = JSONObject()
            object.add("tool", tool.name)
            object.add("state", tool.state.name)
            object.add("next_attempt_seconds", optional: tool.secondsUntilDue(now: now))
            object.add("passes", tool.passes)
            object.add("failures", tool.failures)
            return object
        }
    }

    /// A member for each of `object`.
    static var notRunning: String {
        var object = JSONObject()
        object.add("running", false)
        for name in [
            "process", "version", "addresses", "uptime_seconds", "idle_exit_seconds", "is_told_of_changes", "workers",
            "lost_workers", "passes", "requests", "requests_refused", "requests_failed", "connections_of_others",
            "statsd_addresses", "received", "received_refused", "refusals", "statsd_dropped", "tools",
        ] {
            object.add(name, raw: "null")
        }
        return object.text
    }

    private var text: String {
        var lines = [
            "the agent runs: process \(Process.id), version " + TelemetryVersion.text + ", for \(uptimeSeconds) s",
            "listening on " + joined(agent.addresses, " and "),
        ]
        if !agent.statsD.addresses.isEmpty { lines.append("StatsD on " + joined(agent.statsD.addresses, " and ")) }
        if received.accepted &+ received.refused &+ dropped > 0 {
            let lost = dropped == 0 ? "" : ", " + counted(dropped, "packet") + " thrown away ('/metrics' says why)"
            lines.append("received: \(received.accepted) recorded, \(received.refused) refused" + lost)
        }
        for refused in agent.refusals { lines.append("  " + words(refused)) }
        if agent.counts.strangers > 0 {
            let count = counted(agent.counts.strangers, "connection")
            lines.append("closed: " + count + " of other users; a client has to run as this user")
        }
        if let seconds = agent.choice.idleExitSeconds { lines.append("ends after \(seconds) s without work") }
        if agent.deliverer.isWatchIncomplete {
            lines.append("not told of every change, so it looks every 10 s (see /proc/sys/fs/inotify)")
        }
        lines.append(counted(UInt64(clamping: agent.deliverer.tools.count), "tool"))
        for tool in agent.deliverer.tools { lines.append("  " + tool.name + ": " + words(tool)) }
        return joined(lines, "\n") + "\n"
    }

    /// "mytool: 12 log records refused: telemetry of the tool is off (no_consent)", and what says more.
    private func words(_ refused: RefusedCount) -> String {
        let whose = refused.name ?? (refused.isOfOthers ? "other tools" : "no known tool")
        let what = whose + ": " + counted(refused.count, refused.way.noun) + " refused: " + refused.why.text.text
        return what + " (" + refused.why.name.text + Self.advice(refused) + ")"
    }

    private static func advice(_ refused: RefusedCount) -> String {
        guard let tool = refused.name else { return "" }
        let command: StaticString
        switch refused.why {
        case .noConsent: command = "explain"
        case .toolOptions: command = "doctor"
        case .undeclared: command = "show --schema"
        default: return ""
        }
        return "; see 'telemetry " + command.text + " --tool " + tool + "'"
    }

    private func words(_ tool: WatchedTool) -> String {
        switch tool.state {
        case .idle: "nothing to deliver"
        case .delivering: "being delivered"
        case .waiting: "next attempt in \(tool.secondsUntilDue(now: now) ?? 0) s"
        case .disabled: "telemetry is off"
        case .options: "its manifest is wrong ('telemetry doctor --tool " + tool.name + "' says more)"
        }
    }
}
