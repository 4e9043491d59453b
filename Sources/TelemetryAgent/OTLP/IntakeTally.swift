// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Why something is not recorded. Each is counted.
package enum IntakeRefusal: Int, CaseIterable {
    case noTool, invalidTool, unknownTool, toolCount, noConsent, toolOptions, notTaken
    case undeclared, noName, invalidID, invalid, noRoom
    case metricType, metricBounds, metricSummary, metricTemporality, metricName, metricCount, metricValue, streamCount
    case malformed, tooLong, statsDSet, statsDEvent, beforeConsent

    package var text: StaticString {
        switch self {
        case .noTool: "no tool is named (in OTLP: service.name)"
        case .invalidTool: "what names the tool is not a tool name (1 to 64 letters, digits, '.', '_' or '-')"
        case .unknownTool: "nothing is known here of this tool: no manifest and no answer of the user"
        case .toolCount: "there are records of too many tools"
        case .noConsent: "telemetry of the tool is off"
        case .toolOptions: "the tool's manifest has an error"
        case .notTaken: "nobody receives this signal of the tool"
        case .undeclared: "the tool's manifest does not declare it"
        case .noName: "it has no event name, and its body is not a text"
        case .invalidID: "its trace id or span id is missing or invalid"
        case .invalid: "its name, its type or its kind is not valid"
        case .noRoom: "there is no room for it"
        case .metricType: "the tool's metric of that name has another type"
        case .metricBounds: "the tool's histogram of that name has other bounds"
        case .metricSummary: "summaries are not recorded"
        case .metricTemporality: "its aggregation temporality is not given"
        case .metricName: "its name, its unit or its bounds are not valid"
        case .metricCount: "the tool has as many metrics as it may have"
        case .metricValue: "its value, its counts or its buckets are not valid"
        case .streamCount: "the tool has too many streams of metrics"
        case .malformed: "it cannot be read"
        case .tooLong: "it is too long"
        case .statsDSet: "sets of StatsD are not recorded"
        case .statsDEvent: "events and service checks of DogStatsD are not recorded"
        case .beforeConsent: "it is from before the user agreed"
        }
    }

    /// For a counter of the agent.
    package var name: StaticString {
        switch self {
        case .noTool: "no_tool"
        case .invalidTool: "invalid_tool"
        case .unknownTool: "unknown_tool"
        case .toolCount: "tool_count"
        case .noConsent: "no_consent"
        case .toolOptions: "tool_options"
        case .notTaken: "not_taken"
        case .undeclared: "undeclared"
        case .noName: "no_name"
        case .invalidID: "invalid_id"
        case .invalid: "invalid"
        case .noRoom: "no_room"
        case .metricType: "metric_type"
        case .metricBounds: "metric_bounds"
        case .metricSummary: "metric_summary"
        case .metricTemporality: "metric_temporality"
        case .metricName: "metric_name"
        case .metricCount: "metric_count"
        case .metricValue: "metric_value"
        case .streamCount: "stream_count"
        case .malformed: "malformed"
        case .tooLong: "too_long"
        case .statsDSet: "statsd_set"
        case .statsDEvent: "statsd_event"
        case .beforeConsent: "before_consent"
        }
    }
}

/// What happens to the records, spans or data points of one request.
final class IntakeTally {
    private(set) var accepted: UInt64 = 0
    private(set) var refused = RefusalTable()
    /// Nothing was recorded, and the whole request may be sent again.
    private(set) var isForLater = false
    /// Tools that were looked for: each costs a look at some files.
    private var looks: UInt64 = 0
    private static let mostLooks: UInt64 = 64
    /// Why those of the present resource are refused.
    private var resourceRefusal = IntakeRefusal.noTool
    /// Whose they are: a tool that is open, or one that is refused and known here.
    private var tool: OpenTool?
    private var refusedTool: String?
    /// Of that tool, in the table: only what is refused needs it.
    private var row: Int?

    var rejected: UInt64 { refused.total }

    /// Nil: `countRefused` counts what it has sent. `takes`: whether somebody gets it. `isSafe`: what is recorded outlives
    /// this process.
    func open(
        _ tools: ToolCollectors, _ resource: OTLPResource, takes: (OpenTool) -> Bool, isSafe: (OpenTool) -> Bool
    ) -> OpenTool? {
        if isForLater { return nil }
        (tool, refusedTool, row) = (nil, nil, nil)
        let before = tools.looks
        let answer = tools.open(resource.tool, resource.version, mayLook: looks < Self.mostLooks)
        looks &+= tools.looks &- before
        switch answer {
        case .refused(let why, let isKnown):
            resourceRefusal = why
            if isKnown { refusedTool = resource.tool }
            return nil
        case .unknown:
            resourceRefusal = .noRoom
            if accepted == 0 { isForLater = true }
            return nil
        case .open(let tool):
            self.tool = tool
            guard takes(tool) else {
                resourceRefusal = tool.collector.decision.isEnabled ? .notTaken : .noConsent
                return nil
            }
            if isSafe(tool) { return tool }
            tools.letGo(of: tool)
            resourceRefusal = .noRoom
            // Only before anything was recorded can all of it be sent again. From then on it would be recorded twice.
            if accepted == 0 { isForLater = true }
            return nil
        }
    }

    /// What was recorded last is not in a file: it is to be sent again, even if it may arrive twice.
    func sendAgain() { isForLater = true }

    func countRefused() { refuse(resourceRefusal) }

    func refuse(_ why: IntakeRefusal) {
        let row = row ?? refused.row(of: tool?.knownName ?? refusedTool ?? RefusalTable.nobody)
        self.row = row
        refused.add(why, row)
    }

    func add(_ status: telemetry_status) {
        switch status {
        case TELEMETRY_OK, TELEMETRY_ADJUSTED: accepted &+= 1
        case TELEMETRY_DISABLED: refuse(.noConsent)
        case TELEMETRY_ERROR_UNDECLARED: refuse(.undeclared)
        case TELEMETRY_ERROR_ARGUMENT: refuse(.invalid)
        default:
            if accepted == 0 { isForLater = true } else { refuse(.noRoom) }
        }
    }

    func accept() { accepted &+= 1 }

    /// Each reason, with how often it applied.
    var message: String {
        var text = ""
        for why in IntakeRefusal.allCases {
            let count = refused.total(of: why)
            if count == 0 { continue }
            if !text.utf8.isEmpty { text += "; " }
            text += why.text.text + " (" + count.description + ")"
        }
        return text
    }
}
