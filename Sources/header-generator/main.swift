// SPDX-License-Identifier: Apache-2.0

// Writes include/telemetry.h to standard output:
//
//     header-generator TEMPLATE TYPES COMPILER_HEADER VERSION
//
// TEMPLATE is telemetry.h.in, TYPES the hand-written C types, COMPILER_HEADER what the Swift
// compiler emitted for the exports. Exits with 1 and a sentence when they do not fit together.
import GeneratorText
import Glibc

func run(_ arguments: [String]) throws -> String {
    guard arguments.count == 5, !arguments[4].isEmpty else {
        throw Failure("usage: header-generator TEMPLATE TYPES COMPILER_HEADER VERSION")
    }
    let types = try publicTypes(in: TextFile(path: arguments[2]))
    let exports = try ExportedFunction.all(in: TextFile(path: arguments[3]))
    return try Template(TextFile(path: arguments[1])).render(types: types, exports: exports, version: arguments[4])
}

do {
    let header = try run(CommandLine.arguments)
    guard fputs(header, stdout) >= 0, fflush(stdout) == 0 else { throw Failure("cannot write") }
} catch {
    fputs("header-generator: \(error)\n", stderr)
    exit(1)
}
