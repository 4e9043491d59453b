// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A span that the helper has begun. It ends with `end`, before its collector is closed.
package final class HelperSpan {
    package enum Parent {
        /// What TRACEPARENT of this process's environment names, or none.
        case environment
        case none
        case given(TraceContext)
    }

    package typealias Attributes = [(key: String, value: AttributeValue)]

    let collector: Collector
    let span: UnsafeMutablePointer<csystem_span>
    /// As telemetry_span_begin() returns it.
    package private(set) var status: telemetry_status

    /// `kind`: a telemetry_span_kind; 0: internal.
    package init(_ collector: Collector, name: String, kind: UInt32, parent: Parent) {
        self.collector = collector
        span = .allocate(capacity: 1)
        span.initialize(to: csystem_span())
        let span = span
        status = Self.state(parent).withUnsafeBytes { state in
            let given: SpanParent? =
                switch parent {
                case .environment: nil
                case .none: SpanParent.none
                case .given(let context): SpanParent(context: context, traceState: state)
                }
            return name.withCString { SpanRecording.begin(collector.handle, span, $0, kind, given) }
        }
    }

    /// TRACESTATE belongs to the trace that TRACEPARENT names (W3C Trace Context, section 3.3): it goes on with any span of
    /// that trace, and with no other.
    private static func state(_ parent: Parent) -> [UInt8] {
        guard case .given(let context) = parent else { return [] }
        let carried = EnvironmentCarrier.read()
        return carried.context?.traceID == context.traceID ? carried.state : []
    }

    /// One that lasts longer than this process (`end` is for another one then), from `begin` on for `seconds`. `room`: bytes
    /// of what is going to be said of it.
    package convenience init(
        lasting collector: Collector, seconds: Int64, name: String, kind: UInt32, parent: Parent,
        _ attributes: Attributes
    ) {
        collector.lastingSpans = LastingSpans(
            expires: Clock.realtime() &+ min(max(0, seconds), LastingSpanLayout.longestSeconds) &* 1_000_000_000,
            room: SpanLayout.fixedSize &+ EventLimits.nameBytes &+ TraceState.limit &+ Self.room(attributes))
        self.init(collector, name: name, kind: kind, parent: parent)
        if set(attributes) == TELEMETRY_ADJUSTED && status == TELEMETRY_OK { status = TELEMETRY_ADJUSTED }
    }

    /// Nobody can name it, so it was never begun.
    package func forget() {
        each { $0.pointee.block?._withUnsafeGuaranteedRef { $0.file.discard() } }
        SpanRecording.discard(span)
    }

    private func each(_ body: (UnsafeMutablePointer<SpanCell>) -> Void) {
        for (cell, use) in [(span.pointee.cells.0, span.pointee.uses.0), (span.pointee.cells.1, span.pointee.uses.1)] {
            guard let cell = cell?.assumingMemoryBound(to: SpanCell.self) else { continue }
            _ = SpanCell.with(cell, use, body)
        }
    }

    package enum Resumed {
        case span(HelperSpan)
        case notOpen
        /// The manifest declares the span of that name no more.
        case undeclared(name: String)
        case disabled
        case busy
        case failed(SystemError)
    }

    /// One that another process has begun. `texts`: what else is going to be said.
    package static func resume(
        _ collector: Collector, _ context: TraceContext, _ attributes: Attributes, texts: [String], isEnd: Bool
    ) -> Resumed {
        let room = texts.reduce(Self.room(attributes)) { $0 &+ 2 &* $1.utf8.count &+ 64 }
        let terms = LastingSpans(expires: 0, room: room, isEnd: isEnd)
        collector.lastingSpans = terms
        guard let sinks = collector.makeSpanSinks() else { return .disabled }
        let span = HelperSpan(collector, context)
        var result = Resumed.disabled
        for (sink, isAuthors) in [(sinks.author, true), (sinks.own, false)] {
            guard let sink else { continue }
            switch sink.resumeSpan(context, terms) {
            case .span(let cell, let use):
                span.take(cell, use, isAuthors: isAuthors)
                result = .span(span)
            case .notOpen: if case .disabled = result { result = .notOpen }
            case .undeclared(let name): if !span.isRecorded { result = .undeclared(name: name) }
            case .busy: if !span.isRecorded { result = .busy }
            case .failed(let error): if !span.isRecorded { result = .failed(error) }
            case .disabled: break
            }
        }
        return result
    }

    private init(_ collector: Collector, _ context: TraceContext) {
        self.collector = collector
        span = .allocate(capacity: 1)
        span.initialize(to: csystem_span())
        SpanRecording.set(context, span)
        status = TELEMETRY_OK
    }

    private func take(_ cell: UnsafeMutablePointer<SpanCell>, _ use: UInt64, isAuthors: Bool) {
        let cell = UnsafeMutableRawPointer(cell)
        if isAuthors {
            (span.pointee.cells.0, span.pointee.uses.0) = (cell, use)
        } else {
            (span.pointee.cells.1, span.pointee.uses.1) = (cell, use)
        }
    }

    /// Redaction may make a text longer, and each attribute has a few bytes before its key.
    private static func room(_ attributes: Attributes) -> Int {
        attributes.reduce(256) { room, attribute in
            let text: Int = if case .string(let text) = attribute.value { text.utf8.count } else { 8 }
            return room &+ 2 &* (min(text, EventLimits.valueBytes) &+ attribute.key.utf8.count) &+ 16
        }
    }

    deinit { span.deallocate() }

    /// Somebody gets it. Otherwise it is off, or left out by sampling, or there was no room.
    package var isRecorded: Bool { span.pointee.cells.0 != nil || span.pointee.cells.1 != nil }

    /// Nobody may know of it: its context is its parent's.
    package var isOff: Bool { span.pointee.is_off && status == TELEMETRY_DISABLED }

    /// What a process that it starts is told.
    package var context: PropagatedContext { SpanRecording.context(span) }

    @discardableResult
    package func set(_ attributes: Attributes) -> telemetry_status {
        // Of a key that is given twice, the last value counts: the first one needs no room.
        var last: Attributes = []
        for attribute in attributes {
            if let place = last.firstIndex(where: { $0.key.utf8.elementsEqual(attribute.key.utf8) }) {
                last[place] = attribute
            } else {
                last.append(attribute)
            }
        }
        let list = AttributeList(last)
        return list.items.withUnsafeBufferPointer {
            SpanRecording.change(span, .attributes($0.baseAddress, $0.count))
        }
    }

    /// What the semantic conventions say of a program: the manifest need not declare these.
    package func setOwn(_ attributes: LibraryAttribute.Values) {
        SpanRecording.setOwn(span, attributes, without: collector.options.excluded)
    }

    /// As a command is recorded; nil: a command about the tool, which is not.
    package static func commandName(_ name: String, _ options: Options) -> String? {
        CommandPath.normalise(name, toolName: options.toolName)
    }

    /// TELEMETRY_ERROR_DROPPED: the span has only counted it.
    package func addEvent(_ name: String, _ attributes: Attributes) -> telemetry_status {
        let list = AttributeList(attributes)
        let before = eventCount
        let status = list.items.withUnsafeBufferPointer { items in
            name.withCString { SpanRecording.change(span, .event($0, items.baseAddress, items.count)) }
        }
        return status == TELEMETRY_ADJUSTED && eventCount == before ? TELEMETRY_ERROR_DROPPED : status
    }

    private var eventCount: Int {
        var count = 0
        each { count &+= $0.pointee.eventCount }
        return count
    }

    /// `status`: a telemetry_span_status.
    @discardableResult
    package func set(status: UInt8, _ message: String) -> telemetry_status {
        message.withCString { SpanRecording.change(span, .status(status, $0)) }
    }

    /// C6: with extended collection only, redacted: `process.command_args`, as a JSON array. Arguments beyond the room of
    /// a value are left out.
    package func setArguments(_ arguments: [String]) {
        guard isRecorded, collector.options.collectsArguments else { return }
        let strings = CopiedStrings()
        let pointers = arguments.map { strings.add($0) }
        var event = RedactedEvent(collector.redactor)
        let shown = pointers.withUnsafeBufferPointer { area in
            area.baseAddress.map { event.arguments($0, area.count) } ?? []
        }
        var text = "["
        withExtendedLifetime((strings, event)) {
            for argument in shown {
                guard let argument else { continue }
                var writer = JSONWriter()
                writer.string(String(cString: argument))
                let next = String(bytes: Array(writer.buffer.bytes))
                if text.utf8.count + next.utf8.count + 2 > EventLimits.valueBytes { break }
                text += (text.utf8.count > 1 ? "," : "") + next
            }
        }
        setOwn([(.commandArguments, .string(text + "]"))])
    }

    /// Records it, as that of a program. `errorType`: nil: the program has not failed.
    package func end(exitCode: Int32, errorType: String?) {
        SpanRecording.endCommand(
            span, exitCode: exitCode, errorType: errorType, without: collector.options.excluded)
    }

    /// Records it.
    @discardableResult
    package func end() -> telemetry_status { SpanRecording.end(span) }
}

extension Options {
    /// The tool's manifest says that there are spans.
    package var mayHaveSpans: Bool { hasCommandSpans || ofSpans.events != nil }

    /// Somebody takes the tool's spans: the author, or the user's own receivers, when those are asked for.
    package var areSpansTaken: Bool { spans() != nil || OwnChoice.options(self)?.spans() != nil }
}
