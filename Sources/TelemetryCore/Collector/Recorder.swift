// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// The data that a recording thread uses: at a fixed address beside the collector, read without a lock.
struct Recorder: ~Copyable {
    /// Address of the active segment; 0: take the slow path.
    let segment = Atomic<UInt>(0)
    /// When the slow path was last taken to look at the spool: consent may have been withdrawn, and the segment cut
    /// short or removed. Nanoseconds since 1970.
    let looked = Atomic<Int64>(0)
    /// How long that look is trusted, in nanoseconds. A program that records now and then looks before nearly every
    /// event, which costs it little; one that records without pause looks less often.
    let trusted = Atomic<UInt64>(Recorder.shortNanoseconds)
    let counts = SharedCounts()
    /// C10: kept alive by the collector's options.
    let registry: UnsafePointer<RegistryTable>?
    let segmentBytes: Int
    /// C11. The collector keeps it alive.
    let sampling: Unmanaged<Sampling>?
    /// The span that this process runs in, for the events of threads without an active one. The collector frees it.
    let carried: UnsafePointer<csystem_span>?

    init(
        segmentBytes: Int, sampling: Sampling?, registry: UnsafePointer<RegistryTable>?,
        carried: UnsafePointer<csystem_span>? = nil
    ) {
        self.carried = carried
        self.segmentBytes = segmentBytes
        self.sampling = sampling.map { Unmanaged.passUnretained($0) }
        self.registry = registry
    }

    private static let shortNanoseconds: UInt64 = 100_000
    /// As short, after one event that came without pause: a chance may have done that.
    private static let onceNanoseconds: UInt64 = shortNanoseconds + 1
    private static let longNanoseconds: UInt64 = 2_000_000
    /// A look comes with an event. One that is later than this after it was due comes after a pause.
    private static let pauseNanoseconds: UInt64 = 20_000

    /// With the collector's mutex held: an event comes so long after the last look. True: it is time for another one.
    func mustLook(after nanoseconds: UInt64) -> Bool {
        let present = trusted.load(ordering: .relaxed)
        if nanoseconds < present { return false }
        let isWithoutPause = nanoseconds < present &+ Self.pauseNanoseconds
        let next = present == Self.shortNanoseconds ? Self.onceNanoseconds : Self.longNanoseconds
        trusted.store(isWithoutPause ? next : Self.shortNanoseconds, ordering: .relaxed)
        return true
    }

    /// False for one thread each time that a look is due, which must look. The others need not wait for it.
    @inline(__always)
    func isFresh(_ now: Int64) -> Bool {
        let last = looked.load(ordering: .relaxed)
        if UInt64(bitPattern: now &- last) < trusted.load(ordering: .relaxed) { return true }
        return !looked.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
    }

    /// Records without a lock, a system call or an allocation. False: the slow path must be taken.
    @inline(__always)
    @_optimize(speed)
    func record(_ input: EventInput, _ plan: UnsafePointer<RecordPlan>, now: Int64) -> Bool {
        guard let base = UnsafeMutableRawPointer(bitPattern: segment.load(ordering: .acquiring)), isFresh(now) else {
            return false
        }
        return Self.record(input, plan, now: now, in: base, capacity: segmentBytes)
    }

    /// One copy for all callers: the call is cheap compared with its work.
    @inline(never)
    @_optimize(speed)
    static func record(
        _ input: EventInput, _ plan: UnsafePointer<RecordPlan>, now: Int64, in base: UnsafeMutableRawPointer,
        capacity: Int
    ) -> Bool {
        let offset = StateWord.reserve(base, size: (plan.pointee.length &+ 7) & ~7, capacity: capacity)
        if offset == 0 { return false }
        // A reused segment gets these values before it admits a record, so they are read after the reservation.
        let description = base + SegmentLayout.descriptionOffsets.0
        RecordEncoder.encode(
            input, plan, into: base + offset, offset: offset,
            sync: DescriptionLayout.sync.load(description), generation: DescriptionLayout.generation.load(description),
            now: now)
        StateWord.commit(base)
        return true
    }
}

