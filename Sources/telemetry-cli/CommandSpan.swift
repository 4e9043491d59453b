// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The span of a program that this process runs, by OpenTelemetry's semantic conventions for command lines (the side of
/// the caller).
struct CommandSpan {
    private let collector: Collector
    private let span: HelperSpan

    /// For `command`: nil: the tool's manifest does not ask for spans of commands.
    static func plan(name: String) -> (Options) -> SpanCommands.Plan? { { _ in nil } }

    /// Nil: nobody may know of it, and the program's environment is this process's.
    static func begin(_ invocation: Invocation, _ options: Options, _ plan: SpanCommands.Plan) -> CommandSpan? {
        guard !invocation.arguments.has(.dryRun), options.areSpansTaken else { return nil }
        let collector = Collector.open(options)
        let name = plan.name ?? ""
        let span = HelperSpan(collector, name: name, kind: plan.kind, parent: plan.parent)
        SpanCommands.warn(span.status, name, invocation)
        if span.isOff {
            RecordCommands.end(collector)
            return nil
        }
        span.set(plan.attributes)
        return CommandSpan(collector: collector, span: span)
    }

    var isRecorded: Bool { span.isRecorded }

    /// For the program.
    var context: PropagatedContext { span.context }

    /// Said at once: it is known of a span that nobody ends, too. `child`: nil: the program could not be started.
    func hasStarted(_ child: ChildProcess?, _ program: ArgumentVector) {
        let name = child?.executableName ?? WrappedCommand.baseName(program)
        span.set([("process.executable.name", .string(name))])
        if let child { span.set([("process.pid", .int(Int64(child.pid)))]) }
        span.setArguments(WrappedCommand.arguments(program, from: 0))
    }

    func end(_ death: ChildProcess.Death, _ code: Int32) {
        var attributes: RecordCommands.Attributes = [("process.exit.code", .int(Int64(code)))]
        switch death {
        case .exited(0): break
        case .exited: attributes.append(("error.type", .string("\(code)")))
        case .signalled(let signal): attributes.append(("error.type", .string(SignalName.of(signal))))
        }
        span.set(attributes)
        if attributes.count > 1 { span.set(status: UInt8(TELEMETRY_SPAN_ERROR.rawValue), "") }
        span.end()
        collector.startHeartbeat()
        RecordCommands.end(collector)
    }
}
