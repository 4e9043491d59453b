// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// A span that is open in this process, or room for one. A cell is never freed: a caller that still has the handle of a span
/// that has ended finds that the use of the cell is another one, and does nothing.
struct SpanCell: ~Copyable {
    /// Even: free. Each span has a number of its cell to itself.
    private let use = Atomic<UInt64>(0)
    private let lock = Atomic<Bool>(false)
    /// Unretained; valid while the cell is in use.
    private(set) var block: Unmanaged<SpanBlock>?
    private var index = 0
    /// Where the record is written, `capacity` bytes: in the slot, or in `grown`.
    private(set) var record = UnsafeMutableRawPointer(bitPattern: 8).unsafelyUnwrapped
    private var slot = UnsafeMutableRawPointer(bitPattern: 8).unsafelyUnwrapped
    private var capacity = 0
    private var slotCapacity = 0
    /// Bytes of the record that are complete, and bytes that were written.
    private(set) var length = 0
    private(set) var written = 0
    /// Heap memory of a span that has outgrown its slot; kept for the next one.
    private var grown: UnsafeMutableRawPointer?
    private var grownCapacity = 0
    /// What of the record the slot has, if it has outgrown the slot.
    private var lengthInSlot = 0
    /// Of a span that lasts: its end goes into a segment, so it may outgrow the slot. Otherwise the next process would
    /// not find what lies elsewhere.
    var mayLeaveSlot = false
    var attributeCount = 0
    /// No key is there twice, since the last time that room was made.
    var isCompact = false
    var eventCount = 0
    var linkCount = 0
    var hasRedaction = false
    var isAdjusted = false
    var refusedCount = 0
    /// C10: the rules of the span's declaration.
    var rules: UnsafePointer<RegisteredEvent>?
    /// Monotonic clock less the time that the record says.
    private(set) var clockDifference: Int64 = 0

    init() {}

    // MARK: for the thread that has the cell

    /// Runs `body` while no other thread changes the span. Nil: the span has ended.
    @inline(__always)
    static func with<R>(
        _ cell: UnsafeMutablePointer<SpanCell>, _ number: UInt64, _ body: (UnsafeMutablePointer<SpanCell>) -> R
    ) -> R? {
        if cell.pointee.use.load(ordering: .relaxed) != number { return nil }
        acquire(cell)
        defer { release(cell) }
        return cell.pointee.use.load(ordering: .relaxed) == number ? body(cell) : nil
    }

    @inline(__always)
    static func acquire(_ cell: UnsafeMutablePointer<SpanCell>) {
        if cell.pointee.lock.exchange(true, ordering: .acquiring) { wait(cell) }
    }

    @inline(never)
    private static func wait(_ cell: UnsafeMutablePointer<SpanCell>) {
        while cell.pointee.lock.exchange(true, ordering: .acquiring) { OwnProcess.yield() }
    }

    @inline(__always)
    static func release(_ cell: UnsafeMutablePointer<SpanCell>) {
        cell.pointee.lock.store(false, ordering: .releasing)
    }

    /// The span that was given that number has not ended.
    @inline(__always)
    func isOpen(_ number: UInt64) -> Bool { use.load(ordering: .relaxed) == number }

    var isInUse: Bool { use.load(ordering: .relaxed) & 1 != 0 }

    /// The file has not been looked at for a while.
    @inline(__always)
    func needsLook(_ monotonic: Int64) -> Bool {
        block?._withUnsafeGuaranteedRef { !$0.looked.isFresh(monotonic) } ?? false
    }

    /// The same where no clock was read.
    @inline(__always)
    var needsLook: Bool {
        block?._withUnsafeGuaranteedRef { !$0.looked.isFresh(coarse: Clock.coarseMonotonic()) } ?? false
    }

    /// Consent for it is gone, and its slot must not be touched: the file may have been cut short. For a cell in use.
    @inline(__always)
    var isVoid: Bool { block?._withUnsafeGuaranteedRef { $0.isVoid.load(ordering: .acquiring) } ?? true }

