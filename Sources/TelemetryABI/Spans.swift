// SPDX-License-Identifier: Apache-2.0
import CSystem
import TelemetryCore

/// Begins a span: something that the program does, with its place in a trace. telemetry_span_end() records it.
///
/// Spans that are open when the process ends, or when the collector is closed, are recorded as abandoned, with what was
/// known of them. A child of a fork cannot change or end its parent's open spans. A span keeps at most some 64,000 bytes.
/// Spans go to receivers that take them (`signals: [spans]` in the manifest, kind zipkin); without any backend, to the
/// log `spans.jsonl`.
/// Without the user's consent nothing is recorded and the span hands on its parent's context.
///
/// Threads: any number at once; also for one span, by any thread. Not for signal handlers.
/// Blocking: none. There is no lock, system call or allocation, except in the first call, and in one of
///     some hundred.
///
/// @param span    Where the span lies; whatever was there is overwritten. NULL: nothing is begun.
/// @param name    What is done, with few different values, as UTF-8; at most 256 bytes are kept.
/// @param kind    0 is TELEMETRY_SPAN_INTERNAL.
/// @param parent  A span of this process, ended or not. NULL: the span that is active in this thread
///     (telemetry_span_activate()); if none is, the one that TRACEPARENT of the environment names; else a
///     new trace begins. TELEMETRY_SPAN_ROOT: a new trace.
/// @return TELEMETRY_OK, also for a span that sampling leaves out; TELEMETRY_ADJUSTED if the name was
///     shortened or repaired; TELEMETRY_DISABLED; TELEMETRY_ERROR_ARGUMENT for a missing name or an unknown
///     kind; TELEMETRY_ERROR_UNDECLARED if the manifest lists the tool's spans and this one is not in the
///     list; TELEMETRY_ERROR_DROPPED if more than 1024 are open. In each case every function accepts the span.
/// @since 0.1.0
@_cdecl("telemetry_span_begin")
public func telemetrySpanBegin(
    collector: UnsafeMutablePointer<telemetry_collector>?, span: UnsafeMutablePointer<telemetry_span>?,
    name: UnsafePointer<CChar>?, kind: telemetry_span_kind, parent: UnsafePointer<telemetry_span>?
) -> telemetry_status {
    guard let span else { return TELEMETRY_ERROR_ARGUMENT }
    guard let parent else {
        let above = SpanRecording.active().map { SpanParent($0) }
        return SpanRecording.begin(collector, inner(span), name, kind.rawValue, above)
    }
    let given = UInt(bitPattern: parent) == .max ? SpanParent.none : SpanParent(inner(parent))
    return SpanRecording.begin(collector, inner(span), name, kind.rawValue, given)
}

/// Begins a span whose parent is in another process, as the header fields of its request say; see
/// telemetry_span_begin().
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param traceparent  The value of the field `traceparent` (W3C Trace Context, levels 1 and 2). NULL, or a
///     value that is not valid: a new trace begins.
/// @param tracestate   The value of the field `tracestate`; several such fields joined with commas. May be
///     NULL.
/// @return As telemetry_span_begin().
/// @since 0.1.0
@_cdecl("telemetry_span_begin_remote")
public func telemetrySpanBeginRemote(
    collector: UnsafeMutablePointer<telemetry_collector>?, span: UnsafeMutablePointer<telemetry_span>?,
    name: UnsafePointer<CChar>?, kind: telemetry_span_kind, traceparent: UnsafePointer<CChar>?,
    tracestate: UnsafePointer<CChar>?
) -> telemetry_status {
    guard let span else { return TELEMETRY_ERROR_ARGUMENT }
    return SpanRecording.begin(
        collector, inner(span), name, kind.rawValue, SpanParent(traceparent: traceparent, traceState: tracestate))
}

/// Adds attributes to a span. Of a key that is given twice, the last value counts. What looks like a secret, an e-mail
/// address or a home directory in a text is replaced.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param attributes  Copied. NULL: none.
/// @param count       Number of attributes; a span keeps 128, and counts those beyond.
/// @return TELEMETRY_OK; TELEMETRY_ADJUSTED if something was shortened, repaired or left out;
///     TELEMETRY_DISABLED, also after the span's end.
/// @since 0.1.0
@_cdecl("telemetry_span_set_attributes")
public func telemetrySpanSetAttributes(
    span: UnsafePointer<telemetry_span>?, attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let span else { return TELEMETRY_DISABLED }
    return SpanRecording.change(inner(span), .attributes(attributes, count))
}

