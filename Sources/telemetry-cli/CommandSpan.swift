// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// The span of a program that this process runs, by OpenTelemetry's semantic conventions for command lines (the side of
/// the caller).
struct CommandSpan {
    private let collector: Collector
    private let span: HelperSpan

    /// For `command`, whose spans are as those of a program in C. Nil: the tool's manifest does not ask for them, or it is
    /// a command about the tool.
    static func plan(command name: String) -> (Options) -> SpanCommands.Plan? {
        { options in
            guard options.hasCommandSpans, let name = HelperSpan.commandName(name, options) else { return nil }
            return SpanCommands.Plan(
                name: name, kind: TELEMETRY_SPAN_INTERNAL.rawValue, parent: .environment, attributes: [])
        }
    }

    /// Nil: nobody may know of it, and the program's environment is this process's.
    static func begin(
        _ invocation: Invocation, _ options: Options, _ plan: SpanCommands.Plan, _ program: ArgumentVector
    ) -> CommandSpan? {
        guard !invocation.arguments.has(.dryRun), options.areSpansTaken else { return nil }
        let collector = Collector.open(options)
        let name = plan.name ?? ""
        let span = HelperSpan(collector, name: name, kind: plan.kind, parent: plan.parent)
        // What is said of `command` is said of its event.
        if invocation.arguments.command?.id == .span { SpanCommands.warn(span.status, name, invocation) }
        if span.isOff {
            RecordCommands.end(collector)
            return nil
        }
        span.set(plan.attributes)
        // Said before it starts: it is known of a span that nobody ends, too. The name is the given one: a program that
        // ends at once leaves no /proc/PID/exe to read.
        span.setOwn([(.executableName, .string(WrappedCommand.baseName(program)))])
        span.setArguments(WrappedCommand.arguments(program, from: 0))
        return CommandSpan(collector: collector, span: span)
    }

    var isRecorded: Bool { span.isRecorded }

    /// The program replaces this process. What was counted of a span that was refused would be gone with it.
    func leave() { RecordCommands.end(collector) }

    /// For the program.
    var context: PropagatedContext { span.context }

    func hasStarted(_ child: ChildProcess) { span.setOwn([(.pid, .int(Int64(child.pid)))]) }

    func end(_ death: ChildProcess.Death, _ code: Int32) {
        let errorType: String? =
            switch death {
            case .exited: ErrorType.of(exitCode: code)
            case .signalled(let signal): SignalName.of(signal)
            }
        span.end(exitCode: code, errorType: errorType)
        collector.startHeartbeat()
        RecordCommands.end(collector)
    }
}
