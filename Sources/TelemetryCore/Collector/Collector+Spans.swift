// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// For whom a program's spans are recorded: the collectors beside its own that record them, each with a directory apart.
final class SpanSinks {
    /// Nil: the author gets none.
    let author: Collector?
    /// H14. Nil: nobody has asked for them.
    let own: Collector?
    let sampler: TraceSampler
    /// What the environment said when the first span began.
    let carried = EnvironmentCarrier.read()
    let keepsExemplars = ExemplarFilter.read().keepsExemplars

    /// Whose events and exemplars may have the ids of the spans: the collectors beside those that record them. Nil: they
    /// would say something of spans that go elsewhere.
    let namedFor: (author: UnsafeRawPointer?, own: UnsafeRawPointer?)

    init(
        author: Collector?, own: Collector?, sampler: TraceSampler,
        namedFor: (author: UnsafeRawPointer?, own: UnsafeRawPointer?)
    ) {
        self.author = author
        self.own = own
        self.sampler = sampler
        self.namedFor = namedFor
    }
}

extension Collector {
    /// An atomic word of the handle; 0: nothing.
    static func spansWord(_ handle: UnsafeMutablePointer<telemetry_collector>) -> UnsafeMutablePointer<Atomic<UInt>> {
        let offset = MemoryLayout<telemetry_collector>.offset(of: \.spans) ?? 0
        return (UnsafeMutableRawPointer(handle) + offset).assumingMemoryBound(to: Atomic<UInt>.self)
    }

    /// Looks for them once. Nil: there is no memory.
    @inline(never)
    func makeSpanSinks() -> SpanSinks? {
        if let known = mutex.withLock({ spanSinks }) { return known }
        guard !isDryRun, Allocation.isAvailable else { return nil }
        // Without the mutex: opening registers the collectors for forks, under a lock that is taken before this one.
        let author = Gate.isOpen(handle) ? options.spans().map { Collector.open($0) } : nil
        let others = ownCollectorOfAny()
        let own = others.flatMap { $0.options.spans() }.map { Collector.open($0) }
        for sink in [author, own] { sink?.lastingSpans = lastingSpans }
        let made = SpanSinks(
            author: author, own: own, sampler: Self.sampler(options), namedFor: (nameable, others?.nameable))
        let kept = mutex.withLock { () -> SpanSinks in
            if let spanSinks { return spanSinks }
            spanSinks = made
            Self.spansWord(handle).pointee.store(
                UInt(bitPattern: Unmanaged.passUnretained(made).toOpaque()), ordering: .releasing)
            return made
        }
        if kept === made { return kept }
        for collector in [author, own] { _ = collector?.close(timeoutMilliseconds: 0) }
        return kept
    }

    /// Nil: its events and exemplars name no spans.
    private var nameable: UnsafeRawPointer? { options.mayNameSpans ? UnsafeRawPointer(handle) : nil }

    private static func sampler(_ options: Options) -> TraceSampler {
        let variables = SamplerVariables.read()
        return variables.isSet ? variables.sampler : options.spanSampler
    }

    /// The span that TRACEPARENT names: events and exemplars of this process are in it, as a span that begins here would
    /// be below it. Nil also if such a span would not be recorded: who does not get a trace does not get its id. To be
    /// deallocated.
    static func carriedSpan(_ options: Options) -> UnsafePointer<csystem_span>? {
        guard options.signal == .events, let context = EnvironmentCarrier.span(),
            options.mayNameSpans, sampler(options).decides(context.traceID, parent: context)
        else { return nil }
        let span = UnsafeMutablePointer<csystem_span>.allocate(capacity: 1)
        span.initialize(to: csystem_span())
        SpanRecording.set(context, span)
        span.pointee.leaves_no_exemplar = !ExemplarFilter.read().keepsExemplars
        return UnsafePointer(span)
    }

    // MARK: a collector of spans

    private static let mostBlocks = 16
    /// The helper has one span, or two.
    private var slotsOfBlock: Int { options.role.isHelper ? 4 : SpanBlock.size }

    /// A cell of any block, and its block. Nil: too many spans are open, or nothing is recorded any more.
    @inline(never)
    func takeSpanCell(_ spanID: UInt64) -> (block: SpanBlock, cell: UnsafeMutablePointer<SpanCell>, index: Int)? {
        let caller = csystem_enter()
        mutex.lock()
        defer {
            mutex.unlock()
            csystem_leave(caller)
        }
        guard Gate.isOpen(handle), Allocation.isAvailable, let spool = currentSpool(attaching: true) else { return nil }
        if let lastingSpans { return takeLastingCell(spanID, lastingSpans, spool) }
        // The newest has room most likely.
        for block in spanBlocks.reversed() {
            if let taken = block.take() {
                publish(block)
                return (block, taken.cell, taken.index)
            }
        }
        guard spanBlocks.count < Self.mostBlocks,
            let file = OpenSpanFile.make(
                slots: slotsOfBlock, in: spool.shared?.directory, epoch: spool.epoch, spool.context),
            let block = SpanBlock(handle, file, count: slotsOfBlock), let taken = block.take()
        else {
            spool.countDropped(.noSpace)
            return nil
        }
        spanBlocks.append(block)
        publish(block)
        return (block, taken.cell, taken.index)
    }