/// Adds something that happens at this moment of a span.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param name        What happened, as UTF-8; at most 256 bytes are kept.
/// @param attributes  As for telemetry_span_set_attributes(); 128 for each event.
/// @param count       Number of attributes. A span keeps 128 events, and counts those beyond.
/// @return As telemetry_span_set_attributes(); TELEMETRY_ERROR_ARGUMENT for a missing name.
/// @since 0.1.0
@_cdecl("telemetry_span_add_event")
public func telemetrySpanAddEvent(
    span: UnsafePointer<telemetry_span>?, name: UnsafePointer<CChar>?,
    attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let span else { return TELEMETRY_DISABLED }
    return SpanRecording.change(inner(span), .event(name, attributes, count))
}

/// Adds a link to another span, of this trace or another, that is not the parent.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param traceparent  Which span: as telemetry_span_traceparent() gives it.
/// @param tracestate   May be NULL.
/// @param attributes   As for telemetry_span_set_attributes(); 128 for each link.
/// @param count        Number of attributes. A span keeps 128 links, and counts those beyond.
/// @return As telemetry_span_set_attributes(); TELEMETRY_ERROR_ARGUMENT for a traceparent that is not valid.
/// @since 0.1.0
@_cdecl("telemetry_span_add_link")
public func telemetrySpanAddLink(
    span: UnsafePointer<telemetry_span>?, traceparent: UnsafePointer<CChar>?, tracestate: UnsafePointer<CChar>?,
    attributes: UnsafePointer<telemetry_attribute>?, count: Int
) -> telemetry_status {
    guard let span else { return TELEMETRY_DISABLED }
    let other = SpanParent(traceparent: traceparent, traceState: tracestate)
    guard let context = other.context else { return TELEMETRY_ERROR_ARGUMENT }
    return SpanRecording.change(inner(span), .link(context, other.traceState, attributes, count))
}

/// Says how the span went. What ended well needs nothing: TELEMETRY_SPAN_OK is for a program that knows better than what
/// others said, and is final.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param status   A telemetry_span_status.
/// @param message  With TELEMETRY_SPAN_ERROR: why, for people; recorded redacted, at most 1024 bytes. May be
///     NULL.
/// @return As telemetry_span_set_attributes(); TELEMETRY_ERROR_ARGUMENT for an unknown status.
/// @since 0.1.0
@_cdecl("telemetry_span_set_status")
public func telemetrySpanSetStatus(
    span: UnsafePointer<telemetry_span>?, status: telemetry_span_status, message: UnsafePointer<CChar>?
) -> telemetry_status {
    guard let span else { return TELEMETRY_DISABLED }
    return SpanRecording.change(inner(span), .status(UInt8(clamping: status.rawValue), message))
}

/// Records a failure in a span: its status becomes TELEMETRY_SPAN_ERROR, and it gets an event `exception`.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param error_category  As for telemetry_track_error(); `exception.type` of the event.
/// @param error           The message. It is not read at all unless extended collection is on
///     (telemetry_options_set_extended_collection()). Then it is recorded redacted. May be NULL.
/// @return As telemetry_span_set_attributes().
/// @since 0.1.0
@_cdecl("telemetry_span_record_error")
public func telemetrySpanRecordError(
    span: UnsafePointer<telemetry_span>?, error_category: UnsafePointer<CChar>?, error: UnsafePointer<CChar>?
) -> telemetry_status {
    guard let span else { return TELEMETRY_DISABLED }
    return SpanRecording.change(inner(span), .error(error_category, error))
}

/// Ends a span and records it. A second end, or one after telemetry_close(), does nothing.
///
/// Threads: any thread.
/// Blocking: none. As telemetry_track().
///
/// @return As telemetry_track(), for the span with all that was said of it.
/// @since 0.1.0
@_cdecl("telemetry_span_end")
public func telemetrySpanEnd(span: UnsafeMutablePointer<telemetry_span>?) -> telemetry_status {
    guard let span else { return TELEMETRY_DISABLED }
    while csystem_active_span() != nil && csystem_deactivate(inner(span)) {}
    return SpanRecording.end(inner(span))
}

/// Makes a span the active one of this thread: the parent of spans that are begun without one. The span
/// that was active before is again, after telemetry_span_deactivate() or the span's end, in whatever order. A
/// span that is activated twice is deactivated twice. In the child of a fork the active spans remain parents.
///
/// Threads: each has its own active spans. Of a span that is not recorded, only the end in the same thread is
///     noticed.
/// Blocking: none. The first calls of a thread allocate.
///
/// @param span  The active span is a copy: this one may move or go. NULL: nothing changes.
/// @since 0.1.0
@_cdecl("telemetry_span_activate")
public func telemetrySpanActivate(span: UnsafeMutablePointer<telemetry_span>?) {
    guard let span, inner(span).pointee.has_context else { return }
    csystem_activate(inner(span))
}

