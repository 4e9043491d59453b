// SPDX-License-Identifier: Apache-2.0

// Writes manual pages and completion scripts:
//
//     manual-generator functions HEADER VERSION DIRECTORY    section 3, a file for each page
//     manual-generator page FRAME TABLE VERSION              a page with a hand-written frame
//     manual-generator completion SHELL TABLE                a script for bash, zsh or fish
//
// HEADER is include/telemetry.h, TABLE what `telemetry help --json` prints. Page and script go to standard output.
// Documents that a frame names are read from the working directory. Exits with 1 and a sentence on failure.
import GeneratorText
import Glibc

let usage = Failure(
    """
    usage: manual-generator functions HEADER VERSION DIRECTORY
           manual-generator page FRAME TABLE VERSION
           manual-generator completion bash|zsh|fish TABLE
    """)

func run(_ arguments: [String]) throws -> String {
    switch arguments.first {
    case "functions" where arguments.count == 4: return try functions(arguments[1], arguments[2], arguments[3])
    case "page" where arguments.count == 4:
        let table = try CommandTable.read(TextFile(path: arguments[2]))
        return try Frame(file: TextFile(path: arguments[1]), table: table, version: arguments[3]).render()
    case "completion" where arguments.count == 3: return try completion(arguments[1], arguments[2])
    default: throw usage
    }
}

func functions(_ path: String, _ version: String, _ directory: String) throws -> String {
    let header = try PublicHeader(TextFile(path: path))
    try write(LibraryPage(header: header).render(version: version), to: "\(directory)/libtelemetry.3")
    for group in header.groups {
        for function in group.functions {
            let page = try FunctionPage(function: function, group: group, types: header.types).render(version: version)
            try write(page, to: "\(directory)/\(function.name).3")
        }
    }
    return ""
}

func completion(_ shell: String, _ path: String) throws -> String {
    let table = try CommandTable.read(TextFile(path: path))
    switch shell {
    case "bash": return BashCompletion(table: table).script
    case "zsh": return ZshCompletion(table: table).script
    case "fish": return FishCompletion(table: table).script
    default: throw usage
    }
}

func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
    let isWritten = fputs(text, file) >= 0
    guard fclose(file) == 0, isWritten else { throw Failure("\(path): cannot write") }
}

do {
    let output = try run(Array(CommandLine.arguments.dropFirst()))
    guard fputs(output, stdout) >= 0, fflush(stdout) == 0 else { throw Failure("cannot write") }
} catch {
    fputs("manual-generator: \(error)\n", stderr)
    exit(1)
}
