// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What the helper says about a value that was not recorded as it was given.
struct MetricNotes {
    enum Kind {
        case count, gauge, observe

        init(_ invocation: Invocation) {
            switch invocation.arguments.command?.id {
            case .gauge: self = .gauge
            case .observe, .time: self = .observe
            default: self = .count
            }
        }

        func takes(_ type: MetricType) -> Bool {
            switch self {
            case .count: type == .counter || type == .upDownCounter
            case .gauge: type == .gauge
            case .observe: type == .histogram || type == .exponentialHistogram
            }
        }
    }

    let collector: Collector
    let kind: Kind

    /// What is wrong with a value that was refused; nil: nothing that the person who gave it could correct.
    func mistake(_ status: telemetry_status, _ name: String) -> String? {
        guard status == TELEMETRY_ERROR_ARGUMENT else { return nil }
        let shown = "'" + Excerpt.of(name)
        if MetricDeclaration(name: name, type: .counter).problem != nil {
            return shown + "' is no name of a metric; expected a letter, then letters, digits, '_', '.', '-' or '/'"
        }
        if let type = collector.metricType(name), !kind.takes(type) {
            return shown + "' is a metric of another type: " + Self.shown(type)
        }
        switch kind {
        case .count: return shown + "' takes no such value: it is below 0, or the sum would be too large"
        case .gauge: return shown + "' takes no such value: expected a finite number"
        case .observe: return shown + "' takes no such value: the sum of its values would be too large"
        }
    }

    /// What the author of the tool, or the person, should know although the script goes on. `status`: of the value.
    func notes(_ status: telemetry_status, _ name: String, _ attributes: RecordCommands.Attributes) -> [String] {
        let shown = Excerpt.of(name)
        var result: [String] = []
        switch status {
        case TELEMETRY_ERROR_UNDECLARED where collector.options.areMetricsDeclared:
            result.append("not recorded: the manifest does not declare the metric '" + shown + "'")
        case TELEMETRY_ERROR_UNDECLARED:
            result.append(
                "not recorded: the metric '" + shown
                    + "' has rules for its attributes, and its manifest is not found here")
        case TELEMETRY_ERROR_DROPPED:
            result.append(
                "not recorded: there is no room for the metric '" + shown
                    + "'; a command has at most 1000 metrics, and their file 16 MiB")
        case TELEMETRY_ADJUSTED:
            for key in collector.adjusted(name, attributes) {
                result.append(
                    "the attribute '" + Excerpt.of(key) + "' of '" + shown
                        + "' was left out or shortened; 'telemetry show --schema' lists what is allowed")
            }
        default: break
        }
        return result
    }

    /// Metrics for which this process and others hide each other's values.
    var contested: [String] {
        collector.contestedMetrics.map {
            "the metric '" + Excerpt.of($0)
                + "' is declared differently by another program of this tool, and each hides what the other has added; "
                + Self.oneDeclaration
        }
    }

    static let oneDeclaration = "let both have one declaration: that of the manifest"

    private static func shown(_ type: MetricType) -> String {
        switch type {
        case .counter: "a counter, for 'telemetry count'"
        case .upDownCounter: "an up-down counter, for 'telemetry count'"
        case .gauge: "a gauge, for 'telemetry gauge'"
        case .histogram, .exponentialHistogram: "a histogram, for 'telemetry observe'"
        }
    }
}
