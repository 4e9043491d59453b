// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// What `--error-category` and `--error` say about a failure (C4, C6).
struct ReportedError {
    /// Nil: not given.
    var category: ErrorCategory?
    var text: String?

    var isGiven: Bool { category != nil || text != nil }

    /// Longest standard input read as an error message; an event holds far less.
    private static let inputLimit = 1 << 20

    static func read(_ invocation: Invocation) throws(Failure) -> ReportedError {
        var result = ReportedError()
        if let name = invocation.arguments.value(.errorCategory) { result.category = try category(name, invocation) }
        if let source = invocation.arguments.value(.error) { result.text = try text(source, invocation) }
        if result.isGiven && invocation.arguments.programIndex != nil {
            throw invocation.usage("--error-category and --error are for a command that has run already")
        }
        try checkType(invocation, result)
        return result
    }

    private static func category(_ name: String, _ invocation: Invocation) throws(Failure) -> ErrorCategory {
        if let category = name.withCString({ ErrorCategory(name: $0) }) { return category }
        var known = ""
        for category in ErrorCategory.allCases {
            known += (known.utf8.isEmpty ? "" : ", ") + String(cString: category.text)
        }
        throw invocation.usage("--error-category needs one of " + known + ", got '" + name + "'")
    }

    private static func text(_ source: String, _ invocation: Invocation) throws(Failure) -> String {
        guard ArgumentParser.same(source, "-") else { return source }
        if invocation.arguments.programIndex != nil {
            throw invocation.usage("--error - would read the standard input of the program to run")
        }
        if invocation.arguments.has(.properties) {
            throw invocation.usage("--error - and --properties - cannot both read standard input")
        }
        guard let bytes = StandardStream.readInput(limit: inputLimit) else {
            throw invocation.usage("--error: standard input cannot be read or is larger than 1 MiB")
        }
        // The text would end at a NUL.
        return String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    /// An event with an error is a command.error.
    private static func checkType(_ invocation: Invocation, _ error: ReportedError) throws(Failure) {
        guard error.isGiven, let type = invocation.arguments.value(.type),
            !ArgumentParser.same(type, TELEMETRY_COMMAND_ERROR)
        else { return }
        throw invocation.usage(
            "--error-category and --error make the event a " + TELEMETRY_COMMAND_ERROR + ", not a '" + type + "'")
    }
}
