// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// A command that has run.
struct CommandRun {
    var name: String
    var duration: Int64
    var exitCode: Int32
    var arguments: [String] = []
    var failure = ReportedError()
}

/// `track` and `command`: they record, and never make a script fail because nothing was recorded.
enum RecordCommands {
    typealias Attributes = [(key: String, value: AttributeValue)]

    /// Longest time a tool's own in-process delivery may hold up the script; the default is detached.
    private static let closeTimeoutMilliseconds: UInt32 = 500

    /// Longest standard input read as properties; an event holds far less.
    private static let inputLimit = 1 << 20

    static func track(_ invocation: Invocation) throws(Failure) -> ExitCode {
        guard let name = invocation.arguments.words.first else { throw invocation.usage("missing NAME") }
        let attributes = try properties(invocation)
        let failure = try ReportedError.read(invocation)
        let type = invocation.arguments.value(.type) ?? TELEMETRY_FEATURE_USED
        let collector = try open(invocation, try invocation.options())
        let status =
            failure.isGiven
            ? collector.trackError(
                name: name, category: failure.category ?? .unknown, error: failure.text, attributes: attributes)
            : collector.track(type: type, name: name, attributes: attributes)
        if status == TELEMETRY_ERROR_ARGUMENT {
            end(collector)
            throw invocation.usage("the name or the type is not valid")
        }
        try answer(invocation, collector, status, name)
        return .ok
    }

    static func command(_ invocation: Invocation) throws(Failure) -> Int32 {
        let attributes = try properties(invocation)
        let failure = try ReportedError.read(invocation)
        if let index = invocation.arguments.programIndex {
            if invocation.arguments.has(.argument) {
                throw invocation.usage("--argument is for a command that has run: what is behind '--' has its own")
            }
            return try WrappedCommand.run(invocation, program: invocation.rawArguments + index, attributes)
        }
        let duration = try invocation.number(.durationMs, "--duration-ms", in: 0...Int64.max)
        let exitCode = try invocation.number(.exitCode, "--exit-code", in: Int64(Int32.min)...Int64(Int32.max))
        guard let name = invocation.arguments.words.first else { throw invocation.usage("missing NAME") }
        guard let duration, let exitCode else {
            throw invocation.usage("needs --duration-ms and --exit-code, or '-- PROGRAM' to run one")
        }
        let collector = try open(invocation, try invocation.options())
        let run = CommandRun(
            name: name, duration: duration, exitCode: Int32(clamping: exitCode),
            arguments: invocation.arguments.options.filter { $0.id == .argument }.map { $0.value }, failure: failure)
        let status = track(collector, run, attributes)
        if status == TELEMETRY_ERROR_ARGUMENT {
            end(collector)
            throw invocation.usage("the name is not valid")
        }
        try answer(invocation, collector, status, name)
        return ExitCode.ok.rawValue
    }

    static func track(_ collector: Collector, _ run: CommandRun, _ attributes: Attributes) -> telemetry_status {
        collector.trackCommand(
            path: run.name, arguments: run.arguments, error: run.failure.text, durationMilliseconds: run.duration,
            exitCode: run.exitCode, category: run.failure.category, attributes: attributes)
    }

    /// With `--dry-run`, a collector that records into memory only.
    static func open(_ invocation: Invocation, _ options: Options) throws(Failure) -> Collector {
        if invocation.arguments.has(.dryRun) { return DryRun.open(invocation, options) }
        let collector = Collector.open(options)
        invocation.warn(collector.decision)
        collector.startHeartbeat()
        return collector
    }

    static func end(_ collector: Collector) {
        if collector.isDryRun { return collector.endDryRun() }
        // What is in memory alone is lost with this process.
        let isAll = collector.options.isInMemory
        _ = collector.close(timeoutMilliseconds: isAll ? 4 * closeTimeoutMilliseconds : closeTimeoutMilliseconds)
    }

    /// Lets go of the collector, and says what happened to the event if that was asked for.
    static func answer(
        _ invocation: Invocation, _ collector: Collector, _ status: telemetry_status, _ name: String
    ) throws(Failure) {
        // C10: the author's mistake, or a tool older than its manifest. A script must not fail for it.
        if status == TELEMETRY_ERROR_UNDECLARED && !hasSaidSo(invocation) && !invocation.isQuiet {
            invocation.complain(
                "not recorded: the manifest does not declare '" + name + "' with this type, or it has expired")
        }
        if collector.isDryRun { return try DryRun.answer(invocation, collector) }
        let isEnabled = collector.decision.isEnabled
        end(collector)
        guard invocation.wantsJSON else { return }
        var object = JSONObject()
        object.add("tool", collector.options.toolName)
        object.add("enabled", isEnabled)
        object.add("status", collector.loss == nil ? text(of: status) : "dropped")
        object.add("reason", optional: collector.loss?.text)
        try invocation.answer(object.text)
    }

    /// These say it in their own words.
    private static func hasSaidSo(_ invocation: Invocation) -> Bool {
        switch invocation.arguments.command?.id {
        case .count, .gauge, .observe, .time, .span: true
        default: false
        }
    }

    static func text(of status: telemetry_status) -> String {
        switch status {
        case TELEMETRY_OK: "ok"
        case TELEMETRY_ADJUSTED: "adjusted"
        case TELEMETRY_DISABLED: "disabled"
        case TELEMETRY_ERROR_UNDECLARED: "undeclared"
        default: "dropped"
        }
    }

    /// From `--property` and then from standard input; the later one of a key wins.
    private static func properties(_ invocation: Invocation) throws(Failure) -> Attributes {
        var attributes = try attributes(invocation, .property, "--property")
        for property in try inputProperties(invocation) { attributes.append((property.key, property.value)) }
        return attributes
    }

    /// From an option that is given once for each.
    static func attributes(_ invocation: Invocation, _ id: OptionID, _ name: String) throws(Failure) -> Attributes {
        var attributes: Attributes = []
        for option in invocation.arguments.options where option.id == id {
            do throws(Property.Mistake) {
                let property = try Property.parse(option.value)
                attributes.append((property.key, property.value))
            } catch {
                throw invocation.usage(name + " " + error.message + ", got '" + option.value + "'")
            }
        }
        return attributes
    }

    private static func inputProperties(_ invocation: Invocation) throws(Failure) -> [Property] {
        guard let source = invocation.arguments.value(.properties) else { return [] }
        guard ArgumentParser.same(source, "-") else {
            throw invocation.usage("--properties reads standard input only: --properties -")
        }
        if invocation.arguments.programIndex != nil {
            throw invocation.usage("--properties - would read the standard input of the program to run")
        }
        guard let bytes = StandardStream.readInput(limit: inputLimit) else {
            throw invocation.usage("--properties: standard input cannot be read or is larger than 1 MiB")
        }
        do throws(Property.Mistake) {
            return try PropertyReader.parse(bytes)
        } catch {
            throw invocation.usage("--properties: standard input " + error.message)
        }
    }
}
