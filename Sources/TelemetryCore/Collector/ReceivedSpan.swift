// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a span that another program has ended begins with.
package struct ReceivedSpan {
    package var context: TraceContext
    /// 0: it is the root of its trace.
    package var parent: UInt64 = 0
    package var isParentRemote = false
    /// A telemetry_span_kind.
    package var kind: UInt32 = 0
    package var name: UnsafePointer<CChar>
    package var traceState = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Nanoseconds since 1970-01-01 UTC.
    package var start: UInt64 = 0
    package var end: UInt64 = 0
    /// Those that may have it.
    package var audiences: [Audience] = [.author, .own]

    package init(_ context: TraceContext, name: UnsafePointer<CChar>) {
        self.context = context
        self.name = name
    }
}

/// Writes spans that other programs have ended, one after the other, by the rules for those that end here. No other process
/// sees one before it is whole: it grows in memory.
package final class SpanIntake {
    private let sinks: SpanSinks
    private var open: [(cell: UnsafeMutablePointer<SpanCell>, use: UInt64)] = []
    private var end: UInt64 = 0
    /// The time that the sender says, with a clock that may be wrong, but not by centuries.
    private static func time(_ given: UInt64) -> Int64 { Int64(clamping: given) }

    /// Nil: nobody takes the tool's spans, or there is no memory. For as long as the collector is open.
    package init?(_ collector: Collector) {
        guard Gate.isOpenForMetrics(collector.handle), let sinks = collector.makeSpanSinks() else { return nil }
        if sinks.author == nil && sinks.own == nil { return nil }
        self.sinks = sinks
    }

    /// What comes next is said of this span. TELEMETRY_OK without a span that is open: sampling leaves it out.
    package func begin(_ span: ReceivedSpan) -> telemetry_status {
        discard()
        end = span.end
        guard span.name.pointee != 0, span.kind <= 5 else { return TELEMETRY_ERROR_ARGUMENT }
        // Every span of a trace is decided by the trace's id: the sender has sent what it sampled.
        guard sinks.sampler.decides(span.context.traceID, parent: nil) else { return TELEMETRY_OK }
        var result = TELEMETRY_DISABLED
        for sink in [sinks.author, sinks.own] {
            guard let sink, Gate.isOpen(sink.handle), span.audiences.contains(sink.options.audience) else {
                continue
            }
            let status = begin(span, sink)
            if result == TELEMETRY_DISABLED { result = status }
        }
        return result
    }

    private func begin(_ span: ReceivedSpan, _ sink: Collector) -> telemetry_status {
        let name = Text(span.name, limit: EventLimits.nameBytes)
        var rules: UnsafePointer<RegisteredEvent>?
        if let registry = sink.recorder.pointee.registry {
            guard let declared = SpanRecording.find(registry, name) else {
                return SpanRecording.refuseUndeclared(sink.recorder)
            }
            rules = declared
        }
        guard let (block, cell, index) = sink.takeReceivingCell() else {
            return Gate.isOpen(sink.handle) ? TELEMETRY_ERROR_DROPPED : TELEMETRY_DISABLED
        }
        SpanCell.acquire(cell)
        defer { SpanCell.release(cell) }
        let use = cell.pointee.begin(
            Unmanaged.passUnretained(block), index, block.file.slot(index), block.file.slotCapacity)
        cell.pointee.rules = rules
        let now = Self.time(span.start)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: TraceState.limit) { area in
            var state = UnsafeRawBufferPointer(start: nil, count: 0)
            if span.traceState.count > 0, let target = area.baseAddress {
                state = UnsafeRawBufferPointer(
                    start: target, count: SpanRecording.write(span.traceState, to: target))
            }
            cell.pointee.start(
                span.context, parent: span.parent, isRemoteParent: span.isParentRemote,
                kind: UInt8(truncatingIfNeeded: span.kind == 0 ? 1 : span.kind), name: name, state: state, now: now,
                monotonic: Clock.monotonic())
        }
        open.append((cell, use))
        return name.isAdjusted ? TELEMETRY_ADJUSTED : TELEMETRY_OK
    }

    private func each(_ body: (UnsafeMutablePointer<SpanCell>) -> Void) {
        for (cell, use) in open { _ = SpanCell.with(cell, use, body) }
    }

    package var isOpen: Bool { !open.isEmpty }

    package func set(_ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int) {
        each { _ = SpanWriting.apply(.attributes(attributes, count), to: $0) }
    }

    /// `dropped`: attributes of it that the sender has left out.
    package func addEvent(
        _ name: UnsafePointer<CChar>, time: UInt64, _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int,
        dropped: UInt32
    ) {
        each { cell in
            let (start, before) = (cell.pointee.length, cell.pointee.eventCount)
            _ = SpanWriting.apply(.event(name, attributes, count), to: cell)
            guard cell.pointee.eventCount > before else { return }
            let item = cell.pointee.record + start
            SpanItemLayout.time.store(Self.time(time), item)
            Self.add(dropped, SpanItemLayout.dropped, item)
        }
    }

    package func addLink(
        _ context: TraceContext, _ state: UnsafeRawBufferPointer, _ attributes: UnsafePointer<telemetry_attribute>?,
        _ count: Int, dropped: UInt32
    ) {
        each { cell in
            let (start, before) = (cell.pointee.length, cell.pointee.linkCount)
            _ = SpanWriting.apply(.link(context, state, attributes, count), to: cell)
            if cell.pointee.linkCount > before {
                Self.add(dropped, SpanItemLayout.dropped, cell.pointee.record + start)
            }
        }
    }

    package func set(status: UInt8, _ message: UnsafePointer<CChar>?) {
        each { _ = SpanWriting.apply(.status(status, message), to: $0) }
    }

    /// What the sender has left out.
    package func addDropped(attributes: UInt32, events: UInt32, links: UInt32) {
        each { cell in
            let record = cell.pointee.record
            Self.add(attributes, SpanLayout.droppedAttributes, record)
            Self.add(events, SpanLayout.droppedEvents, record)
            Self.add(links, SpanLayout.droppedLinks, record)
        }
    }

    private static func add(_ count: UInt32, _ field: Field<UInt32>, _ record: UnsafeMutableRawPointer) {
        let (sum, overflow) = field.load(record).addingReportingOverflow(count)
        field.store(overflow ? .max : sum, record)
    }

    /// Records it.
    package func finish() -> telemetry_status {
        // Both who get it, or none: it is sent again if it is refused. Nobody else records here meanwhile.
        if open.count > 1, open.contains(where: { SpanCell.with($0.cell, $0.use) { !hasRoom($0) } == true }) {
            discard()
            return TELEMETRY_ERROR_DROPPED
        }
        var result = TELEMETRY_DISABLED
        for (cell, use) in open {
            let status = SpanCell.with(cell, use) { finish($0) } ?? TELEMETRY_DISABLED
            if result == TELEMETRY_DISABLED { result = status }
        }
        open.removeAll(keepingCapacity: true)
        return result
    }

    private func hasRoom(_ cell: UnsafeMutablePointer<SpanCell>) -> Bool {
        let collector = Collector.from(cell.pointee.collector)
        if cell.pointee.isVoid || !Gate.isOpen(collector.handle) { return true }
        return collector.makeRoom(length: cell.pointee.length)
    }

    private func finish(_ cell: UnsafeMutablePointer<SpanCell>) -> telemetry_status {
        let handle = cell.pointee.collector
        if cell.pointee.isVoid || !Gate.isOpen(handle) {
            cell.pointee.discard()
            return TELEMETRY_DISABLED
        }
        cell.pointee.finish(now: Self.time(end), abandoned: false)
        let collector = Collector.from(handle)
        let status = collector.recordReceived(length: cell.pointee.length) { base, capacity in
            cell.pointee.isVoid || cell.pointee.write(into: base, capacity: capacity)
        }
        return SpanRecording.settle(cell, status, collector.recorder)
    }

    /// Nothing is recorded of it.
    package func discard() {
        each { $0.pointee.discard() }
        open.removeAll(keepingCapacity: true)
    }
}

