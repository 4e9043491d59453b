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
        let shown = try audience(options, invocation)
        let delivery = invocation.arguments.has(.delivery) ? options : nil
        if let address = invocation.arguments.value(.listen) {
            try alone(invocation, "--listen", [.format, .textfile, .push, .job, .grouping, .timeoutMs])
            return try MetricsListener.run(invocation, shown, delivery: delivery, address)
        }
        if let url = invocation.arguments.value(.push) {
            try alone(invocation, "--push", [.format, .textfile])
            return try MetricsPushing.run(invocation, shown, of: options, delivery: delivery, url)
        }
        for id in [OptionID.job, .grouping, .timeoutMs] where invocation.arguments.has(id) {
            throw invocation.usage("--job, --grouping and --timeout-ms go with --push only")
        }
        let format = try format(invocation)
        if delivery != nil && !format.isExposition {
            throw invocation.usage(
                "--delivery goes with --format prometheus and openmetrics; 'telemetry status --json' has the same counts"
            )
        }
        let bytes = try text(shown, format, delivery: delivery)
        guard let path = invocation.arguments.value(.textfile) else {
            note(options, shown, invocation)
            // A label may hold what a terminal would obey.
            try invocation.answer(isatty(STDOUT_FILENO) == 1 ? ShownText.terminal(bytes) : bytes)
            return .ok
        }
        if format != .prometheus { throw invocation.usage("--textfile goes with --format prometheus only") }
        if path.utf8.isEmpty { throw invocation.usage("--textfile: expected the name of a file") }
        if ArgumentParser.same(path, "-") {
            throw invocation.usage("--textfile needs a file; without it the text goes to standard output")
        }
        note(options, shown, invocation)
        if let problem = MetricsReport.writeTextfile(invocation.path(path), bytes) {
            throw Failure(code: .system, message: path + ": " + problem)
        }
        return .ok
    }

    private static func alone(_ invocation: Invocation, _ name: String, _ others: [OptionID]) throws(Failure) {
        for id in others where invocation.arguments.has(id) {
            throw invocation.usage(name + " does not go with the other options of this command")
        }
    }

    /// What the author may get, or what is kept for the user.
    private static func audience(_ options: Options, _ invocation: Invocation) throws(Failure) -> Options {
        try invocation.audience(options) ?? OwnChoice.options(options) ?? options
    }

    /// What the text alone does not tell.
    static func note(_ options: Options, _ shown: Options, _ invocation: Invocation) {
        if invocation.isQuiet { return }
        let isOwn = SpoolInspector.path(options: shown) != SpoolInspector.path(options: options)
        if isOwn && !invocation.arguments.has(.audience) {
            invocation.complain("this is what is kept for you; '--audience author' has what the author may get")
        }
        guard let stored = SpoolInspector.metrics(options: shown) else {
            return invocation.complain(KnownTool.noMetrics(options))
        }
        if stored.notInPrometheus > 0, (try? format(invocation))?.isExposition == true {
            invocation.complain(
                counted(UInt64(clamping: stored.notInPrometheus), "metric")
                    + " left out, whose name in Prometheus another metric has; '--format json' has them all")
        }
    }

    private static func format(_ invocation: Invocation) throws(Failure) -> MetricsReport.Format {
        guard let name = invocation.arguments.value(.format) else { return invocation.wantsJSON ? .json : .prometheus }
        for format in MetricsReport.Format.allCases where ArgumentParser.same(format.name, name) { return format }
        throw invocation.usage("unknown format '" + name + "', expected prometheus, openmetrics, json or otlp-json")
    }

    /// `delivery`: with the counts of that tool's events.
    static func text(
        _ options: Options, _ format: MetricsReport.Format, delivery: Options? = nil
    ) throws(Failure) -> [UInt8] {
        do throws(SystemError) {
            if let bytes = try MetricsReport.text(options, format, delivery: delivery) { return bytes }
        } catch {
            throw Failure(code: .system, message: "the metrics cannot be read: " + MetricsReport.text(of: error))
        }
        throw Failure(code: .system, message: "out of memory")
    }
}
