// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// An event that another program has handed to this process. Its texts are read while it is recorded.
package struct ReceivedEvent {
    package var type: UnsafePointer<CChar>
    package var name: UnsafePointer<CChar>
    /// The name is free text, which is redacted as such.
    package var isNameText = false
    package var attributes: UnsafePointer<telemetry_attribute>?
    /// More than an event may have are counted here and are not there.
    package var attributeCount = 0
    /// Nanoseconds since 1970-01-01 UTC, as the sender says; 0: it does not.
    package var time: UInt64 = 0
    /// The span that it happened in.
    package var span: TraceContext?
    /// Something of it is gone already.
    package var isCut = false
    /// Of a command.
    package var durationMilliseconds: Int64?
    package var exitCode: Int32?
    package var errorCategory: ErrorCategory?
    /// Recorded with extended collection only (C6).
    package var error: UnsafePointer<CChar>?

    package init(type: UnsafePointer<CChar>, name: UnsafePointer<CChar>) {
        self.type = type
        self.name = name
    }

    /// The texts are those of this event.
    fileprivate func setOutcome(of input: inout EventInput) {
        if let durationMilliseconds {
            input.durationMilliseconds = durationMilliseconds
            input.flags |= EventInput.hasDuration
        }
        if let exitCode {
            input.exitCode = exitCode
            input.flags |= EventInput.hasExitCode
        }
        if let errorCategory { input.errorCategory = Text(errorCategory.text, limit: EventLimits.categoryBytes) }
        if let error { input.error = Text(error, limit: EventLimits.errorBytes) }
    }

    /// A clock of the same machine is not ahead of this one.
    static func time(_ given: UInt64, now: Int64) -> Int64 {
        given == 0 || given > UInt64(clamping: now) ? now : Int64(clamping: given)
    }
}

extension Recording {
    /// Records it as `track` would have in the sender, by the same rules. What this process runs in is not mixed with it.
    package static func receive(_ collector: Collector, _ event: ReceivedEvent) -> telemetry_status {
        guard Gate.isOpen(collector.handle) else { return TELEMETRY_DISABLED }
        var event = event
        if !collector.options.collectsErrors { event.error = nil }
        guard event.isNameText || event.error != nil else { return receive(collector, event, named: event.name) }
        var redacted = RedactedEvent(collector.redactor)
        let name = event.isNameText ? redacted.error(event.name) : event.name
        event.error = event.error.flatMap { redacted.error($0) }
        return withExtendedLifetime(redacted) {
            guard let name else { return TELEMETRY_ERROR_MEMORY }
            return receive(collector, event, named: name, hasRedaction: redacted.hasReplaced)
        }
    }

    private static func receive(
        _ collector: Collector, _ event: ReceivedEvent, named name: UnsafePointer<CChar>, hasRedaction: Bool = false
    ) -> telemetry_status {
        let handle = collector.handle
        var input = EventInput(
            type: Text(event.type, limit: EventLimits.typeBytes), name: Text(name, limit: EventLimits.nameBytes))
        guard !input.type.isAdjusted, input.name.length > 0,
            EventSchema.isValidType(UnsafeRawBufferPointer(start: input.type.source, count: input.type.length))
        else { return refuse(handle) }
        input.set(event.attributes, event.attributeCount)
        input.hasRedaction = hasRedaction
        if event.isCut { input.flags |= EventInput.isAdjusted }
        event.setOutcome(of: &input)
        input.leaveOut(collector.options.excluded)
        let now = Clock.realtime()
        let recorder = handle.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        if let registry = recorder.pointee.registry, !admit(handle, &input, registry, now: now) {
            return refuseUndeclared(handle)
        }
        let time = ReceivedEvent.time(event.time, now: now)
        guard let sampling = recorder.pointee.sampling else { return mark(collector, input, event, time) }
        let (rate, isDrawn) = sampling._withUnsafeGuaranteedRef { $0.draw(input.type, now: now) }
        if !isDrawn { return TELEMETRY_OK }
        if rate >= 1 { return mark(collector, input, event, time) }
        return Sampling.mark(input, rate: rate) { mark(collector, $0, event, time) }
    }

    /// Those who get the event may know of the span only if they get the spans too.
    private static func mark(
        _ collector: Collector, _ input: EventInput, _ event: ReceivedEvent, _ time: Int64
    ) -> telemetry_status {
        guard let context = event.span, collector.options.mayNameSpans else { return write(collector, input, time) }
        var span = csystem_span()
        SpanRecording.set(context, &span)
        return withUnsafePointer(to: span) { TraceMark.mark(input, $0) { write(collector, $0, time) } }
    }