    private func publish(_ block: SpanBlock) {
        Self.spansWord(handle).pointee.store(
            UInt(bitPattern: Unmanaged.passUnretained(block).toOpaque()), ordering: .releasing)
    }

    /// With the mutex held. Consent for the spans that are open is gone.
    func voidOpenSpans() {
        mutex.assertHeld()
        if spanBlocks.isEmpty { return }
        Self.spansWord(handle).pointee.store(0, ordering: .relaxed)
        for block in spanBlocks {
            block.isVoid.store(true, ordering: .releasing)
            block.file.discard()
        }
        formerSpanBlocks += spanBlocks
        spanBlocks = []
    }

    /// With the mutex held. The file of open spans may have been cut short by somebody.
    func lookAtOpenSpans() {
        mutex.assertHeld()
        for block in spanBlocks where !block.file.isIntact { return voidOpenSpans() }
    }

    /// The thread may have a cell.
    @inline(never)
    static func lookAtOpenSpans(_ handle: UnsafeMutablePointer<telemetry_collector>) {
        let caller = csystem_enter()
        defer { csystem_leave(caller) }
        let collector = from(handle)
        collector.mutex.withLock { collector.lookAtOpenSpans() }
    }

    /// After the last call. What is still open is recorded as it is, and marked.
    func abandonOpenSpans() {
        guard options.signal == .spans else { return }
        for block in mutex.withLock({ spanBlocks }) where !block.file.isLasting { SpanRecording.abandon(block) }
    }

    /// After the last call, with everything recorded.
    func closeSpanBlocks() {
        Self.spansWord(handle).pointee.store(0, ordering: .relaxed)
        for block in spanBlocks + formerSpanBlocks {
            for index in 0..<SpanBlock.size {
                let cell = block.cells + index
                SpanCell.acquire(cell)
                if cell.pointee.isInUse { cell.pointee.letGo() }
                SpanCell.release(cell)
            }
            block.close()
        }
        spanBlocks = []
        formerSpanBlocks = []
    }

    /// In the child, with the mutex held: the open spans are the parent's.
    func leaveSpansToParent() {
        Self.spansWord(handle).pointee.store(0, ordering: .relaxed)
        for block in spanBlocks + formerSpanBlocks {
            for index in 0..<SpanBlock.size { (block.cells + index).pointee.leaveToParent() }
            block.file.unmap()
            SpanCellPool.giveBack(block.cells)
        }
        spanBlocks = []
        formerSpanBlocks = []
    }

    // MARK: with the collector of events

    /// Nil: no span was begun here, and none waits that an earlier process has left and this one delivers.
    func deliveringSpanSinks() -> SpanSinks? {
        if let known = mutex.withLock({ spanSinks }) { return known }
        guard Gate.isOpen(handle), let found = options.spans().flatMap({ SpoolDirectory.look($0) }) else { return nil }
        defer { found.close() }
        return found.isAnythingWaiting ? makeSpanSinks() : nil
    }

    func flushSpans(_ deadline: Deadline, _ ignoringBackoff: Bool, after status: telemetry_status) -> telemetry_status {
        guard let sinks = deliveringSpanSinks() else { return status }
        var result = status
        for sink in [sinks.author, sinks.own] {
            guard let sink, sink.isEnabled else { continue }
            result = result.followed(by: sink.flush(until: deadline, ignoringBackoff))
        }
        return result
    }

    /// Nil: the author gets none.
    package func spanStatistics(status: UnsafeMutablePointer<telemetry_status>) -> telemetry_statistics? {
        guard let author = makeSpanSinks()?.author, author.isEnabled else { return nil }
        return author.statistics(status: status)
    }

    /// The spans of all processes, open ones too.
    func dropSpans() -> telemetry_status {
        guard options.signal == .events else { return TELEMETRY_OK }
        guard let author = mutex.withLock({ spanSinks })?.author else {
            Spool.withdraw(options.ofSpans)
            return TELEMETRY_OK
        }
        let status = author.drop()
        return status == TELEMETRY_DISABLED ? TELEMETRY_OK : status
    }

    /// After the last call on the collector. True: another process is to deliver what is left there. `status`: the result
    /// of the events, and then that of the spans too.
    func closeSpans(_ deadline: Deadline, isAtOnce: Bool, after status: inout telemetry_status) -> Bool {
        guard let sinks = spanSinks else { return false }
        Self.spansWord(handle).pointee.store(0, ordering: .relaxed)
        spanSinks = nil
        var leavesWork = false
        for sink in [sinks.author, sinks.own] {
            guard let sink else { continue }
            status = status.followed(by: sink.close(until: deadline, isAtOnce: isAtOnce))
            if loss == nil { loss = sink.loss }
            if sink.leavesWork { leavesWork = true }
        }
        return leavesWork
    }
}
