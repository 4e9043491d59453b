// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `export`: the local log as a table. Reads files and standard input, and neither makes nor changes anything.
enum ExportCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let whole = try invocation.options()
        let options = try invocation.signal(whole)
        let columns = ExportColumns(options)
        if invocation.arguments.has(.columns) { return try columns.answer(invocation) }
        var export = Export(invocation, options, columns, try format(invocation), try ExportFilter(invocation, columns))
        return export.run(try files(invocation, options, whole))
    }

    private static func format(_ invocation: Invocation) throws(Failure) -> ExportFormat {
        let name = invocation.arguments.value(.format) ?? (invocation.wantsJSON ? "jsonl" : "csv")
        if ArgumentParser.same(name, "jsonl") { return .jsonLines }
        guard ArgumentParser.same(name, "csv") else {
            throw invocation.usage("--format needs csv or jsonl, got '" + name + "'")
        }
        if invocation.wantsJSON { throw invocation.usage("--json and --format csv exclude each other") }
        return .csv(isShown: isatty(STDOUT_FILENO) == 1)
    }

    private static func files(
        _ invocation: Invocation, _ options: Options, _ whole: Options
    ) throws(Failure) -> [LogFiles] {
        if let log = invocation.arguments.value(.log) {
            return [ArgumentParser.same(log, "-") ? LogFiles() : LogFiles(invocation.path(log), isGiven: true)]
        }
        let paths = SpoolInspector.logPaths(options: options)
        let logs = paths.map { LogFiles($0, isGiven: false) }
        if invocation.isQuiet { return logs }
        let isEmpty = logs.allSatisfy { $0.files.isEmpty && $0.problems.isEmpty }
        if let reason = whyNoLog(options, whole) {
            invocation.complain((isEmpty ? "there is no log: " : "not all is in the log: ") + reason)
        } else if isEmpty {
            invocation.complain("there is no log of " + options.toolName + " here yet: " + joined(paths, ", "))
        }
        return logs
    }

    /// Where the records go instead, and the command that shows them. Nil: they go to a log here, or it is not known.
    private static func whyNoLog(_ options: Options, _ whole: Options) -> String? {
        let areSpans = options.signal == .spans
        let what = "the " + (areSpans ? "spans" : "events") + " of " + options.toolName
        if areSpans && whole.spans() == nil { return what + " go nowhere: none of its receivers takes them" }
        // What a program has chosen in code is known once it has run.
        let isByProgram = options.isDefault && SpoolInspector.chosenInCode(options: options)?.isLocal == false
        let isHere = options.destinations.contains { if case .file = $0.choice { true } else { false } }
        if isHere && !isByProgram { return nil }
        let place = isByProgram ? "the receiver that the program has chosen" : ManifestPage.shown(options.destinations)
        return what + " go elsewhere (" + place + ")" + "; 'telemetry show --sent" + (areSpans ? " --signal spans" : "")
            + "' shows those that were sent"
    }
}

/// One run of `export`.
private struct Export {
    private let invocation: Invocation
    private let format: ExportFormat
    private let filter: ExportFilter
    private let columns: ExportColumns
    private let tool: [UInt8]
    private var row: ExportRow
    private var output: [UInt8] = []
    private let toolName: Int
    private var records = 0
    private var recordsOfOthers = 0
    private var linesOfOtherSignal = 0
    private var damagedLines = 0
    /// Error of standard output; 0: none.
    private var writeError: Int32 = 0
    private var code = ExitCode.ok

    private static let chunk = 64 << 10
    /// Damaged lines that are named; the others are counted.
    private static let namedLines = 10

    init(
        _ invocation: Invocation, _ options: Options, _ columns: ExportColumns, _ format: ExportFormat,
        _ filter: ExportFilter
    ) {
        self.invocation = invocation
        self.format = format
        self.filter = filter
        self.columns = columns
        toolName = columns.index(of: "tool_name")
        tool = Array(options.toolName.utf8)
        row = ExportRow(columns)
    }

    mutating func run(_ logs: [LogFiles]) -> ExitCode {
        output = format.header(columns)
        for log in logs {
            for problem in log.problems { report(problem.name, problem.reason) }
            for file in log.files where writeError == 0 { copy(file) }
        }
        flush()
        if damagedLines > Self.namedLines {
            invocation.complain("\(damagedLines - Self.namedLines) more lines are damaged and left out")
        }
        sayWhatElseIsThere()
        // A reader that has had enough is not worth a message.
        if writeError != 0 && writeError != EPIPE {
            invocation.complain("cannot write to standard output: " + ErrorText.of(writeError))
        }
        return writeError == 0 ? code : .system
    }

    private var areSpans: Bool { columns.signal == .spans }

    private func sayWhatElseIsThere() {
        if invocation.isQuiet { return }
        if recordsOfOthers > 0 {
            let what = areSpans ? "spans" : "events"
            invocation.complain("\(recordsOfOthers) of \(records) \(what) are of other tools: see tool_name")
        }
        if linesOfOtherSignal > 0 {
            let lines = counted(UInt64(clamping: linesOfOtherSignal), areSpans ? "event" : "span")
            invocation.complain(lines + " left out: '--signal " + (areSpans ? "events" : "spans") + "' prints them")
        }
    }

    private mutating func report(_ name: String, _ reason: String) {
        code = .system
        invocation.complain("cannot read " + name + ": " + reason)
    }

    private mutating func copy(_ file: LogFiles.File) {
        var number = 0
        while writeError == 0 {
            number += 1
            switch file.reader.next() {
            case .whole(let line):
                if line.isEmpty { continue }
                switch row.read(line) {
                case .record: add(line)
                case .ofOtherSignal: linesOfOtherSignal += 1
                case .damaged: leaveOut(file.name, number, areSpans ? "is not a span" : "is not an event")
                }
            case .tooLong: leaveOut(file.name, number, "has more than \(LineReader.limit >> 20) MiB")
            case .unfinished: leaveOut(file.name, number, "is cut short")
            case .end: return
            case .failed(let error): return report(file.name, ErrorText.of(error))
            }
        }
    }

    private mutating func leaveOut(_ name: String, _ line: Int, _ why: String) {
        damagedLines += 1
        if code == .ok { code = .document }
        if damagedLines <= Self.namedLines { invocation.complain(name + ", line \(line): " + why + "; left out") }
    }

    private mutating func add(_ line: UnsafeBufferPointer<UInt8>) {
        guard filter.takes(row, line) else { return }
        records += 1
        if row.text(toolName, of: line).map({ $0 != tool }) ?? true { recordsOfOthers += 1 }
        output += format.line(row, of: line, columns)
        if output.count >= Self.chunk { flush() }
    }

    private mutating func flush() {
        if writeError == 0 { writeError = StandardStream.write(output, to: STDOUT_FILENO) }
        output.removeAll(keepingCapacity: true)
    }
}
