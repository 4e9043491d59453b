import CSystem
import TelemetryCore

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
        let type = invocation.arguments.value(.type) ?? TELEMETRY_FEATURE_USED
        let collector = Collector.open(try invocation.options())
        invocation.warn(collector.decision)
        let status = collector.track(type: type, name: name, attributes: attributes)
        _ = collector.close(timeoutMilliseconds: closeTimeoutMilliseconds)
        sayUndeclared(invocation, status, name)
        if status == TELEMETRY_ERROR_ARGUMENT {
            throw invocation.usage("the name or the type is not valid")
        }
        return .ok
    }

    static func command(_ invocation: Invocation) throws(Failure) -> Int32 {
        let attributes = try properties(invocation)
        if let index = invocation.arguments.programIndex {
            return try WrappedCommand.run(invocation, program: invocation.rawArguments + index, attributes)
        }
        let duration = try invocation.number(.durationMs, "--duration-ms", in: 0...Int64.max)
        let exitCode = try invocation.number(.exitCode, "--exit-code", in: Int64(Int32.min)...Int64(Int32.max))
        guard let name = invocation.arguments.words.first else { throw invocation.usage("missing NAME") }
        guard let duration, let exitCode else {
            throw invocation.usage("needs --duration-ms and --exit-code, or '-- PROGRAM' to run one")
        }
        let collector = Collector.open(try invocation.options())
        invocation.warn(collector.decision)
        try record(invocation, collector, name, duration, Int32(clamping: exitCode), attributes)
        return ExitCode.ok.rawValue
    }

    private static func record(
        _ invocation: Invocation, _ collector: Collector, _ name: String, _ duration: Int64, _ exitCode: Int32,
        _ attributes: Attributes
    ) throws(Failure) {
        let status = trackAndClose(collector, name, duration, exitCode, attributes)
        sayUndeclared(invocation, status, name)
        if status == TELEMETRY_ERROR_ARGUMENT { throw invocation.usage("the name is not valid") }
    }

    /// C10: the author's mistake, or a tool older than its manifest; no reason for a script to fail.
    private static func sayUndeclared(_ invocation: Invocation, _ status: telemetry_status, _ name: String) {
        if status == TELEMETRY_ERROR_UNDECLARED && !invocation.isQuiet {
            invocation.complain("not recorded: the manifest does not declare '" + name + "' with this type, or it has expired")
        }
    }

    static func trackAndClose(
        _ collector: Collector, _ name: String, _ duration: Int64, _ exitCode: Int32, _ attributes: Attributes
    ) -> telemetry_status {
        let status = collector.trackCommand(
            path: name, arguments: [], error: nil, durationMilliseconds: duration, exitCode: exitCode,
            attributes: attributes)
        _ = collector.close(timeoutMilliseconds: closeTimeoutMilliseconds)
        return status
    }

    /// From `--property` and then from standard input; the later one of a key wins.
    private static func properties(_ invocation: Invocation) throws(Failure) -> Attributes {
        var attributes: Attributes = []
        for option in invocation.arguments.options where option.id == .property {
            do throws(Property.Mistake) {
                let property = try Property.parse(option.value)
                attributes.append((property.key, property.value))
            } catch {
                throw invocation.usage("--property " + error.message + ", got '" + option.value + "'")
            }
        }
        for property in try inputProperties(invocation) { attributes.append((property.key, property.value)) }
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