/// Records an event from the C ABI into a segment.
package enum Recording {
    /// Like `telemetry_track`, for a collector whose gate is open.
    @inline(never)
    @_optimize(speed)
    package static func track(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ type: UnsafePointer<CChar>?,
        _ name: UnsafePointer<CChar>?,
        _ attributes: UnsafePointer<telemetry_attribute>?, _ count: Int
    ) -> telemetry_status {
        guard let type, let name else { return refuse(handle) }
        var input = EventInput(
            type: Text(type, limit: EventLimits.typeBytes), name: Text(name, limit: EventLimits.nameBytes))
        input.set(attributes, count)
        return record(handle, input, inline: true)
    }

    /// Like `record`, for callers that do not need their own copy of its code.
    @inline(never)
    static func recordOutOfLine(_ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput)
        -> telemetry_status
    {
        record(handle, input, inline: false)
    }

    @inline(__always)
    private static func record(_ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput, inline: Bool)
        -> telemetry_status
    {
        guard !input.type.isAdjusted, input.name.length > 0,
            EventSchema.isValidType(UnsafeRawBufferPointer(start: input.type.source, count: input.type.length))
        else { return refuse(handle, input) }
        let recorder = handle.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        let now = Clock.realtime()
        var input = input
        if let registry = recorder.pointee.registry, !admit(handle, &input, registry, now: now) {
            return refuseUndeclared(handle, input)
        }
        if let span = SpanRecording.named(for: handle) {
            return recordMarked(handle, input, span, now: now)
        }
        if let sampling = recorder.pointee.sampling {
            let (rate, isDrawn) = sampling._withUnsafeGuaranteedRef { $0.draw(input.type, now: now) }
            // C11: an event that sampling leaves out is not counted at all, and the caller gets TELEMETRY_OK.
            if !isDrawn { return TELEMETRY_OK }
            if rate < 1 { return Sampling.mark(input, rate: rate) { encodeOutOfLine(handle, $0, now: now) } }
        }
        return inline ? encode(handle, input, now: now) : encodeOutOfLine(handle, input, now: now)
    }

    /// The thread has an active span, or the process runs in one.
    @inline(never)
    private static func recordMarked(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput, _ span: UnsafePointer<csystem_span>,
        now: Int64
    ) -> telemetry_status {
        let recorder = handle.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        guard let sampling = recorder.pointee.sampling else {
            return TraceMark.mark(input, span) { encodeOutOfLine(handle, $0, now: now) }
        }
        let (rate, isDrawn) = sampling._withUnsafeGuaranteedRef { $0.draw(input.type, now: now) }
        if !isDrawn { return TELEMETRY_OK }
        return TraceMark.mark(input, span) { marked in
            if rate < 1 { return Sampling.mark(marked, rate: rate) { encodeOutOfLine(handle, $0, now: now) } }
            return encodeOutOfLine(handle, marked, now: now)
        }
    }

    @inline(never)
    private static func encodeOutOfLine(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput, now: Int64
    ) -> telemetry_status {
        encode(handle, input, now: now)
    }

    @inline(__always)
    private static func encode(_ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput, now: Int64)
        -> telemetry_status
    {
        let recorder = handle.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: EventLimits.attributes) { headers in
            var plan = RecordPlan(rules: input.rules, headers: headers.baseAddress.unsafelyUnwrapped)
            plan.measure(input)
            if plan.suspects != 0 { return recordRedacted(handle, input, suspects: plan.suspects, now: now) }
            let isRecorded = withUnsafePointer(to: &plan) { recorder.pointee.record(input, $0, now: now) }
            if !isRecorded {
                let status = withUnsafePointer(to: &plan) { Collector.from(handle).recordSlowly(input, $0, now: now) }
                if status != TELEMETRY_OK { return status }
            }
            if input.hasRedaction { recorder.pointee.counts.add(.redacted) }
            if plan.refusedCount != 0 {
                recorder.pointee.counts.add(.attributesRefused, UInt64(truncatingIfNeeded: plan.refusedCount))
            }
            if plan.isAdjusted {
                recorder.pointee.counts.add(.adjusted)
                return TELEMETRY_ADJUSTED
            }
            return TELEMETRY_OK
        }
    }

    /// C7: checks attributes that look as if they contained a secret. If any does, a redacted copy is recorded.
    @inline(never)
    private static func recordRedacted(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ input: EventInput, suspects: UInt64, now: Int64
    ) -> telemetry_status {
        guard let attributes = input.attributes else { return encodeOutOfLine(handle, input, now: now) }
        let caller = csystem_enter()
        defer { csystem_leave(caller) }
        var event = RedactedEvent(Collector.from(handle).redactor)
        let copies = event.attributes(attributes, input.attributeCount, suspects: suspects)
        var redacted = input
        redacted.isRedacted = true
        redacted.hasRedaction = input.hasRedaction || event.hasReplaced
        guard event.hasReplaced else { return encodeOutOfLine(handle, redacted, now: now) }
        return withExtendedLifetime(event) {
            copies.withUnsafeBufferPointer { copies in
                redacted.attributes = copies.baseAddress
                return encodeOutOfLine(handle, redacted, now: now)
            }
        }
    }

    /// C10: gives the event the rules of its declaration. False: it has none, and its type needs one.
    @inline(never)
    @_optimize(speed)
    static func admit(
        _ handle: UnsafeMutablePointer<telemetry_collector>, _ input: inout EventInput,
        _ registry: UnsafePointer<RegistryTable>, now: Int64
    ) -> Bool {
        if let event = registry.pointee.find(input.type, input.name, now: now) {
            input.rules = event
            return true
        }
        return input.attributeCount == 0 && input.argumentCount == 0 && input.error.length == 0
            && EventSchema.isAlwaysAllowed(
                UnsafeRawBufferPointer(start: input.type.source, count: input.type.length),
                UnsafeRawBufferPointer(start: input.name.source, count: input.name.length),
                heartbeat: Collector.from(handle).options.heartbeatEvent)
    }

    @inline(never)
    static func refuseUndeclared(_ handle: UnsafeMutablePointer<telemetry_collector>) -> telemetry_status {
        let recorder = handle.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        recorder.pointee.counts.add(.refusedUndeclared)
        _ = refuse(handle)
        return TELEMETRY_ERROR_UNDECLARED
    }

    @inline(never)
    static func refuse(_ handle: UnsafeMutablePointer<telemetry_collector>) -> telemetry_status {
        let recorder = handle.pointee.recorder.assumingMemoryBound(to: Recorder.self)
        recorder.pointee.counts.add(.refused)
        return TELEMETRY_ERROR_ARGUMENT
    }
}
