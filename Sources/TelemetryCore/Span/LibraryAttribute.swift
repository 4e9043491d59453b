// SPDX-License-Identifier: Apache-2.0

/// The attributes of spans and of their events that the library sets itself, under the names of OpenTelemetry's semantic
/// conventions. They need no declaration, so `show --schema` lists them all.
package enum LibraryAttribute: CaseIterable {
    case executableName, pid, exitCode, errorType, commandArguments
    case exceptionType, exceptionMessage

    static let exceptionEvent: StaticString = "exception"

    package var name: String { key.text }

    var key: StaticString {
        switch self {
        case .executableName: "process.executable.name"
        case .pid: "process.pid"
        case .exitCode: "process.exit.code"
        case .errorType: "error.type"
        case .commandArguments: "process.command_args"
        case .exceptionType: "exception.type"
        case .exceptionMessage: "exception.message"
        }
    }
}

extension LibraryAttribute {
    /// What an event has in its place. Nil: nothing.
    package var field: EventField? {
        switch self {
        case .exitCode: .exitCode
        case .errorType, .exceptionType: .errorCategory
        case .commandArguments: .arguments
        case .exceptionMessage: .error
        case .executableName, .pid: nil
        }
    }

    /// The author wants what it says left out of events, and so of spans.
    package func isLeftOut(_ excluded: FieldSet) -> Bool { field.map { excluded.contains($0) } == true }

    package typealias Values = [(key: LibraryAttribute, value: AttributeValue)]

    /// What a program's span says of its end. `errorType`: nil: it has not failed.
    package static func outcome(exitCode: Int32, errorType: String?) -> Values {
        let code: Values = [(.exitCode, .int(Int64(exitCode)))]
        return code + (errorType.map { [(.errorType, .string($0))] } ?? [])
    }
}
