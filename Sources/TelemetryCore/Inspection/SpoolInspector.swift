// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Access to a tool's spool from outside. Works with any consent, and creates nothing.
package enum SpoolInspector {
    /// Nil: there is no spool, or it cannot be read (`problem`).
    static func look(_ options: Options) -> SpoolDirectory? { SpoolDirectory.look(options) }

    /// The counts, and why the waiting events cannot be read, all or some of them. Both nil: there is no spool.
    package static func examine(options: Options) -> (statistics: telemetry_statistics?, problem: SystemError?) {
        do throws(SystemError) {
            guard let shared = try SpoolDirectory.openToLook(options) else { return (nil, nil) }
            defer { shared.close() }
            var failure: Int32 = 0
            let statistics = statistics(shared, &failure)
            return (statistics, failure == 0 ? nil : SystemError(code: failure))
        } catch {
            return (nil, error)
        }
    }

    /// Why the waiting events cannot be sent. Nil: they can, or there is no spool.
    package static func obstacle(options: Options) -> SystemError? {
        do throws(SystemError) {
            if let shared = try SpoolDirectory.openToLook(options) {
                shared.close()
                try SpoolDirectory.open(options).close()
            }
            return nil
        } catch { return error }
    }

    package static func statistics(options: Options) -> telemetry_statistics? { examine(options: options).statistics }

    private static func statistics(_ shared: SpoolDirectory, _ failure: inout Int32) -> telemetry_statistics {
        var result = telemetry_statistics()
        var totals = Tally()
        var error: Int32 = 0
        let look = { totals = shared.totals(failure: &error) }
        if !shared.withLock(Deadline(timeoutMilliseconds: lockMilliseconds), { _ in look() }) { look() }
        failure = error
        result.set(totals)
        result.spool_bytes = UInt64(clamping: shared.usage().bytes)
        result.storage = Int32(TELEMETRY_STORAGE_SPOOL.rawValue)
        let state = shared.delivery
        result.next_attempt_ns = UInt64(clamping: state.plausibleAttempt(Clock.realtime()))
        result.consecutive_failures = state.failures
        return result
    }

    /// Why files cannot be locked in the state directory, so that all processes keep their events in memory.
    /// Nil: they can.
    package static func lockProblem(options: Options) -> String? {
        guard let path = path(options: options), let directory = (try? Directory.openExisting(path)) ?? nil else {
            return nil
        }
        defer { directory.close() }
        let error = directory.lockError(isShared: true)
        return error == 0 || error == EWOULDBLOCK ? nil : SystemError(code: error).text
    }

    /// Spans that were begun and have not ended, by processes that live or have left them; and those that have ended and
    /// wait for room on the disk.
    package static func countSpans(options: Options) -> (open: Int, ended: Int) {
        guard let shared = look(options) else { return (0, 0) }
        defer { shared.close() }
        return AbandonedSpans.count(in: shared.directory)
    }

    /// Segment files whose header cannot be read.
    package static func damagedSegments(options: Options) -> [String] {
        guard let shared = look(options) else { return [] }
        defer { shared.close() }
        return shared.segmentsByAge(except: { _ in false }).filter { $0.header == nil }.map { $0.name }
    }

    /// Segment files of a later version of the format, or with records that only a later version knows, and how many
    /// events are left to that version. Nil: there are none.
    package static func leftToLater(options: Options) -> (files: [String], events: UInt64)? {
        guard let shared = look(options) else { return nil }
        defer { shared.close() }
        var result: (files: [String], events: UInt64) = ([], 0)
        for name in shared.segmentNames() {
            var events: UInt64 = 0
            if let header = SegmentHeader(name, in: shared.directory), header.isLater {
                events = header.tally(currentEpoch: shared.control.epoch).pending
            } else if let image = SegmentImage(name, in: shared.directory),
                image.description.epoch == shared.control.epoch
            {
                events = image.leftToLater
            }
            if events == 0 { continue }
            result.files.append(name)
            result.events &+= events
        }
        return result.files.isEmpty ? nil : result
    }

    /// The state of delivery; times in nanoseconds since 1970-01-01 UTC.
    package struct Delivery {
        package let lastAttempt: Int64
        package let lastSuccess: Int64
        package let nextAttempt: Int64
        package let failures: UInt32
        package let lastError: String
        package let taker: String
        /// Whose the failures are, with a colon, if not those of the receivers of now; else empty.
        package let other: String
        /// After a failure, nothing is tried for a while.
        package let isPausing: Bool
    }

    package static func deliveryState(options: Options) -> Delivery? {
        guard let shared = look(options) else { return nil }
        defer { shared.close() }
        let state = shared.delivery
        let now = Clock.realtime()
        let next = state.plausibleAttempt(now)
        return Delivery(
            lastAttempt: state.lastAttempt, lastSuccess: state.lastSuccess, nextAttempt: next, failures: state.failures,
            lastError: state.lastError, taker: state.taker, other: other(state, options),
            isPausing: state.failures > 0 && next > now)
    }

    private static func other(_ state: DeliveryState, _ options: Options) -> String {
        if state.isOwned(by: options.destinationSet) { return "" }
        return state.isOfConfiguration ? "of an earlier receiver: " : "of the program's receiver: "
    }

    /// A number that differs when other events may be delivered now and are not held by a living process; 0: there are
    /// none.
    package static func deliverable(options: Options) -> UInt64 {
        guard let shared = SpoolDirectory.openExisting(options) else { return 0 }
        defer { shared.close() }
        let own = options.destinationSet
        let state = shared.delivery
        guard !state.isOwned(by: own) || state.nextAttempt <= Clock.realtime() else { return 0 }
        var result: UInt64 = 0
        // As in a pass: no segment overtakes one that its owner still holds.
        var blocked: [UInt32] = []
        for entry in shared.segmentsByAge(except: { _ in false }) {
            guard let header = entry.header, header.epoch == shared.control.epoch, !blocked.contains(header.lineage),
                header.isFor(own)
            else { continue }
            guard case .taken(let segment) = Segment.claim(entry.name, in: shared.directory, reading: .header) else {
                if header.lineage != 0 { blocked.append(header.lineage) }
                continue
            }
            if segment.pendingCount > 0 { result &+= header.generation &+ UInt64(segment.pendingCount) }
            segment.release(removingFrom: nil)
        }
        return result
    }

    /// Every waiting event, oldest segment first, including those of living processes.
    package static func forEachPending(options: Options, _ body: (RecordView) -> Void) {
        for image in pendingImages(options) { image.forEachPending(body) }
    }

    /// Every open span, with what has been said of it, as it would be recorded if its process ended now.
    static func forEachOpenSpan(options: Options, _ body: (RecordView) -> Void) {
        guard let shared = look(options) else { return }
        defer { shared.close() }
        for image in AbandonedSpans.images(shared).compactMap({ SegmentImage($0, without: options.excluded) }) {
            image.forEachPending(body)
        }
    }

    /// The same events as they go into requests to one of the tool's destinations.
    static func forEachBatch(
        options: Options, _ destination: Destination, limit: (events: Int, bytes: Int), oldest: Int64,
        _ body: (EventBatch) -> Void
    ) {
        let slot = slot(destination, options)
        let own = options.destinationSet
        let index = options.destinations.firstIndex { $0 === destination } ?? 0
        for image in pendingImages(options) where image.isFor(own, at: index) {
            image.forEachBatch(of: slot, limit, oldest, body)
        }
    }

    /// Events that wait for another program or a file, which alone knows where they go.
    package struct WaitingForOther {
        /// What chooses their destinations.
        package enum Chooser: String { case program, manifest, own }

        /// One line that says where they go.
        package let destinations: String
        package let chooser: Chooser
        package fileprivate(set) var events: UInt64

        package var text: String {
            let count = "\(events) "
            switch chooser {
            case .program: return count + "for the program, which alone can send them: " + destinations
            case .manifest: return count + "for the tool's manifest, which alone can send them: " + destinations
            case .own: return count + "until their receivers are asked for again: " + destinations
            }
        }
    }

    package static func waitingForOthers(options: Options) -> [WaitingForOther] {
        let own = options.destinationSet
        var result: [WaitingForOther] = []
        for image in pendingImages(options) where !image.description.isLocalOnly && image.pending > 0 {
            guard let recorded = image.destinations, own.places(of: recorded) == nil else { continue }
            let text = image.destinationText
            let chooser: WaitingForOther.Chooser =
                recorded.origin == .code ? .program : options.audience == .own ? .own : .manifest
            if let known = result.firstIndex(where: { Array($0.destinations.utf8) == Array(text.utf8) }) {
                result[known].events &+= image.pending
            } else {
                result.append(WaitingForOther(destinations: text, chooser: chooser, events: image.pending))
            }
        }
        return result
    }

    /// The destinations of a program of the tool that has chosen them in code, as noted last.
    package struct ProgramChoice {
        package let destinations: String
        package let noted: Int64

        /// Shown in place of the manifest's choice.
        /// All of them are on this machine.
        package var isLocal: Bool {
            let text = Array(destinations.utf8)
            var start = 0
            while start < text.count {
                let rest = text[start...]
                let names = ["file:", "stdout:", "noop:"]
                guard names.contains(where: { rest.starts(with: $0.utf8) }) else { return false }
                let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? text.count
                start = end + 2
            }
            return true
        }

        package var shown: String { destinations + " (chosen by the program)" }
    }

    /// Nil: no program has chosen.
    package static func chosenInCode(options: Options) -> ProgramChoice? {
        guard let shared = look(options) else { return nil }
        defer { shared.close() }
        let (text, time) = shared.control.readChosen()
        return text.utf8.isEmpty ? nil : ProgramChoice(destinations: text, noted: time)
    }

    /// The events that wait for the local log, whatever the tool's destinations are.
    static func forEachLocalBatch(
        options: Options, limit: (events: Int, bytes: Int), oldest: Int64, _ body: (EventBatch) -> Void
    ) {
        for image in pendingImages(options) where image.description.isLocalOnly {
            image.forEachBatch(limit, oldest, body)
        }
    }

    private static func slot(_ destination: Destination, _ options: Options) -> DestinationSlot? {
        guard let shared = look(options) else { return nil }
        defer { shared.close() }
        return shared.destinations?.slot(of: destination.name)
    }

    private static func pendingImages(_ options: Options) -> [SegmentImage] {
        guard let shared = look(options) else { return [] }
        defer { shared.close() }
        let epoch = shared.control.epoch
        let retired = shared.control.readCounters()?.retiredGeneration
        var images = shared.segmentNames().compactMap {
            SegmentImage($0, in: shared.directory, without: options.excluded)
        }
        images.removeAll { $0.description.epoch != epoch || $0.description.generation == retired }
        images.sort { $0.description.created < $1.description.created }
        return images
    }

    /// Withdraws: every waiting event is void at once, even if a process holds it, and is removed if no living process
    /// holds it. Living processes remove their events when they notice. Neither the lock of a process that was stopped
    /// nor a mode that others gave the directory prevents that.
    ///
    /// When it returns `.complete`, nothing leaves any more: a running send has been cancelled.
    ///
    /// The spool of spans goes with that of events. Of two failures, that of the events is returned.
    package static func erase(options: Options) -> Erasure {
        var result = Erasure.complete
        for options in options.ofEachSignal {
            let erasure = eraseOne(options)
            if result == .complete { result = erasure }
        }
        return result
    }

    private static func eraseOne(_ options: Options) -> Erasure {
        let shared: SpoolDirectory
        do throws(SystemError) {
            guard let found = try SpoolDirectory.openToErase(options) else { return .complete }
            shared = found
        } catch {
            return .impossible(error)
        }
        let spool = Spool(ofOthers: shared, SpoolLimits(options))
        defer { spool.close() }
        var isRaised = false
        let isLocked = shared.withLock(Deadline(timeoutMilliseconds: lockMilliseconds)) { locked in
            isRaised = shared.control.raiseEpoch()
            Lease.removeLeftover(shared.directory)
            spool.discardOrphans(locked)
        }
        // Two processes that raise the epoch at once raise it to the same value.
        if !isRaised && !shared.control.raiseEpoch() { return .impossible(.current) }
        // From here on no process makes the file of the earlier epoch.
        MetricMap.retire(in: shared.directory)
        let former: Int32
        let directory = path(options: options) ?? ""
        do throws(SystemError) {
            guard let found = try waitForDeliverer(shared), isLocked else {
                return .unanswered(process: 0, directory: directory)
            }
            former = found
        } catch {
            return .unknown(error, directory: directory)
        }
        // A process that was sending may have written it meanwhile.
        MetricMap.removeSent(in: shared.directory)
        waitForOwners(spool, shared)
        wipe(shared)
        return former == 0 ? .complete : .unanswered(process: former, directory: directory)
    }

    /// The lock is held only for instants, unless its holder was stopped.
    private static let lockMilliseconds: UInt32 = 1000
    /// A sender looks at the epoch every 5 ms. This is longer, for a machine that is busy.
    private static let delivererMilliseconds: UInt32 = 2000

    /// A sender looks at the epoch before it goes on, so one that has been silent for this long has nothing to lose.
    private static let silenceNanoseconds: Int64 = 1_500_000_000

    /// A18: the process that delivers holds the lease, and releases it once its send has been cancelled. The lease is
    /// taken from a process that was stopped. Returns the process that it was taken from, or 0. Nil: it was neither
    /// released nor taken.
    private static func waitForDeliverer(_ shared: SpoolDirectory) throws(SystemError) -> Int32? {
        guard try shared.directory.hasEntry(Lease.lockName) else { return 0 }
        let deadline = Deadline(timeoutMilliseconds: delivererMilliseconds)
        guard let lease = try Lease.obtain(shared.directory, until: deadline, patience: silenceNanoseconds) else {
            return nil
        }
        defer { lease.end() }
        return lease.former
    }

    /// Segments held by a process that was stopped, or has not noticed yet, are void, and that process must count them.
    /// Only the events are overwritten, because the process may be killed before it removes them.
    private static func wipe(_ shared: SpoolDirectory) {
        guard let zeroes = Heap.takeZeroes(SegmentLayout.pageSize) else { return }
        defer { Heap.release(zeroes) }
        for name in shared.segmentNames() + AbandonedSpans.names(in: shared.directory) {
            guard let header = SegmentHeader(name, in: shared.directory), header.epoch != shared.control.epoch,
                let file = try? Descriptor.open(at: shared.directory, name, O_RDWR | O_NONBLOCK)
            else { continue }
            let size = min(Int(clamping: (try? file.status())?.st_size ?? 0), SegmentLayout.maximumSize)
            for offset in stride(from: SegmentLayout.headerSize, to: size, by: SegmentLayout.pageSize) {
                file.write(zeroes, min(SegmentLayout.pageSize, size - offset), at: offset)
            }
            file.close()
        }
    }

    /// A18: events that are in memory only have no spool that could be locked. The process that sends them looks at the
    /// answer every 5 ms.
    static func waitForSenders(_ tool: String) -> Bool {
        PreferenceStore.waitForSenders(tool: tool, until: Deadline(timeoutMilliseconds: delivererMilliseconds))
    }

    /// A18: a process that holds a void segment may end, or release the segment, before it has noticed; a running
    /// deliverer does. For one second, segments that become free are removed.
    private static func waitForOwners(_ spool: Spool, _ shared: SpoolDirectory) {
        let deadline = Deadline(timeoutMilliseconds: 1000)
        while !shared.segmentNames().isEmpty && !deadline.isPast {
            Clock.sleep(nanoseconds: 10_000_000)
            _ = shared.withLock(deadline) { spool.discardOrphans($0) }
        }
    }
}