    /// As `encode`, with a time that is not now.
    private static func write(_ collector: Collector, _ input: EventInput, _ time: Int64) -> telemetry_status {
        let recorder = collector.recorder
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: EventLimits.attributes) { headers in
            guard let headers = headers.baseAddress else { return TELEMETRY_ERROR_MEMORY }
            var plan = RecordPlan(rules: input.rules, headers: headers)
            plan.measure(input)
            if plan.suspects != 0 { return redact(collector, input, plan.suspects, time) }
            let status = withUnsafePointer(to: &plan) { plan in
                collector.recordReceived(length: plan.pointee.length) {
                    Recorder.record(input, plan, now: time, in: $0, capacity: $1)
                }
            }
            if status != TELEMETRY_OK { return status }
            if input.hasRedaction { recorder.pointee.counts.add(.redacted) }
            if plan.refusedCount != 0 {
                recorder.pointee.counts.add(.attributesRefused, UInt64(truncatingIfNeeded: plan.refusedCount))
            }
            if !plan.isAdjusted { return TELEMETRY_OK }
            recorder.pointee.counts.add(.adjusted)
            return TELEMETRY_ADJUSTED
        }
    }

    /// C7: a copy without what looks like a secret.
    private static func redact(
        _ collector: Collector, _ input: EventInput, _ suspects: UInt64, _ time: Int64
    ) -> telemetry_status {
        var redacted = input
        redacted.isRedacted = true
        guard let attributes = input.attributes else { return write(collector, redacted, time) }
        var event = RedactedEvent(collector.redactor)
        let copies = event.attributes(attributes, input.attributeCount, suspects: suspects)
        if event.hasReplaced { redacted.hasRedaction = true }
        return withExtendedLifetime(event) {
            copies.withUnsafeBufferPointer {
                redacted.attributes = $0.baseAddress
                return write(collector, redacted, time)
            }
        }
    }
}

extension Collector {
    /// `write`: writes a record of that length into a segment, if it has room.
    func recordReceived(length: Int, _ write: (UnsafeMutableRawPointer, Int) -> Bool) -> telemetry_status {
        if let base = UnsafeMutableRawPointer(bitPattern: recorder.pointee.segment.load(ordering: .acquiring)),
            recorder.pointee.isFresh(Clock.realtime()), write(base, recorder.pointee.segmentBytes)
        {
            return TELEMETRY_OK
        }
        return recordSlowly(length: length, write)
    }

    /// Other processes see what was counted so far, as they do when a program ends.
    package func publishCounts() {
        mutex.withLock {
            guard let spool else { return }
            moveCounts(to: spool)
            spool.mergeCounts()
        }
        guard let sinks = mutex.withLock({ spanSinks }) else { return }
        for sink in [sinks.author, sinks.own] { sink?.publishCounts() }
    }

    /// What is recorded now goes into a file, which outlives this process. False: there is none, or nothing is recorded.
    package var keepsInFiles: Bool {
        let caller = csystem_enter()
        defer { csystem_leave(caller) }
        return mutex.withLock {
            guard Gate.isOpen(handle), Allocation.isAvailable, let spool = currentSpool(attaching: true) else {
                return false
            }
            return !spool.usesHeap
        }
    }

    /// After recording: what was recorded is in files. False: some of it was not, because others have removed these files and
    /// there is no room for new ones. It is gone.
    package func settleInFiles() -> Bool {
        let caller = csystem_enter()
        defer { csystem_leave(caller) }
        return mutex.withLock {
            guard let spool, spool.hasMemorySegments else { return true }
            recorder.pointee.segment.store(0, ordering: .releasing)
            return spool.settleInFiles()
        }
    }

    /// The same for spans.
    package func settleSpansInFiles() -> Bool {
        guard let sinks = mutex.withLock({ spanSinks }) else { return true }
        var isWhole = true
        for sink in [sinks.author, sinks.own] { if sink?.settleInFiles() == false { isWhole = false } }
        return isWhole
    }

    /// What is recorded now goes into a file; of spans. True also if nobody takes them.
    package var keepsSpansInFiles: Bool {
        guard let sinks = makeSpanSinks() else { return false }
        for sink in [sinks.author, sinks.own] {
            if let sink, Gate.isOpen(sink.handle), !sink.keepsInFiles, Gate.isOpen(sink.handle) { return false }
        }
        return true
    }

    /// Of metrics. True also if nobody takes them.
    package var keepsMetricsInFiles: Bool {
        for keeper in [self, ownCollector()] {
            guard let keeper else { continue }
            let isInMemory = keeper.mutex.withLock {
                let isReady = keeper.isMetricStoreReady()
                return Gate.isOpen(keeper.handle) && (!isReady || keeper.metrics?.map?.isShared != true)
            }
            if isInMemory { return false }
        }
        return true
    }

    /// Records are taken for the author, or metrics and spans for the user's own receivers.
    package var recordsForSomebody: Bool { isEnabled || ownCollectorOfAny()?.isEnabled == true }

    /// What keeps metrics for the user's own receivers.
    package var keepsForOwn: Collector? { ownCollector() }

    /// Where metrics of others are kept, for the author or else for the user alone.
    package var metricKeeper: Options? {
        if Gate.isOpen(handle) { return options }
        return ownCollector()?.options
    }

    /// An answer that said yes does not say so any more: what waits is erased, as a running program of the tool does. False:
    /// it cannot be known now.
    package static func withdraw(_ options: Options) -> Bool {
        guard let decision = ConsentResolver.decideIfKnown(options) else { return false }
        if decision.voidsWaiting { Spool.withdraw(options) }
        return true
    }

    /// Where metrics of others are kept for that audience. Nil: they are not.
    package func metricKeeper(for audience: Audience) -> Options? {
        switch audience {
        case .author: Gate.isOpen(handle) ? options : nil
        case .own: ownCollector().flatMap { $0.isEnabled ? $0.options : nil }
        }
    }
}