extension Collector {
    /// The segment that is recorded into has room for a record of that length, or another has.
    fileprivate func makeRoom(length: Int) -> Bool {
        mutex.withLock {
            guard Gate.isOpen(handle), let spool = currentSpool(attaching: true) else { return true }
            let size = (length &+ 7) & ~7
            if let active = spool.active, active.state.tail &+ size <= active.size { return true }
            guard Allocation.hasReserve, spool.advance(size: size) != nil else { return false }
            publish(spool)
            return true
        }
    }

    /// A cell in memory that only this process knows. Nil: there is no memory, or nothing is recorded any more.
    func takeReceivingCell() -> (block: SpanBlock, cell: UnsafeMutablePointer<SpanCell>, index: Int)? {
        mutex.withLock {
            guard Gate.isOpen(handle), Allocation.isAvailable, let spool = currentSpool(attaching: true) else {
                return nil
            }
            for block in spanBlocks.reversed() {
                if let taken = block.take() { return (block, taken.cell, taken.index) }
            }
            guard let file = OpenSpanFile.make(slots: Self.receivingSlots, in: nil, epoch: spool.epoch, spool.context),
                let block = SpanBlock(handle, file, count: Self.receivingSlots), let taken = block.take()
            else { return nil }
            spanBlocks.append(block)
            return (block, taken.cell, taken.index)
        }
    }

    /// One span at a time.
    private static let receivingSlots = 2
}
