// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// `export`: the local log as a table. Reads files and standard input, and neither makes nor changes anything.
enum ExportCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitCode {
        let options = try invocation.options()
        if invocation.arguments.has(.columns) { return try ExportColumns(options).answer(invocation) }
        var export = Export(invocation, options, try format(invocation), try ExportFilter(invocation))
        return export.run(try files(invocation, options))
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

    private static func files(_ invocation: Invocation, _ options: Options) throws(Failure) -> [LogFiles] {
        if let log = invocation.arguments.value(.log) {
            return [ArgumentParser.same(log, "-") ? LogFiles() : LogFiles(invocation.path(log), isGiven: true)]
        }
        let paths = SpoolInspector.logPaths(options: options)
        let logs = paths.map { LogFiles($0, isGiven: false) }
        if !invocation.isQuiet && logs.allSatisfy({ $0.files.isEmpty && $0.problems.isEmpty }) {
            invocation.complain("there is no log of " + options.toolName + " here yet: " + joined(paths, ", "))
        }
        return logs
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
    private var events = 0
    private var eventsOfOthers = 0
    private var damagedLines = 0
    /// Error of standard output; 0: none.
    private var writeError: Int32 = 0
    private var code = ExitCode.ok

    private static let chunk = 64 << 10
    private static let toolName = ExportRow.index(of: "tool_name")
    /// Damaged lines that are named; the others are counted.
    private static let namedLines = 10

    init(_ invocation: Invocation, _ options: Options, _ format: ExportFormat, _ filter: ExportFilter) {
        self.invocation = invocation
        self.format = format
        self.filter = filter
        columns = ExportColumns(options)
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
        if eventsOfOthers > 0 && !invocation.isQuiet {
            invocation.complain("\(eventsOfOthers) of \(events) events are of other tools: see tool_name")
        }
        // A reader that has had enough is not worth a message.
        if writeError != 0 && writeError != EPIPE {
            invocation.complain("cannot write to standard output: " + ErrorText.of(writeError))
        }
        return writeError == 0 ? code : .system
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
                if row.read(line) { add(line) } else { leaveOut(file.name, number, "is not an event") }
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
        events += 1
        if row.text(Self.toolName, of: line).map({ $0 != tool }) ?? true { eventsOfOthers += 1 }
        output += format.line(row, of: line, columns)
        if output.count >= Self.chunk { flush() }
    }

    private mutating func flush() {
        if writeError == 0 { writeError = StandardStream.write(output, to: STDOUT_FILENO) }
        output.removeAll(keepingCapacity: true)
    }
}