/// A copy of a segment, for looking at.
private final class SegmentImage {
    let description: Description
    private let base: UnsafeMutableRawPointer
    private let size: Int
    private let context = UnsafeMutablePointer<EventContext>.allocate(capacity: 1)

    convenience init?(_ name: String, in directory: Descriptor, without excluded: FieldSet = FieldSet()) {
        guard let file = try? Descriptor.open(at: directory, name, O_RDONLY | O_NONBLOCK) else { return nil }
        defer { file.close() }
        guard let status = try? file.status(), status.isOwnRegularFile else { return nil }
        let wanted = min(Int(clamping: status.st_size), SegmentLayout.maximumSize)
        guard wanted >= SegmentLayout.headerSize, let memory = Heap.take(wanted) else { return nil }
        self.init(memory, file.read(memory, wanted, at: 0) ?? 0, excluded)
    }

    /// One that was made in memory.
    convenience init?(_ bytes: [UInt8], without excluded: FieldSet) {
        guard let memory = Heap.take(bytes.count) else { return nil }
        bytes.withUnsafeBytes { if let from = $0.baseAddress { memory.copyMemory(from: from, byteCount: bytes.count) } }
        self.init(memory, bytes.count, excluded)
    }

    /// Takes the memory, and releases it if there is no segment in it.
    private init?(_ memory: UnsafeMutableRawPointer, _ size: Int, _ excluded: FieldSet) {
        guard size >= SegmentLayout.headerSize, let found = Description.read(memory) else {
            Heap.release(memory)
            return nil
        }
        description = found
        base = memory
        self.size = size
        context.initialize(to: found.context(memory, without: excluded))
    }

