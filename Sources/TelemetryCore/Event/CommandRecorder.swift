import CSystem

/// Requirement C5: records one command, once. Begin at start, set the command when it is known,
/// finish with its exit code.
package final class CommandRecorder {
    private let handle: UnsafeMutablePointer<telemetry_collector>
    private let started = Clock.monotonic()
    /// Nil until it is set, and for a bare or meta command.
    private var path: String?
    private var isFinished = false
    private let mutex = Mutex()

    /// The collector must not be closed before the recorder is done with.
    package init(_ handle: UnsafeMutablePointer<telemetry_collector>) { self.handle = handle }

    package func set(_ path: UnsafePointer<CChar>) {
        let normalised = CommandRecording.normalise(handle, path)
        mutex.withLock { self.path = normalised }
    }

    /// Records at the first call; later ones do nothing.
    package func finish(
        exitCode: Int32, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        let path = mutex.withLock { () -> String? in
            defer { isFinished = true }
            return isFinished ? nil : self.path
        }
        guard let path, Gate.isOpen(handle) else { return TELEMETRY_OK }
        var command = CommandInput(durationMilliseconds: max(0, (Clock.monotonic() &- started) / 1_000_000), exitCode: exitCode)
        command.attributes = attributes
        command.attributeCount = count
        return CommandRecording.record(handle, normalised: path, command)
    }
}

/// A command that has run, as the caller describes it.
package struct CommandInput {
    package var durationMilliseconds: Int64
    package var exitCode: Int32
    package var arguments: UnsafePointer<UnsafePointer<CChar>?>?
    package var argumentCount = 0
    package var error: UnsafePointer<CChar>?
    package var attributes: UnsafePointer<telemetry_attribute>?
    package var attributeCount = 0

    package init(durationMilliseconds: Int64, exitCode: Int32) {
        self.durationMilliseconds = durationMilliseconds
        self.exitCode = exitCode
    }
}

/// The way of a command event; requirements C3 and C6.
package enum CommandRecording {
    /// Longest command path looked at.
    private static let pathLimit = 4096

    /// As `telemetry_track_command_extended`, for a collector whose gate is open.
    package static func track(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ path: UnsafePointer<CChar>?, _ command: CommandInput
    ) -> telemetry_status {
        guard let path else { return Recording.refuse(handle) }
        guard let normalised = normalise(handle, path) else { return TELEMETRY_OK }
        return record(handle, normalised: normalised, command)
    }

    /// Nil for a bare run and for meta commands, which are not recorded.
    static func normalise(_ handle: UnsafeMutablePointer<telemetry_collector>, _ path: UnsafePointer<CChar>) -> String? {
        let bytes = UnsafeRawBufferPointer(start: path, count: strnlen(path, pathLimit))
        return CommandPath.normalise(String(decoding: bytes, as: UTF8.self), toolName: Collector.from(handle).options.toolName)
    }

    static func record(
        _ handle: UnsafeMutablePointer<telemetry_collector>, normalised: String, _ command: CommandInput
    ) -> telemetry_status {
        normalised.withCString { name in
            "command.invocation".withCString { type in
                var input = EventInput(type: Text(type, limit: EventLimits.typeBytes), name: Text(name, limit: EventLimits.nameBytes))
                input.attributes = command.attributes
                input.attributeCount = command.attributes == nil ? 0 : command.attributeCount
                input.durationMilliseconds = command.durationMilliseconds
                input.exitCode = command.exitCode
                input.flags = EventInput.hasDuration | EventInput.hasExitCode
                if Collector.from(handle).options.extendedCollection { extend(&input, command) }
                return Recording.recordOutOfLine(handle, input)
            }
        }
    }

    /// C6: without extended collection neither arguments nor error text are so much as looked at.
    private static func extend(_ input: inout EventInput, _ command: CommandInput) {
        input.arguments = command.arguments
        input.argumentCount = command.arguments == nil ? 0 : command.argumentCount
        if let error = command.error { input.error = Text(error, limit: EventLimits.errorBytes) }
    }
}
