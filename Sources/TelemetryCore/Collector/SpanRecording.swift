// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// A span's parent, from wherever it comes.
package struct SpanParent {
    package let context: TraceContext?
    package let traceState: UnsafeRawBufferPointer

    package static var none: SpanParent {
        SpanParent(context: nil, traceState: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Texts of header fields, or of an environment. Nil: there is none.
    package init(traceparent: UnsafePointer<CChar>?, traceState: UnsafePointer<CChar>?) {
        let parsed = traceparent.flatMap { TraceContext(UnsafeRawBufferPointer(start: $0, count: Self.length($0))) }
        context = parsed
        self.traceState =
            parsed == nil
            ? Self.none.traceState : UnsafeRawBufferPointer(start: traceState, count: traceState.map(Self.length) ?? 0)
    }

    init(context: TraceContext?, traceState: UnsafeRawBufferPointer) {
        self.context = context
        self.traceState = traceState
    }

    /// A span of this process.
    @inline(__always)
    package init(_ span: UnsafePointer<csystem_span>) {
        context = span.pointee.context
        traceState = span.pointee.traceState(span)
    }

    private static let longestText = 8192

    private static func length(_ text: UnsafePointer<CChar>) -> Int { strnlen(text, longestText) }
}

extension csystem_span {
    /// Nil: the span is in no trace.
    var context: TraceContext? {
        guard has_context else { return nil }
        return TraceContext(
            traceID: TraceID(high: trace_high, low: trace_low), spanID: span, flags: flags, isRemote: is_remote)
    }

    func traceState(_ own: UnsafePointer<csystem_span>) -> UnsafeRawBufferPointer {
        let offset = MemoryLayout<csystem_span>.offset(of: \.state) ?? 0
        return UnsafeRawBufferPointer(
            start: UnsafeRawPointer(own) + offset, count: min(Int(state_length), TraceState.limit))
    }
}

/// Spans from the C ABI, and from the helper.
package enum SpanRecording {
    /// What is done to a span.
    package enum Change {
        case attributes(UnsafePointer<telemetry_attribute>?, Int)
        /// Attributes that the library itself gives a span: no declaration need list them.
        case own(UnsafePointer<telemetry_attribute>?, Int)
        case name(UnsafePointer<CChar>)
        case event(UnsafePointer<CChar>?, UnsafePointer<telemetry_attribute>?, Int)
        case link(TraceContext, UnsafeRawBufferPointer, UnsafePointer<telemetry_attribute>?, Int)
        case status(UInt8, UnsafePointer<CChar>?)
        case error(UnsafePointer<CChar>?, UnsafePointer<CChar>?)
    }

    /// `given`: nil: the environment's. `isUnnamed`: the name that counts comes later.
    @inline(__always)
    @_optimize(speed)
    package static func begin(
        _ handle: UnsafeMutablePointer<telemetry_collector>?, _ span: UnsafeMutablePointer<csystem_span>,
        _ name: UnsafePointer<CChar>?, _ kind: UInt32, _ given: SpanParent?, isUnnamed: Bool = false
    ) -> telemetry_status {
        clear(span)
        guard let handle, Gate.isOpenForMetrics(handle), let sinks = sinks(handle) else { return carry(given, span) }
        return sinks._withUnsafeGuaranteedRef { sinks in
            guard let given else {
                return sinks.carried.state.withUnsafeBytes {
                    begin(
                        sinks, span, name, kind, SpanParent(context: sinks.carried.context, traceState: $0),
                        isUnnamed: isUnnamed)
                }
            }
            return begin(sinks, span, name, kind, given, isUnnamed: isUnnamed)
        }
    }

    @inline(__always)
    private static func begin(
        _ sinks: SpanSinks, _ span: UnsafeMutablePointer<csystem_span>, _ name: UnsafePointer<CChar>?, _ kind: UInt32,
        _ parent: SpanParent, isUnnamed: Bool
    ) -> telemetry_status {
        guard sinks.author.map({ Gate.isOpen($0.handle) }) == true || sinks.own.map({ Gate.isOpen($0.handle) }) == true
        else { return carry(parent, span) }
        let context = sinks.sampler.begin(parent.context)
        set(context, span)
        span.pointee.leaves_no_exemplar = !sinks.keepsExemplars
        if parent.context != nil, parent.traceState.count > 0 { keep(parent.traceState, span) }
        guard let name, name.pointee != 0, kind <= 5 else {
            leaveOut(span)
            return TELEMETRY_ERROR_ARGUMENT
        }
        if !context.isSampled { return TELEMETRY_OK }
        var result = TELEMETRY_DISABLED
        if let author = sinks.author {
            let (status, cell, use) = open(author.handle, span, context, parent, name, kind, isUnnamed)
            (span.pointee.cells.0, span.pointee.uses.0) = (cell, use)
            result = status
        }
        if let own = sinks.own {
            let (status, cell, use) = open(own.handle, span, context, parent, name, kind, isUnnamed)
            (span.pointee.cells.1, span.pointee.uses.1) = (cell, use)
            if result == TELEMETRY_DISABLED { result = status }
        }
        if span.pointee.cells.0 != nil { span.pointee.named_for.0 = sinks.namedFor.author }
        if span.pointee.cells.1 != nil { span.pointee.named_for.1 = sinks.namedFor.own }
        if span.pointee.cells.0 == nil && span.pointee.cells.1 == nil { leaveOut(span) }
        return result
    }

    /// Nobody keeps it: others need not record what is below it.
    @inline(never)
    private static func leaveOut(_ span: UnsafeMutablePointer<csystem_span>) {
        span.pointee.is_off = true
        span.pointee.flags &= ~TraceContext.sampledFlag
    }

    @inline(__always)
    private static func sinks(_ handle: UnsafeMutablePointer<telemetry_collector>) -> Unmanaged<SpanSinks>? {
        let word = Collector.spansWord(handle).pointee.load(ordering: .acquiring)
        if let known = UnsafeRawPointer(bitPattern: word) { return Unmanaged<SpanSinks>.fromOpaque(known) }
        return makeSinks(handle)
    }

    @inline(never)
    private static func makeSinks(_ handle: UnsafeMutablePointer<telemetry_collector>) -> Unmanaged<SpanSinks>? {
        let caller = csystem_enter()
        defer { csystem_leave(caller) }
        return Collector.from(handle).makeSpanSinks().map { Unmanaged.passUnretained($0) }
    }

    // MARK: the context

    @inline(__always)
    private static func clear(_ span: UnsafeMutablePointer<csystem_span>) {
        memset(span, 0, MemoryLayout<csystem_span>.offset(of: \.state) ?? 0)
    }

    @inline(__always)
    static func set(_ context: TraceContext, _ span: UnsafeMutablePointer<csystem_span>) {
        span.pointee.trace_high = context.traceID.high
        span.pointee.trace_low = context.traceID.low
        span.pointee.span = context.spanID
        span.pointee.flags = context.flags
        span.pointee.is_remote = context.isRemote
        span.pointee.has_context = true
    }

    @inline(never)
    private static func keep(_ text: UnsafeRawBufferPointer, _ span: UnsafeMutablePointer<csystem_span>) {
        let offset = MemoryLayout<csystem_span>.offset(of: \.state) ?? 0
        let area = (UnsafeMutableRawPointer(span) + offset).assumingMemoryBound(to: UInt8.self)
        span.pointee.state_length = UInt16(truncatingIfNeeded: write(text, to: area))
    }

    /// Returns the number of bytes written, at most `TraceState.limit`.
    static func write(_ text: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var state = TraceState()
        state.add(text)
        return state.write(to: target)
    }

    /// Nobody gets the span: it hands on its parent's context.
    @inline(never)
    private static func carry(_ parent: SpanParent?, _ span: UnsafeMutablePointer<csystem_span>) -> telemetry_status {
        span.pointee.is_off = true
        // The environment is read when somebody asks.
        span.pointee.is_of_environment = parent == nil
        if let context = parent?.context {
            set(context, span)
            if let state = parent?.traceState, state.count > 0 { keep(state, span) }
        }
        return TELEMETRY_DISABLED
    }

    /// The context of a span, for others. `withBaggage`: what the environment says of it goes on with the trace.
    package static func context(_ span: UnsafePointer<csystem_span>, withBaggage: Bool = true) -> PropagatedContext {
        let isOfEnvironment = span.pointee.is_of_environment
        let carried = isOfEnvironment || withBaggage ? EnvironmentCarrier.read() : PropagatedContext()
        if isOfEnvironment { return carried }
        var result = PropagatedContext()
        result.baggage = carried.baggage
        guard let context = span.pointee.context else { return result }
        return PropagatedContext(context, state: Array(span.pointee.traceState(span)), baggage: carried.baggage)
    }

    // MARK: a cell

    private typealias Opened = (telemetry_status, UnsafeMutableRawPointer?, UInt64)

    /// Begins the span for one of those who get it.
    @inline(__always)
    private static func open(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ span: UnsafeMutablePointer<csystem_span>,
        _ context: TraceContext, _ parent: SpanParent, _ name: UnsafePointer<CChar>, _ kind: UInt32, _ isUnnamed: Bool
    ) -> Opened {
        guard Gate.isOpen(handle) else { return (TELEMETRY_DISABLED, nil, 0) }
        let text = Text(name, limit: EventLimits.nameBytes)
        let monotonic = Clock.monotonic()
        var rules: UnsafePointer<RegisteredEvent>?
        let recorder = handle.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        if let registry = recorder.pointee.registry, !isUnnamed {
            guard let declared = find(registry, text) else { return (refuseUndeclared(recorder), nil, 0) }
            rules = declared
        }
        let known = newestBlock(handle, monotonic)
        let block: Unmanaged<SpanBlock>
        let taken: (cell: UnsafeMutablePointer<SpanCell>, index: Int)
        if let known, let free = known._withUnsafeGuaranteedRef({ $0.take() }) {
            (block, taken) = (known, free)
        } else {
            guard let made = Collector.from(handle).takeSpanCell(context.spanID) else {
                return (Gate.isOpen(handle) ? TELEMETRY_ERROR_DROPPED : TELEMETRY_DISABLED, nil, 0)
            }
            (block, taken) = (Unmanaged.passUnretained(made.block), (made.cell, made.index))
        }
        let cell = taken.cell
        SpanCell.acquire(cell)
        defer { SpanCell.release(cell) }
        let (slot, capacity) = block._withUnsafeGuaranteedRef { ($0.file.slot(taken.index), $0.file.slotCapacity) }
        let use = cell.pointee.begin(block, taken.index, slot, capacity)
        cell.pointee.rules = rules
        cell.pointee.start(
            context, parent: parent.context?.spanID ?? 0, isRemoteParent: parent.context?.isRemote == true,
            kind: UInt8(truncatingIfNeeded: kind == 0 ? 1 : kind), name: text,
            state: UnsafePointer(span).pointee.traceState(span),
            now: block._withUnsafeGuaranteedRef { $0.clock.realtime(monotonic) }, monotonic: monotonic)
        return (text.isAdjusted ? TELEMETRY_ADJUSTED : TELEMETRY_OK, UnsafeMutableRawPointer(cell), use)
    }

    /// With room most likely. Nil: there is none, or its file was cut short.
    @inline(__always)
    private static func newestBlock(_ handle: UnsafeMutablePointer<telemetry_collector>, _ monotonic: Int64)
        -> Unmanaged<SpanBlock>?
    {
        let word = Collector.spansWord(handle)
        guard let at = UnsafeRawPointer(bitPattern: word.pointee.load(ordering: .acquiring)) else { return nil }
        let known = Unmanaged<SpanBlock>.fromOpaque(at)
        if known._withUnsafeGuaranteedRef({ $0.looked.isFresh(monotonic) }) { return known }
        Collector.lookAtOpenSpans(handle)
        return UnsafeRawPointer(bitPattern: word.pointee.load(ordering: .acquiring)).map {
            Unmanaged<SpanBlock>.fromOpaque($0)
        }
    }

    @inline(never)
    static func refuseUndeclared(_ recorder: UnsafeMutablePointer<Recorder>) -> telemetry_status {
        recorder.pointee.counts.add(.refusedUndeclared)
        recorder.pointee.counts.add(.refused)
        return TELEMETRY_ERROR_UNDECLARED
    }

    @inline(never)
    static func find(_ registry: UnsafePointer<RegistryTable>, _ name: Text) -> UnsafePointer<RegisteredEvent>? {
        "span".withCString {
            registry.pointee.find(Text($0, limit: EventLimits.typeBytes), name, now: Clock.realtime())
        }
    }

    /// Runs `body` for each of those who get the span. The result is the author's, if the author gets it.
    @inline(__always)
    private static func each(
        _ span: UnsafePointer<csystem_span>, _ body: (UnsafeMutablePointer<SpanCell>) -> telemetry_status
    ) -> telemetry_status {
        var result = span.pointee.is_off || !span.pointee.has_context ? TELEMETRY_DISABLED : TELEMETRY_OK
        if let cell = span.pointee.cells.0 {
            let at = cell.assumingMemoryBound(to: SpanCell.self)
            result = SpanCell.with(at, span.pointee.uses.0, body) ?? TELEMETRY_DISABLED
        }
        if let cell = span.pointee.cells.1 {
            let at = cell.assumingMemoryBound(to: SpanCell.self)
            let own = SpanCell.with(at, span.pointee.uses.1, body) ?? TELEMETRY_DISABLED
            if result == TELEMETRY_DISABLED || span.pointee.cells.0 == nil { result = own }
        }
        return result
    }

    /// The span that is active in this thread. One that was recorded and has ended, in another thread or by another
    /// handle, is active no longer.
    @inline(__always)
    package static func active() -> UnsafePointer<csystem_span>? {
        while let span = csystem_active_span() {
            if !isOver(span) { return span }
            _ = csystem_deactivate(span)
        }
        return nil
    }

    /// The span that something of this collector happens in: the active one, or that of the environment. Nil also if the
    /// span is kept for somebody else.
    @inline(__always)
    static func named(for handle: UnsafeMutablePointer<telemetry_collector>) -> UnsafePointer<csystem_span>? {
        guard let span = active() else {
            return handle.pointee.recorder.assumingMemoryBound(to: Recorder.self).pointee.carried
        }
        let (author, own) = (span.pointee.named_for.0, span.pointee.named_for.1)
        return author == UnsafeRawPointer(handle) || own == UnsafeRawPointer(handle) ? span : nil
    }

    @inline(__always)
    private static func isOver(_ span: UnsafePointer<csystem_span>) -> Bool {
        if span.pointee.cells.0 == nil && span.pointee.cells.1 == nil { return false }
        return !isOpen(span.pointee.cells.0, span.pointee.uses.0) && !isOpen(span.pointee.cells.1, span.pointee.uses.1)
    }

    @inline(__always)
    private static func isOpen(_ cell: UnsafeMutableRawPointer?, _ number: UInt64) -> Bool {
        guard let cell else { return false }
        return cell.assumingMemoryBound(to: SpanCell.self).pointee.isOpen(number)
    }

    // MARK: what happens to a span

    @inline(__always)
    package static func change(_ span: UnsafePointer<csystem_span>, _ change: Change) -> telemetry_status {
        each(span) { SpanWriting.apply(change, to: $0) }
    }

    /// Attributes that the library itself gives it. `excluded`: what the author does not want recorded.
    package static func setOwn(
        _ span: UnsafePointer<csystem_span>, _ attributes: LibraryAttribute.Values, without excluded: FieldSet
    ) {
        let kept = attributes.filter { !$0.key.isLeftOut(excluded) }
        let list = AttributeList(kept.map { (key: $0.key.key.text, value: $0.value) })
        _ = list.items.withUnsafeBufferPointer { change(span, .own($0.baseAddress, $0.count)) }
    }

    /// Records the span of a program that has ended, by the semantic conventions for command lines. `errorType`: nil: it
    /// has not failed.
    package static func endCommand(
        _ span: UnsafeMutablePointer<csystem_span>, exitCode: Int32, errorType: String?, without excluded: FieldSet
    ) {
        if errorType != nil { _ = change(span, .status(SpanStatus.error, nil)) }
        setOwn(span, LibraryAttribute.outcome(exitCode: exitCode, errorType: errorType), without: excluded)
        _ = end(span)
    }

    /// Records it.
    @inline(__always)
    @_optimize(speed)
    package static func end(_ span: UnsafeMutablePointer<csystem_span>) -> telemetry_status {
        let status = each(span) { end($0, abandoned: false) }
        (span.pointee.cells.0, span.pointee.cells.1) = (nil, nil)
        span.pointee.is_off = true
        return status
    }

    /// Forgets it.
    package static func discard(_ span: UnsafeMutablePointer<csystem_span>) {
        _ = each(span) {
            $0.pointee.discard()
            return TELEMETRY_OK
        }
        (span.pointee.cells.0, span.pointee.cells.1) = (nil, nil)
    }

    @inline(never)
    private static func end(_ cell: UnsafeMutablePointer<SpanCell>, abandoned: Bool) -> telemetry_status {
        let handle = cell.pointee.collector
        let monotonic = Clock.monotonic()
        if cell.pointee.needsLook(monotonic) { Collector.lookAtOpenSpans(handle) }
        if cell.pointee.isVoid || !Gate.isOpen(handle) {
            cell.pointee.discard()
            return TELEMETRY_DISABLED
        }
        let now = monotonic &- cell.pointee.clockDifference
        cell.pointee.finish(now: now, abandoned: abandoned)
        let recorder = handle.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        if let base = UnsafeMutableRawPointer(bitPattern: recorder.pointee.segment.load(ordering: .acquiring)),
            recorder.pointee.isFresh(now), !cell.pointee.isLasting,
            cell.pointee.write(into: base, capacity: recorder.pointee.segmentBytes)
        {
            return count(cell, recorder)
        }
        return endSlowly(cell, handle, recorder)
    }

    @inline(never)
    private static func endSlowly(
        _ cell: UnsafeMutablePointer<SpanCell>, _ handle: UnsafeMutablePointer<telemetry_collector>,
        _ recorder: UnsafeMutablePointer<Recorder>
    ) -> telemetry_status {
        if cell.pointee.isLasting { return endLasting(cell, handle, recorder) }
        let status = Collector.from(handle).recordSlowly(length: cell.pointee.length) { base, capacity in
            cell.pointee.isVoid || cell.pointee.write(into: base, capacity: capacity)
        }
        return settle(cell, status, recorder)
    }

    /// `status`: of writing its record. The use of the cell ends.
    static func settle(
        _ cell: UnsafeMutablePointer<SpanCell>, _ status: telemetry_status, _ recorder: UnsafeMutablePointer<Recorder>
    ) -> telemetry_status {
        if cell.pointee.isVoid {
            cell.pointee.letGo()
            return TELEMETRY_DISABLED
        }
        guard status == TELEMETRY_OK else {
            cell.pointee.end()
            return status
        }
        return count(cell, recorder)
    }

    /// A span that lasts ends in a file in every case: in a segment, or in its own until there is room. Memory would be
    /// gone with this process.
    private static func endLasting(
        _ cell: UnsafeMutablePointer<SpanCell>, _ handle: UnsafeMutablePointer<telemetry_collector>,
        _ recorder: UnsafeMutablePointer<Recorder>
    ) -> telemetry_status {
        switch Collector.from(handle).endLasting(cell) {
        case .inSegment:
            let result = count(cell, recorder)
            cell.pointee.block?._withUnsafeGuaranteedRef { $0.file.discard() }
            return result
        case .inItsFile:
            let result = tally(cell, recorder)
            cell.pointee.letGo()
            return result
        case .nowhere:
            // It can be ended once more.
            cell.pointee.letGo()
            return TELEMETRY_ERROR_DROPPED
        case .withdrawn:
            cell.pointee.letGo()
            return TELEMETRY_DISABLED
        }
    }

    @inline(__always)
    private static func count(_ cell: UnsafeMutablePointer<SpanCell>, _ recorder: UnsafeMutablePointer<Recorder>)
        -> telemetry_status
    {
        let result = tally(cell, recorder)
        cell.pointee.end()
        return result
    }

    @inline(__always)
    private static func tally(_ cell: UnsafeMutablePointer<SpanCell>, _ recorder: UnsafeMutablePointer<Recorder>)
        -> telemetry_status
    {
        let refused = cell.pointee.refusedCount
        if cell.pointee.hasRedaction { recorder.pointee.counts.add(.redacted) }
        if refused > 0 { recorder.pointee.counts.add(.attributesRefused, UInt64(truncatingIfNeeded: refused)) }
        if !cell.pointee.isAdjusted { return TELEMETRY_OK }
        recorder.pointee.counts.add(.adjusted)
        return TELEMETRY_ADJUSTED
    }

    /// The collector ends: what is open in the block is recorded as it is.
    static func abandon(_ block: SpanBlock) {
        for index in 0..<SpanBlock.size {
            let cell = block.cells + index
            SpanCell.acquire(cell)
            if cell.pointee.isInUse, cell.pointee.belongs(to: block) { _ = end(cell, abandoned: true) }
            SpanCell.release(cell)
        }
    }
}
