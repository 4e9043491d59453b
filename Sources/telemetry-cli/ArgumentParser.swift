// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// Which option is on the command line.
enum OptionID {
    case tool, toolVersion, manifest, json, quiet, noTelemetry, help, version
    case type, property, properties, durationMs, exitCode, timeoutMs, now, timeLimitMs, list
    case errorCategory, error, argument, all
    case dryRun, sent, verify, wire, offline, schema, open
    case format, since, log, columns
    case attribute, by, batch, textfile, audience, delivery, signal
    case listen, statsD, idleExit, noBrowser, push, job, grouping, check
    case spanName, kind, parent, print, status, message, expires
}

/// Which command is on the command line.
enum CommandID {
    case track, command, flush, deliver, show, status, explain, enable, disable, prompt, machineID
    case requestDeletion, reset, doctor, manifest, version, help, export
    case count, gauge, observe, time, metrics, span, agent, view
}

struct OptionSyntax {
    let id: OptionID
    let name: String
    /// A second name, of one letter.
    var short: String? = nil
    /// What is written in place of the value in help texts; nil: a flag.
    var value: String? = nil
    /// The allowed values, if any other is refused.
    var choices: [String] = []
    /// May be given several times, and each counts; otherwise only the last one counts.
    var repeats = false
    let summary: String
}

struct CommandSyntax {
    let id: CommandID
    let name: String
    /// What follows the name in the usage lines, one entry per form.
    let forms: [String]
    let summary: String
    /// Paragraphs of the help text.
    let details: String
    var options: [OptionSyntax] = []
    /// What the first word must be, if it has to be one of these.
    var actions: [String] = []
    /// Most words it takes.
    var words = 0
    /// What follows `--` is a program to run, not more words.
    var runsProgram = false
}

/// All that can be said on the command line. Help texts and completions are made from it.
struct CommandLineSyntax {
    let options: [OptionSyntax]
    let commands: [CommandSyntax]
}

/// What a person did wrong on the command line, as a sentence.
struct UsageError: Error, Equatable {
    /// Nil: no command was recognised yet.
    var command: String?
    var message: String
}

struct ParsedArguments {
    var command: CommandSyntax?
    /// In the order given. A flag's value is empty.
    var options: [(id: OptionID, value: String)] = []
    var words: [String] = []
    /// Index, in the arguments, of the program to run.
    var programIndex: Int?

    func has(_ id: OptionID) -> Bool { options.contains { $0.id == id } }

    /// The last one given wins.
    func value(_ id: OptionID) -> String? { options.last { $0.id == id }?.value }
}

/// Splits arguments into command, options and words. Pure; no input makes it trap. This file
/// depends on no other, so that it can be fuzzed alone.
struct ArgumentParser {
    private let syntax: CommandLineSyntax
    private let arguments: [String]
    private var index: Int
    private var result = ParsedArguments()

    /// `arguments`: as `main` gets them, the program's own name first.
    static func parse(_ arguments: [String], _ syntax: CommandLineSyntax) throws(UsageError) -> ParsedArguments {
        var parser = ArgumentParser(syntax: syntax, arguments: arguments, index: 1)
        try parser.run()
        return parser.result
    }

    private init(syntax: CommandLineSyntax, arguments: [String], index: Int) {
        self.syntax = syntax
        self.arguments = arguments
        self.index = index
    }

    private mutating func run() throws(UsageError) {
        while let argument = next() {
            if Self.same(argument, "--") {
                try takeRest()
            } else if argument.utf8.first == UInt8(ascii: "-") && argument.utf8.count > 1 && !Self.isNumber(argument) {
                try takeOption(argument)
            } else {
                try takeWord(argument)
            }
        }
    }

    /// No option begins with a digit: `telemetry gauge temperature -3.5`.
    private static func isNumber(_ argument: String) -> Bool {
        let second = argument.utf8.dropFirst().first ?? 0
        return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(second) || second == UInt8(ascii: ".")
    }

    private mutating func next() -> String? {
        guard index >= 0 && index < arguments.count else { return nil }
        defer { index += 1 }
        return arguments[index]
    }

    /// POSIX utility syntax, guideline 10: `--` ends the options.
    private mutating func takeRest() throws(UsageError) {
        guard result.command?.runsProgram == true else {
            while let word = next() { try takeWord(word) }
            return
        }
        guard index < arguments.count else { throw error("nothing to run after '--'") }
        result.programIndex = index
        index = arguments.count
    }

    private mutating func takeWord(_ word: String) throws(UsageError) {
        guard let command = result.command else {
            guard let found = syntax.commands.first(where: { Self.same($0.name, word) }) else {
                let hint = Self.suggestion(for: word, among: syntax.commands.map { $0.name })
                throw error("unknown command '" + word + "'" + hint)
            }
            result.command = found
            return
        }
        guard result.words.count < command.words else {
            throw error("unexpected argument '" + word + "'" + Self.programHint(command))
        }
        if result.words.isEmpty && !command.actions.isEmpty && !command.actions.contains(where: { Self.same($0, word) })
        {
            let hint = Self.suggestion(for: word, among: command.actions)
            throw error("unknown action '" + word + "'" + (hint.utf8.isEmpty ? Self.programHint(command) : hint))
        }
        result.words.append(word)
    }

    private static func programHint(_ command: CommandSyntax) -> String {
        command.runsProgram ? ", put '--' before the program to run" : ""
    }

    /// `--name`, `--name value`, `--name=value` and a short name.
    private mutating func takeOption(_ argument: String) throws(UsageError) {
        let (name, inlineValue) = Self.split(argument)
        let known = syntax.options + (result.command?.options ?? [])
        guard let option = known.first(where: { Self.same($0.name, name) || Self.same($0.short ?? "", name) }) else {
            throw error("unknown option '" + name + "'" + Self.suggestion(for: name, among: known.map { $0.name }))
        }
        guard let placeholder = option.value else {
            guard inlineValue == nil else { throw error(option.name + " takes no value") }
            result.options.append((option.id, ""))
            return
        }
        guard let value = inlineValue ?? next() else {
            throw error(option.name + " needs a value: " + option.name + " " + placeholder)
        }
        result.options.append((option.id, value))
    }

    private func error(_ message: String) -> UsageError {
        UsageError(command: result.command?.name, message: message)
    }

    private static func split(_ argument: String) -> (name: String, value: String?) {
        let bytes = argument.utf8
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return (argument, nil) }
        return (String(argument[..<equals]), String(argument[bytes.index(after: equals)...]))
    }

    /// Byte for byte: names are ASCII, and canonical equivalence has no place here.
    static func same(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

    /// `, did you mean 'x'?` when a name is close enough to have been meant, else nothing.
    private static func suggestion(for word: String, among names: [String]) -> String {
        let index = LikeName.index(of: Array(word.utf8), among: names.map { Array($0.utf8) })
        return index.map { ", did you mean '" + names[$0] + "'?" } ?? ""
    }
}
