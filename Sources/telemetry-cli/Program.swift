// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// From the command line to the command.
enum Program {
    static func run(_ arguments: [String], _ rawArguments: ArgumentVector) -> Int32 {
        let syntax = CommandTable.syntax
        let parsed: ParsedArguments
        do throws(UsageError) {
            parsed = try ArgumentParser.parse(arguments, syntax)
        } catch {
            let command = error.command.map { $0 + ": " } ?? ""
            StandardStream.complain(command + error.message + Invocation.seeHelp(error.command))
            return ExitCode.usage.rawValue
        }
        let invocation = Invocation(arguments: parsed, rawArguments: rawArguments)
        do throws(Failure) {
            return try dispatch(invocation, syntax)
        } catch {
            invocation.complain(error.message)
            return error.code.rawValue
        }
    }

    private static func dispatch(_ invocation: Invocation, _ syntax: CommandLineSyntax) throws(Failure) -> Int32 {
        let command = invocation.arguments.command
        if invocation.arguments.has(.help) { return try AboutCommands.help(command, invocation, syntax).rawValue }
        if invocation.arguments.has(.version) { return try AboutCommands.version(invocation).rawValue }
        guard let command else { throw invocation.usage("which command?") }
        switch command.id {
        case .track: return try RecordCommands.track(invocation).rawValue
        case .command: return try RecordCommands.command(invocation)
        case .count, .gauge, .observe: return try MetricCommands.run(invocation).rawValue
        case .time: return try WrappedCommand.time(invocation)
        case .span: return try SpanCommands.run(invocation)
        case .metrics: return try MetricsCommand.run(invocation).rawValue
        case .flush: return try DeliveryCommands.flush(invocation).rawValue
        case .deliver: return try DeliveryCommands.deliver(invocation).rawValue
        case .show: return try InspectionCommands.show(invocation).rawValue
        case .export: return try ExportCommand.run(invocation).rawValue
        case .status: return try InspectionCommands.status(invocation).rawValue
        case .explain: return try InspectionCommands.explain(invocation).rawValue
        case .machineID: return try IdentityCommands.machineID(invocation).rawValue
        case .requestDeletion: return try DeletionCommands.requestDeletion(invocation).rawValue
        case .reset: return try DeletionCommands.reset(invocation).rawValue
        case .enable: return try ConsentCommands.enable(invocation).rawValue
        case .disable: return try ConsentCommands.disable(invocation).rawValue
        case .doctor: return try DoctorCommand.run(invocation).rawValue
        case .prompt: return try ConsentCommands.prompt(invocation).rawValue
        case .manifest: return try ManifestCommands.run(invocation).rawValue
        case .agent: return try AgentCommands.run(invocation).rawValue
        case .view: return try ViewCommand.run(invocation).rawValue
        case .version: return try AboutCommands.version(invocation).rawValue
        case .help: return try AboutCommands.help(named: invocation.arguments.words.first, invocation, syntax).rawValue
        }
    }
}
