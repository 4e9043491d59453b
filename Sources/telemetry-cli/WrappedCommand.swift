// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `command -- PROGRAM`, `time` and `span -- PROGRAM`: they run a program so that nobody can tell (B5), and record how it
/// went.
enum WrappedCommand {
    static func run(
        _ invocation: Invocation, program: ArgumentVector, _ attributes: RecordCommands.Attributes
    ) throws(Failure) -> Int32 {
        let span = CommandSpan.plan(command: invocation.arguments.words.first ?? defaultName(program))
        return try run(invocation, program, span: span) { (options, nanoseconds, code) throws(Failure) in
            let name = invocation.arguments.words.first ?? defaultName(program)
            let run = CommandRun(
                name: name, duration: nanoseconds / 1_000_000, exitCode: code, arguments: arguments(program))
            try record(invocation, options, run, attributes)
        }
    }

    /// `time`: the duration goes into a histogram.
    static func time(_ invocation: Invocation) throws(Failure) -> Int32 {
        guard let index = invocation.arguments.programIndex else {
            throw invocation.usage("needs '-- PROGRAM' to run one")
        }
        guard let name = invocation.arguments.words.first else { throw invocation.usage("missing NAME") }
        let attributes = try RecordCommands.attributes(invocation, .attribute, "--attribute")
        return try run(invocation, invocation.rawArguments + index, isMetric: true) {
            (options, nanoseconds, _) throws(Failure) in
            let collector = Collector.open(options)
            collector.startHeartbeat()
            let status = collector.record(name, .observe(Double(nanoseconds) / 1e9), attributes, unit: "s")
            let notes = MetricNotes(collector: collector, kind: .observe)
            let mistake = notes.mistake(status, name).map { ["not recorded: " + $0] } ?? []
            for note in mistake + notes.notes(status, name, attributes) + notes.contested
            where !invocation.isQuiet {
                invocation.complain(note)
            }
            RecordCommands.end(collector)
        }
    }

    /// `span`: the program is told which span it is part of.
    static func span(_ invocation: Invocation, program: ArgumentVector) throws(Failure) -> Int32 {
        var plan = try SpanCommands.plan(invocation, kind: TELEMETRY_SPAN_CLIENT)
        let name = plan.name ?? defaultName(program)
        plan.name = name
        return try run(invocation, program, span: { _ in plan }) { (_, _, _) in }
    }

    /// `body` is given the duration and the exit code, after the program has ended. A metric is not told of a program that
    /// could not be started.
    private static func run(
        _ invocation: Invocation, _ program: ArgumentVector, isMetric: Bool = false,
        span plan: (Options) -> SpanCommands.Plan? = { _ in nil },
        _ body: (Options, Int64, Int32) throws(Failure) -> Void
    ) throws(Failure) -> Int32 {
        // Consent is looked at twice. Here: when telemetry is off, the program replaces this process. And when the
        // program has ended: only that moment counts for what is recorded then.
        guard let options = try loadOptions(invocation),
            invocation.arguments.has(.dryRun) || isEnabled(invocation, options)
                || (isMetric || invocation.arguments.command?.id == .span) && OwnChoice.options(options) != nil
        else {
            return cannotRun(program, Process.replace(with: program))
        }
        let span = plan(options).flatMap { CommandSpan.begin(invocation, options, $0, program) }
        let environment = span.map { ChildEnvironment($0.context) }
        if invocation.arguments.command?.id == .span, span?.isRecorded != true {
            span?.leave()
            return cannotRun(program, Process.replace(with: program, environment))
        }
        let start = Process.monotonicNanoseconds()
        let death: ChildProcess.Death
        do throws(ChildProcess.StartError) {
            var child = try ChildProcess.start(invocation, program, environment)
            span?.hasStarted(child)
            death = child.wait()
        } catch {
            // At the limit of processes, running the program counts more than recording it. Its span is abandoned then.
            if error.isAlone { return cannotRun(program, Process.replace(with: program, environment)) }
            death = .exited(cannotRun(program, error.code))
            // What did not run has no duration.
            if invocation.arguments.command?.id == .time { return exitCode(death) }
        }
        let nanoseconds = Process.monotonicNanoseconds() &- start
        span?.end(death, exitCode(death))
        try body(options, nanoseconds, exitCode(death))
        if case .signalled(let signal) = death { Process.die(of: signal) }
        return exitCode(death)
    }

    /// An error here does not concern the wrapped program.
    private static func record(
        _ invocation: Invocation, _ options: Options, _ run: CommandRun, _ attributes: RecordCommands.Attributes
    ) throws(Failure) {
        let isDryRun = invocation.arguments.has(.dryRun)
        let collector = isDryRun ? DryRun.open(invocation, options) : Collector.open(options)
        if !isDryRun { collector.startHeartbeat() }
        _ = RecordCommands.track(collector, run, attributes)
        if isDryRun { try DryRun.answer(invocation, collector) } else { RecordCommands.end(collector) }
    }

    /// Nil when the options are in error, with a message on standard error: the author's mistake in a manifest must not
    /// keep the user's program from running. A missing tool name is an error of the call.
    private static func loadOptions(_ invocation: Invocation) throws(Failure) -> Options? {
        do throws(Failure) {
            return try invocation.options()
        } catch {
            if error.code == .usage { throw error }
            if !invocation.isQuiet { invocation.complain(error.message) }
            return nil
        }
    }

    /// B5: recorded, redacted, with extended collection only. Without the program itself, unless `from` is 0.
    static func arguments(_ program: ArgumentVector, from first: Int = 1) -> [String] {
        var result: [String] = []
        var index = first
        while let argument = program[index] {
            result.append(String(cString: argument))
            index += 1
        }
        return result
    }

    private static func isEnabled(_ invocation: Invocation, _ options: Options) -> Bool {
        let decision = ConsentResolver.decide(options)
        invocation.warn(decision)
        return decision.isEnabled
    }

    static func baseName(_ program: ArgumentVector) -> String {
        let path = program[0].map { String(cString: $0) } ?? ""
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// Nobody has chosen it, so nobody has looked whether it may be told.
    private static func defaultName(_ program: ArgumentVector) -> String { Redactor.shown(baseName(program)) }

    /// A shell's form of a death by signal.
    private static func exitCode(_ death: ChildProcess.Death) -> Int32 {
        switch death {
        case .exited(let code): code
        case .signalled(let signal): 128 &+ signal
        }
    }

    /// Says why in a shell's words and returns a shell's exit code.
    private static func cannotRun(_ program: ArgumentVector, _ error: Int32) -> Int32 {
        let name = program[0].map { String(cString: $0) } ?? ""
        let isPath = name.utf8.contains(UInt8(ascii: "/"))
        let reason = error == ENOENT && !isPath ? "command not found" : ErrorText.of(error)
        StandardStream.complain(name + ": " + reason)
        // A path that cannot be a file's counts as not found, as in every shell but bash.
        let isNotFound = [ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP].contains(error)
        return (isNotFound ? ExitCode.notFound : ExitCode.notExecutable).rawValue
    }
}
