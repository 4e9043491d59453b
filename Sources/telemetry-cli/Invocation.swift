// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// One run of the helper: what was asked for, and the means to answer.
struct Invocation {
    let arguments: ParsedArguments
    /// As the kernel gave them, byte for byte.
    let rawArguments: ArgumentVector

    var isQuiet: Bool { arguments.has(.quiet) }
    var wantsJSON: Bool { arguments.has(.json) }

    /// `track` and `command` record for somebody who must not wait.
    var role: Role {
        switch arguments.command?.id {
        case .track, .command, .count, .gauge, .observe, .time, .span: return .helper(isRecording: true)
        default: return .helper(isRecording: false)
        }
    }

    /// The tool's options: from the manifest, overridden by the command line.
    func options() throws(Failure) -> Options {
        let options = try checkedOptions()
        if let error = options.error { throw Failure(code: .options, message: error) }
        return options
    }

    /// The same, for commands that show what is wrong with the options instead of ending.
    func checkedOptions() throws(Failure) -> Options {
        let given = nonEmpty(arguments.value(.manifest)).map(path) ?? Environment.path("TELEMETRY_MANIFEST")
        return options(tool: try toolName(manifest: given), manifest: given)
    }

    /// `manifest`: as given; nil: the one that is installed, if there is one.
    func options(tool: String, manifest: String?) -> Options {
        let options = Options(toolName: tool, toolVersion: arguments.value(.toolVersion) ?? "", role: role)
        options.set(.deliveryMode, UInt64(TELEMETRY_DETACHED.rawValue))
        options.set(.noTelemetry, arguments.has(.noTelemetry) ? 1 : 0)
        if let path = ManifestLookup.resolve(explicit: manifest, tool: tool) {
            try? Manifest.load(path: path, into: options)
        }
        return options
    }

    /// The same for a refusal, which needs only the tool's name.
    func optionsToRefuse() throws(Failure) -> Options {
        let options: Options
        do throws(Failure) { options = try checkedOptions() } catch {
            guard error.code == .options else { throw error }
            throw Failure(code: .options, message: error.message + "; with --tool NAME no manifest is needed")
        }
        if !ToolName.isValid(options.toolName), let error = options.error {
            throw Failure(code: .options, message: error)
        }
        return options
    }

    private func toolName(manifest: String?) throws(Failure) -> String {
        if let name = nonEmpty(arguments.value(.tool)) ?? nonEmpty(Process.environment("TELEMETRY_TOOL")) {
            return name
        }
        guard let manifest else { throw usage("which tool? Give --tool NAME or set TELEMETRY_TOOL") }
        do throws(ManifestError) {
            return try Manifest.read(path: manifest).toolName
        } catch {
            throw Failure(code: .options, message: error.text)
        }
    }

    /// An argument that is a path: as it was given, where the parser has it in UTF-8.
    func path(_ argument: String) -> String {
        var index = 0
        while let raw = rawArguments[index] {
            let text = String(cString: raw)
            if ArgumentParser.same(text, argument) { return PathText.string(raw) }
            if let equals = strchr(raw, 0x3D), ArgumentParser.same(String(cString: equals + 1), argument) {
                return PathText.string(equals + 1)
            }
            index += 1
        }
        return argument
    }

    private func nonEmpty(_ text: String?) -> String? {
        guard let text, !text.utf8.isEmpty else { return nil }
        return text
    }

    /// A whole number given with `--name N`; nil when it was not given.
    func number(_ id: OptionID, _ name: String, in range: ClosedRange<Int64>) throws(Failure) -> Int64? {
        guard let text = arguments.value(id) else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw usage(
                name + " needs a whole number from \(range.lowerBound) to \(range.upperBound), got '" + text + "'")
        }
        return number
    }

    func milliseconds(_ id: OptionID, _ name: String, default fallback: UInt32) throws(Failure) -> UInt32 {
        UInt32(clamping: try number(id, name, in: 0...Int64(UInt32.max)) ?? Int64(fallback))
    }

    func usage(_ message: String) -> Failure {
        Failure(code: .usage, message: message + Self.seeHelp(arguments.command?.name))
    }

    static func seeHelp(_ command: String?) -> String {
        " (see 'telemetry " + (command.map { $0 + " " } ?? "") + "--help')"
    }

    /// Prints to standard output what was asked for.
    func answer(_ text: String) throws(Failure) { try answer(PathText.shown(ShownText.lines(text))) }

    func answer(_ bytes: [UInt8]) throws(Failure) {
        let error = StandardStream.write(bytes, to: STDOUT_FILENO)
        if error != 0 {
            throw Failure(code: .system, message: "cannot write to standard output: " + ErrorText.of(error))
        }
    }

    /// Prints to standard output unless `--quiet` was given.
    func confirm(_ text: String) throws(Failure) {
        if !isQuiet { try answer(text + "\n") }
    }

    /// One line on standard error.
    func complain(_ message: String) {
        let command = arguments.command.map { $0.name + ": " } ?? ""
        StandardStream.complain(String(decoding: PathText.shown(command + message), as: UTF8.self))
    }

    func warn(_ decision: ConsentDecision) {
        if !isQuiet { for warning in decision.warnings { complain(warning) } }
    }
}

extension Invocation {
    /// `--audience`: what the author may get, or what is kept for the user. Nil: not given.
    func audience(_ options: Options) throws(Failure) -> Options? {
        guard let name = arguments.value(.audience) else { return nil }
        if ArgumentParser.same(name, "author") { return options }
        if ArgumentParser.same(name, "own") { return OwnChoice.options(options) ?? options.own([]) }
        throw usage("unknown audience '" + name + "', expected author or own")
    }

    /// `--signal`: the tool's events, or its spans.
    func signal(_ options: Options) throws(Failure) -> Options {
        guard let name = arguments.value(.signal) else { return options }
        if ArgumentParser.same(name, "events") { return options }
        if ArgumentParser.same(name, "spans") { return options.ofSpans }
        throw usage("unknown signal '" + name + "', expected events or spans")
    }
}
