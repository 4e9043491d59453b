// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `metrics`: what the tool's metrics hold, for people, Prometheus and other programs.
enum MetricsCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.checkedOptions()
        guard ToolName.isValid(options.toolName) else {
            throw Failure(code: .options, message: options.error ?? "the tool's name is not valid")
        }
        let format = try format(invocation)
        let hasDelivery = invocation.arguments.has(.delivery)
        if hasDelivery && !format.isExposition {
            throw invocation.usage(
                "--delivery goes with --format prometheus and openmetrics; 'telemetry status --json' has the same counts"
            )
        }
        let bytes = try text(options, format, hasDelivery)
        guard let path = invocation.arguments.value(.textfile) else {
            try invocation.answer(bytes)
            return .ok
        }
        if format != .prometheus { throw invocation.usage("--textfile goes with --format prometheus only") }
        if let problem = MetricsReport.writeTextfile(invocation.path(path), bytes) {
            throw Failure(code: .system, message: path + ": " + problem)
        }
        return .ok
    }

    private static func format(_ invocation: Invocation) throws(Failure) -> MetricsReport.Format {
        guard let name = invocation.arguments.value(.format) else { return invocation.wantsJSON ? .json : .prometheus }
        for format in MetricsReport.Format.allCases where ArgumentParser.same(format.name, name) { return format }
        throw invocation.usage("unknown format '" + name + "', expected prometheus, openmetrics, json or otlp-json")
    }

    private static func text(
        _ options: Options, _ format: MetricsReport.Format, _ hasDelivery: Bool
    ) throws(Failure) -> [UInt8] {
        do throws(SystemError) {
            if let bytes = try MetricsReport.text(options, format, hasDelivery: hasDelivery) { return bytes }
        } catch {
            throw Failure(code: .system, message: "the metrics cannot be read: " + error.text)
        }
        throw Failure(code: .system, message: "out of memory")
    }
}