    /// The collector that records it. For a cell in use.
    @inline(__always)
    var collector: UnsafeMutablePointer<telemetry_collector> {
        block.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.collector }
    }

    /// Begins a use of a cell that was taken in `block`. Returns its number.
    @inline(__always)
    mutating func begin(
        _ block: Unmanaged<SpanBlock>, _ index: Int, _ slot: UnsafeMutableRawPointer, _ slotCapacity: Int
    ) -> UInt64 {
        self.block = block
        self.index = index
        self.slot = slot
        record = slot + SpanSlotLayout.record
        self.slotCapacity = slotCapacity
        capacity = slotCapacity
        length = 0
        written = 0
        attributeCount = 0
        eventCount = 0
        linkCount = 0
        hasRedaction = false
        isAdjusted = false
        refusedCount = 0
        rules = nil
        isCompact = false
        mayLeaveSlot = slotCapacity == SpanSlotLayout.capacity
        return use.wrappingAdd(1, ordering: .releasing).newValue
    }

    /// Writes the fixed part, the name and the trace state; the parts after that begin behind them.
    @inline(__always)
    mutating func start(
        _ context: TraceContext, parent: UInt64, isRemoteParent: Bool, kind: UInt8, name: Text,
        state: UnsafeRawBufferPointer, now: Int64, monotonic: Int64
    ) {
        clockDifference = monotonic &- now
        let record = record
        memset(record, 0, SpanLayout.fixedSize)
        RecordLayout.time.store(now, record)
        RecordLayout.kind.store(RecordHeader.span, record)
        RecordLayout.flags.store(isRemoteParent ? SpanLayout.hasRemoteParent : 0, record)
        SpanLayout.end.store(now, record)
        context.traceID.store(to: record + SpanLayout.traceID)
        record.storeBytes(of: context.spanID.bigEndian, toByteOffset: SpanLayout.spanID, as: UInt64.self)
        record.storeBytes(of: parent.bigEndian, toByteOffset: SpanLayout.parentID, as: UInt64.self)
        SpanLayout.nameLength.store(UInt16(truncatingIfNeeded: name.length), record)
        SpanLayout.traceStateLength.store(UInt16(truncatingIfNeeded: state.count), record)
        SpanLayout.spanKind.store(kind, record)
        SpanLayout.traceFlags.store(context.flags, record)
        name.copy(to: record + SpanLayout.fixedSize)
        if let text = state.baseAddress, state.count > 0 {
            (record + (SpanLayout.fixedSize &+ name.length)).copyMemory(from: text, byteCount: state.count)
        }
        isAdjusted = name.isAdjusted
        advance(SpanLayout.fixedSize &+ name.length &+ state.count)
        commit()
    }

    /// Its name is another one. A process that is killed in between leaves no span.
    @inline(never)
    mutating func setName(_ name: Text) {
        let former = Int(SpanLayout.nameLength.load(record))
        let rest = length &- SpanLayout.fixedSize &- former
        guard name.length > 0, room(max(0, name.length &- former)) != nil else { return }
        if isInSlot { store(.free) }
        let start = record + SpanLayout.fixedSize
        memmove(start + name.length, start + former, rest)
        name.copy(to: start)
        SpanLayout.nameLength.store(UInt16(truncatingIfNeeded: name.length), record)
        written = SpanLayout.fixedSize &+ name.length &+ rest
        if name.isAdjusted { isAdjusted = true }
        commit()
    }

    /// Goes on with what a slot holds that another process has begun. False: it is damaged.
    mutating func resume() -> Bool {
        length = SpanSlotWord(raw: slot.load(as: UInt64.self)).length
        written = length
        clockDifference = Clock.monotonic() &- Clock.realtime()
        let whole = UnsafeRawBufferPointer(start: record, count: length)
        guard let start = SpanItems.offset(whole) else { return false }
        for item in SpanItems(UnsafeRawBufferPointer(rebasing: whole[start...])) {
            switch item {
            case .attribute: break
            case .event: eventCount &+= 1
            case .link: linkCount &+= 1
            case .statusMessage: break
            }
        }
        attributeCount = SpanAttributes(base: record + start, count: length &- start).keyCount
        return true
    }

    var name: String {
        String(
            bytes: Array(
                UnsafeRawBufferPointer(
                    start: record + SpanLayout.fixedSize, count: Int(SpanLayout.nameLength.load(record)))))
    }

    /// All that was said of the span is in its slot.
    @inline(__always)
    var isInSlot: Bool { record == slot + SpanSlotLayout.record }

    /// It has ended, and no segment has room: it stays in its file until one has. False: a part of it is not there.
    func park() -> Bool {
        guard isInSlot else { return false }
        store(.ending(length, offset: SpanSlotWord.nowhere))
        return true
    }

    /// The span ended at that time.
    @inline(__always)
    mutating func finish(now: Int64, abandoned: Bool) {
        if abandoned {
            let flags = RecordLayout.flags.load(record)
            RecordLayout.flags.store(flags | SpanLayout.isAbandoned, record)
            return
        }
        SpanLayout.end.store(max(now, RecordLayout.time.load(record)), record)
    }

    func belongs(to other: SpanBlock) -> Bool { block?.toOpaque() == Unmanaged.passUnretained(other).toOpaque() }

    /// Room for `bytes` more, behind what was written. Nil: the record would be too long, or there is no memory.
    @inline(__always)
    mutating func room(_ bytes: Int) -> UnsafeMutableRawPointer? {
        if written &+ bytes <= capacity || grow(to: written &+ bytes) { return record + written }
        return nil
    }

    /// Other processes go on with what is in the slot.
    @inline(__always)
    var isLasting: Bool { slotCapacity != SpanSlotLayout.capacity }

    /// The record lies where nobody else looks. False: there is no memory.
    mutating func leaveSlot() -> Bool { !isInSlot || grow(to: written) }

    /// Where its items begin.
    var itemsOffset: Int {
        SpanLayout.fixedSize &+ Int(SpanLayout.nameLength.load(record))
            &+ Int(SpanLayout.traceStateLength.load(record))
    }

    mutating func cut(to bytes: Int) { written = bytes }

    @inline(__always)
    mutating func advance(_ bytes: Int) { written &+= bytes }

    @inline(never)
    private mutating func grow(to needed: Int) -> Bool {
        guard mayLeaveSlot, needed <= RecordLayout.maximumSize else { return false }
        if grownCapacity < needed {
            let wanted = min(RecordLayout.maximumSize, max(2 &* needed, 4 &* SpanSlotLayout.size))
            guard let made = Allocation.resize(grown, to: wanted) else { return false }
            if record == grown { record = made }
            grown = made
            grownCapacity = wanted
        }
        guard let grown else { return false }
        if record != grown {
            grown.copyMemory(from: record, byteCount: written)
            record = grown
            lengthInSlot = length
        }
        capacity = grownCapacity
        return true
    }

    /// All that was written is complete. What was said of a span after it outgrew its slot is not in the slot.
    @inline(__always)
    mutating func commit() {
        length = written
        if isInSlot { store(.open(length)) }
    }

    @inline(__always)
    private func store(_ word: SpanSlotWord) {
        slot.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(word.raw, ordering: .releasing)
    }

    /// Into a segment, as it is now. False: there is no room.
    @inline(__always)
    func write(into base: UnsafeMutableRawPointer, capacity: Int) -> Bool {
        let offset = StateWord.reserve(base, size: (length &+ 7) & ~7, capacity: capacity)
        if offset == 0 { return false }
        let description = base + SegmentLayout.descriptionOffsets.0
        let generation = DescriptionLayout.generation.load(description)
        SpanSlotLayout.generation.store(generation, slot)
        store(.ending(isInSlot ? length : lengthInSlot, offset: offset))
        let target = base + offset
        memcpy(target, record, length)
        SpanRecord.complete(
            target, length: length, flags: 0, offset: offset, sync: DescriptionLayout.sync.load(description),
            generation: generation)
        StateWord.commit(base)
        return true
    }

    /// The end of the use: the slot is free.
    @inline(__always)
    mutating func end() {
        store(.free)
        letGo()
    }

    /// Ends the use, and nothing is recorded of it.
    mutating func discard() { if isVoid { letGo() } else { end() } }

    /// The end of the use, without a look at the slot: a caller that still has the handle can do nothing with it.
    @inline(__always)
    mutating func letGo() {
        use.wrappingAdd(1, ordering: .releasing)
        if let block { block._withUnsafeGuaranteedRef { $0.giveBack(index) } }
        if grownCapacity > Self.keptBytes { releaseGrown() }
    }

    private static let keptBytes = 16 << 10

    @inline(never)
    private mutating func releaseGrown() {
        Allocation.release(grown)
        grown = nil
        grownCapacity = 0
    }

    /// In the child of a fork: the span is its parent's.
    mutating func leaveToParent() {
        lock.store(false, ordering: .relaxed)
        if isInUse { use.wrappingAdd(1, ordering: .relaxed) }
    }
}
