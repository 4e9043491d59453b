// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Requirement C5: records one command, once. Begin at start, set the command when it is known,
/// finish with its exit code.
package final class CommandRecorder {
    private let handle: UnsafeMutablePointer<telemetry_collector>
    private let started = Clock.monotonic()
    /// Nil until it is set, and for a bare or meta command.
    private var path: String?
    /// Nil: the category of the exit code.
    private var category: CategoryName?
    private var isFinished = false

    /// H9: the command is a span too.
    package let span: UnsafeMutablePointer<csystem_span>?

    /// The collector must not be closed before the recorder is finished.
    package init(_ handle: UnsafeMutablePointer<telemetry_collector>, parent: SpanParent? = nil) {
        self.handle = handle
        let options = Collector.from(handle).options
        guard options.hasCommandSpans else {
            span = nil
            return
        }
        // What a program sees of it is larger.
        let area = UnsafeMutablePointer<telemetry_span>.allocate(capacity: 1)
        let made = UnsafeMutableRawPointer(area).assumingMemoryBound(to: csystem_span.self)
        memset(area, 0, MemoryLayout<telemetry_span>.size)
        span = made
        let parent = parent ?? SpanRecording.active().map { SpanParent($0) }
        _ = options.toolName.withCString {
            SpanRecording.begin(
                handle, made, $0, UInt32(TELEMETRY_SPAN_INTERNAL.rawValue), parent, isUnnamed: true)
        }
    }

    deinit {
        guard let span else { return }
        SpanRecording.discard(span)
        UnsafeMutableRawPointer(span).assumingMemoryBound(to: telemetry_span.self).deallocate()
    }

    package func set(_ path: UnsafePointer<CChar>) {
        let normalised = CommandRecording.normalise(handle, path)
        ForkHandling.exclusively { self.path = normalised }
        guard let span, let normalised else { return }
        normalised.withCString { _ = SpanRecording.change(span, .name($0)) }
    }

    /// False: it is not one of the categories.
    package func set(category name: UnsafePointer<CChar>) -> Bool {
        let given = CategoryName(name)
        ForkHandling.exclusively { category = given }
        return given.isKnown
    }

    /// Records at the first call; later ones do nothing.
    package func finish(
        exitCode: Int32, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        let (path, category) = ForkHandling.exclusively { () -> (String?, CategoryName?) in
            defer { isFinished = true }
            return (isFinished ? nil : self.path, self.category)
        }
        if let span {
            if path == nil { SpanRecording.discard(span) } else { end(span, exitCode, category) }
        }
        guard let path, Gate.isOpen(handle) else { return TELEMETRY_OK }
        var command = CommandInput(
            durationMilliseconds: max(0, (Clock.monotonic() &- started) / 1_000_000), exitCode: exitCode)
        command.attributes = attributes
        command.attributeCount = count
        if let category { (command.category, command.isAdjusted) = (category.category, !category.isKnown) }
        return CommandRecording.record(handle, normalised: path, command)
    }

    private func end(_ span: UnsafeMutablePointer<csystem_span>, _ exitCode: Int32, _ category: CategoryName?) {
        let failure = category?.category ?? .of(exitCode: exitCode)
        SpanRecording.endCommand(
            span, exitCode: exitCode, errorType: failure?.name.description,
            without: Collector.from(handle).options.excluded)
    }
}

/// The category that a caller gives (C4): any other text counts as unknown.
struct CategoryName {
    let category: ErrorCategory
    let isKnown: Bool

    init(_ name: UnsafePointer<CChar>) {
        let known = ErrorCategory(name: name)
        category = known ?? .unknown
        isKnown = known != nil
    }
}

/// A command that has run, as the caller describes it.
package struct CommandInput {
    package var durationMilliseconds: Int64
    package var exitCode: Int32
    package var category: ErrorCategory?
    /// A part could not be recorded as it was given.
    var isAdjusted = false
    package var arguments: UnsafePointer<UnsafePointer<CChar>?>?
    package var argumentCount = 0
    package var error: UnsafePointer<CChar>?
    package var attributes: UnsafePointer<telemetry_attribute>?
    package var attributeCount = 0

    package init(durationMilliseconds: Int64, exitCode: Int32) {
        self.durationMilliseconds = durationMilliseconds
        self.exitCode = exitCode
        category = .of(exitCode: exitCode)
    }
}