    deinit {
        Heap.release(base)
        context.deallocate()
    }

    /// A reader that begins at the first event that waits for this destination; nil: for any. Valid while this object
    /// lives.
    func reader(of destination: DestinationSlot? = nil) -> SegmentReader {
        let own = destination.flatMap {
            Progress.read(base, of: $0, generation: description.generation, fileSize: size)
        }
        let progress = own ?? Progress.read(base, generation: description.generation, fileSize: size)
        return SegmentReader(
            UnsafeRawBufferPointer(start: base, count: size), description: description,
            context: context, state: StateWord.load(base), from: progress.offset)
    }

    var destinations: DestinationSet? { DestinationSet(context.pointee.destinations) }

    var destinationText: String { DestinationSet.text(context.pointee.destinations) }

    /// The process that has `own` sends the events to the destination at `index`.
    func isFor(_ own: DestinationSet, at index: Int) -> Bool {
        if description.isLocalOnly { return own.origin == .none }
        return destinations.map { (own.places(of: $0) ?? 0) & 1 << UInt8(index) != 0 } ?? true
    }

    var pending: UInt64 {
        let consumed = Progress.read(base, generation: description.generation, fileSize: size).consumed
        let recorded = UInt64(StateWord.load(base).count)
        return recorded > consumed ? recorded &- consumed : 0
    }

    /// How many of the waiting events begin at a record that this version does not know, including that record.
    var leftToLater: UInt64 {
        var reader = reader()
        var read: UInt64 = 0
        while reader.next() != nil { read &+= 1 }
        guard reader.isAtUnknown else { return 0 }
        let pending = pending
        return pending > read ? pending &- read : 1
    }

    func forEachBatch(
        of slot: DestinationSlot? = nil, _ limit: (events: Int, bytes: Int), _ oldest: Int64,
        _ body: (EventBatch) -> Void
    ) {
        var reader = reader(of: slot)
        while true {
            let batch = EventBatch(&reader, limit: limit, oldest: oldest)
            if batch.isEmpty { break }
            if !batch.events.isEmpty { body(batch) }
        }
        withExtendedLifetime(self) {}
    }

    func forEachPending(_ body: (RecordView) -> Void) {
        var reader = reader()
        while let event = reader.next() { body(event) }
    }
}
