// SPDX-License-Identifier: Apache-2.0

/// A way in which something comes to the agent that it is to record.
package enum IntakeWay: CaseIterable {
    case logs, traces, metrics, lines, statsD

    /// For a label, and for programs.
    package var name: String {
        switch self {
        case .logs: "otlp_logs"
        case .traces: "otlp_traces"
        case .metrics: "otlp_metrics"
        case .lines: "lines"
        case .statsD: "statsd"
        }
    }

    /// What comes in it, for people.
    package var noun: String {
        switch self {
        case .logs: "log record"
        case .traces: "span"
        case .metrics: "data point"
        case .lines: "line"
        case .statsD: "StatsD value"
        }
    }
}

/// How much was refused of one tool, in one way, for one reason.
package struct RefusedCount {
    /// Of a tool, or one of the other names of `RefusalTable`.
    package let tool: String
    package let way: IntakeWay
    package let why: IntakeRefusal
    package let count: UInt64

    /// Nil: there is no one tool.
    package var name: String? { RefusalTable.isTool(tool) ? tool : nil }
    package var isOfOthers: Bool { tool.utf8.elementsEqual(RefusalTable.others.utf8) }
}

extension Agent {
    package func counts(_ way: IntakeWay) -> IntakeCounts {
        switch way {
        case .logs: otlp.counts.received[OTLPSignal.logs.rawValue]
        case .traces: otlp.counts.received[OTLPSignal.traces.rawValue]
        case .metrics: otlp.counts.received[OTLPSignal.metrics.rawValue]
        case .lines: lines
        case .statsD: statsD.values
        }
    }

    /// What was refused, tool by tool; what no tool can be told of comes last.
    package var refusals: [RefusedCount] {
        var tools: [String] = []
        for way in IntakeWay.allCases {
            for row in counts(way).refused.rows where RefusalTable.isTool(row.tool) {
                if !tools.contains(where: { $0.utf8.elementsEqual(row.tool.utf8) }) { tools.append(row.tool) }
            }
        }
        return (tools + [RefusalTable.others, RefusalTable.nobody]).flatMap { refusals(of: $0) }
    }

    private func refusals(of tool: String) -> [RefusedCount] {
        var found: [RefusedCount] = []
        for way in IntakeWay.allCases {
            for row in counts(way).refused.rows where row.tool.utf8.elementsEqual(tool.utf8) {
                for why in IntakeRefusal.allCases where row.counts[why.rawValue] > 0 {
                    found.append(RefusedCount(tool: tool, way: way, why: why, count: row.counts[why.rawValue]))
                }
            }
        }
        return found
    }
}