/// Records a command event; requirements C3, C4, C6 and C7.
package enum CommandRecording {
    /// The longest command path that is read.
    private static let pathLimit = 4096

    /// Like `telemetry_track_command_extended`, for a collector whose gate is open.
    package static func track(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ path: UnsafePointer<CChar>?, _ command: CommandInput
    ) -> telemetry_status {
        guard let path else { return Recording.refuse(handle) }
        guard let normalised = normalise(handle, path) else { return TELEMETRY_OK }
        return record(handle, normalised: normalised, command)
    }

    /// Nil for a bare run and for meta commands, which are not recorded.
    static func normalise(_ handle: UnsafeMutablePointer<telemetry_collector>, _ path: UnsafePointer<CChar>) -> String?
    {
        let bytes = UnsafeRawBufferPointer(start: path, count: strnlen(path, pathLimit))
        return CommandPath.normalise(String(bytes: bytes), toolName: Collector.from(handle).options.toolName)
    }

    static func record(
        _ handle: UnsafeMutablePointer<telemetry_collector>, normalised: String, _ command: CommandInput
    ) -> telemetry_status {
        normalised.withCString { name in
            TELEMETRY_COMMAND_INVOCATION.withCString { type in
                var input = EventInput(
                    type: Text(type, limit: EventLimits.typeBytes), name: Text(name, limit: EventLimits.nameBytes))
                input.set(command.attributes, command.attributeCount)
                input.durationMilliseconds = command.durationMilliseconds
                input.exitCode = command.exitCode
                input.flags |=
                    EventInput.hasDuration | EventInput.hasExitCode | (command.isAdjusted ? EventInput.isAdjusted : 0)
                if let category = command.category {
                    input.errorCategory = Text(category.text, limit: EventLimits.categoryBytes)
                }
                return extended(handle, input, command)
            }
        }
    }

    /// Like `telemetry_track_error`, for a collector whose gate is open.
    package static func trackError(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ name: UnsafePointer<CChar>?,
        _ category: UnsafePointer<CChar>?,
        _ error: UnsafePointer<CChar>?, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        guard let name else { return Recording.refuse(handle) }
        let given = category.map { CategoryName($0) }
        var command = CommandInput(durationMilliseconds: 0, exitCode: 0)
        command.error = error
        return TELEMETRY_COMMAND_ERROR.withCString { type in
            var input = EventInput(
                type: Text(type, limit: EventLimits.typeBytes), name: Text(name, limit: EventLimits.nameBytes))
            input.set(attributes, count)
            input.errorCategory = Text((given?.category ?? .unknown).text, limit: EventLimits.categoryBytes)
            if given?.isKnown == false { input.flags |= EventInput.isAdjusted }
            return extended(handle, input, command)
        }
    }

    /// C6: without extended collection, arguments and error text are not read at all; with it they are recorded
    /// redacted.
    private static func extended(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ plain: EventInput, _ command: CommandInput
    ) -> telemetry_status {
        let collector = Collector.from(handle)
        var input = plain
        input.leaveOut(collector.options.excluded)
        let (readsError, readsArguments) = (collector.options.collectsErrors, collector.options.collectsArguments)
        guard readsError || readsArguments else { return Recording.recordOutOfLine(handle, input) }
        var event = RedactedEvent(collector.redactor)
        if readsError, let error = command.error.flatMap({ event.error($0) }) {
            input.error = Text(error, limit: EventLimits.errorBytes)
        }
        let given = readsArguments ? command.arguments : nil
        let arguments = given.map { event.arguments($0, command.argumentCount) } ?? []
        input.hasRedaction = event.hasReplaced
        return withExtendedLifetime(event) {
            arguments.withUnsafeBufferPointer { arguments in
                input.arguments = arguments.baseAddress
                // Arguments beyond the limit are counted, not read.
                input.argumentCount = given == nil ? 0 : max(0, command.argumentCount)
                return Recording.recordOutOfLine(handle, input)
            }
        }
    }
}