/// Ends what telemetry_span_activate() began, in the same thread. The span goes on.
///
/// Threads: the one in which it is active.
/// Blocking: none.
/// @since 0.1.0
@_cdecl("telemetry_span_deactivate")
public func telemetrySpanDeactivate(span: UnsafeMutablePointer<telemetry_span>?) {
    guard let span else { return }
    _ = csystem_deactivate(inner(span))
}

/// Writes a span's context as the value of the header field `traceparent`: W3C Trace Context, level 2.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param buffer  Receives the text, cut to `size` and always terminated: TELEMETRY_TRACEPARENT_SIZE bytes hold
///     it. May be NULL if `size` is 0.
/// @return Length of the whole text without its terminator: 55; 0 if there is no trace to hand on.
/// @since 0.1.0
@_cdecl("telemetry_span_traceparent")
public func telemetrySpanTraceparent(
    span: UnsafePointer<telemetry_span>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        write(field("traceparent", of: span), to: buffer, size)
    }
}

/// Writes the value of the header field `tracestate`, which goes with the `traceparent`.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param buffer  Receives the text, cut to `size` and always terminated: TELEMETRY_TRACESTATE_SIZE bytes hold
///     it. May be NULL if `size` is 0.
/// @return Length of the whole text without its terminator; 0 if there is none.
/// @since 0.1.0
@_cdecl("telemetry_span_tracestate")
public func telemetrySpanTracestate(
    span: UnsafePointer<telemetry_span>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        write(field("tracestate", of: span), to: buffer, size)
    }
}

/// Writes what a child process needs in its environment to go on with the trace: `TRACEPARENT=…`, `TRACESTATE=…` and
/// `BAGGAGE=…`, each terminated, and an empty text behind the last. Put them into a copy of the environment, for the
/// child, and not into the program's own. What the child's environment had of these three names is replaced or removed.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @param buffer  Receives the texts if all fit into `size` bytes; else it is made empty. May be NULL if
///     `size` is 0.
/// @return Bytes that the texts need, with all terminators; 1 if there are none.
/// @since 0.1.0
@_cdecl("telemetry_span_environment")
public func telemetrySpanEnvironment(
    span: UnsafePointer<telemetry_span>?, buffer: UnsafeMutablePointer<CChar>?, size: Int
) -> Int {
    onCallersThread(exhausted: 0) {
        var bytes: [UInt8] = []
        if let span {
            for entry in EnvironmentCarrier.entries(SpanRecording.context(inner(span))) {
                bytes += Array(entry.utf8) + [0]
            }
        }
        bytes.append(0)
        guard let buffer, size > 0 else { return bytes.count }
        buffer[0] = 0
        if bytes.count <= size {
            for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
        }
        return bytes.count
    }
}

/// Gives the span of a command, for programs that begin others below it or make it active.
///
/// Threads: any number at once.
/// Blocking: none.
///
/// @return The span; it ends with telemetry_command_finish(), and is valid until telemetry_command_free(). A
///     command that is freed unfinished records none. NULL if the command is not a span
///     (telemetry_options_set_command_spans()).
/// @since 0.1.0
@_cdecl("telemetry_command_span")
public func telemetryCommandSpan(command: UnsafeMutablePointer<telemetry_command>?)
    -> UnsafeMutablePointer<telemetry_span>?
{
    guard let command else { return nil }
    return recorder(command).span.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: telemetry_span.self) }
}

private func field(_ name: String, of span: UnsafePointer<telemetry_span>?) -> String {
    guard let span else { return "" }
    for field in SpanRecording.context(inner(span), withBaggage: false).fields where field.name == name {
        return field.value
    }
    return ""
}

@inline(__always)
private func inner(_ span: UnsafeMutablePointer<telemetry_span>) -> UnsafeMutablePointer<csystem_span> {
    UnsafeMutableRawPointer(span).assumingMemoryBound(to: csystem_span.self)
}

@inline(__always)
private func inner(_ span: UnsafePointer<telemetry_span>) -> UnsafePointer<csystem_span> {
    UnsafeRawPointer(span).assumingMemoryBound(to: csystem_span.self)
}
