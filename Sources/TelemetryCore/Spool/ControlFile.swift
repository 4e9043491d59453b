import CSystem
import Synchronization

/// What delivery knows from one process to the next.
struct DeliveryState: Equatable {
    /// Nanoseconds since 1970-01-01 UTC; 0: none. `Int64.max`: never again.
    var nextAttempt: Int64 = 0
    var lastAttempt: Int64 = 0
    var lastSuccess: Int64 = 0
    var failures: UInt32 = 0
    /// The file backend's append in progress; inode 0: none.
    var appendInode: UInt64 = 0
    var appendLength: UInt64 = 0
    var appendGeneration: UInt64 = 0
    var appendOffset: UInt32 = 0
    /// At most 200 bytes.
    var lastError = ""
    /// Delivered events of which no copy could be written to the audit log, and of which it does not say so yet.
    var auditLost: UInt64 = 0
}

/// The totals of segments that are gone, and the one whose contribution was added last.
struct Counters: Equatable {
    var retiredGeneration: UInt64 = 0
    var retiredFile: UInt64 = 0
    var tally = Tally()
}

/// The `control` file of a spool, mapped. The slots are read and written with its lock held.
struct ControlFile {
    static let name = "control"
    static let size = 4096
    /// `TLMCTL` 0 1, little-endian.
    private static let magic: UInt64 = 0x0100_4C54_434D_4C54
    private static let epochOffsets = (64, 128)

    private let base: UnsafeMutableRawPointer
    let file: Descriptor

    /// Opens the file, making it if it is missing or not a control file at all.
    static func open(in directory: Descriptor) throws(SystemError) -> ControlFile {
        let file = try ForkHandling.openHeld(at: directory, name, O_RDWR | O_CREAT)
        do throws(SystemError) {
            let status = try file.status()
            guard status.isOwnRegularFile else { throw SystemError(code: EPERM) }
            if status.st_size != size || status.st_blocks == 0 { try prepare(file) }
            let control = try map(file)
            if !control.isValid { control.initialise() }
            return control
        } catch {
            ForkHandling.closeHeld(file)
            throw error
        }
    }

    /// For looking only. Nil when there is none.
    static func openExisting(in directory: Descriptor) -> ControlFile? {
        guard let file = try? ForkHandling.openHeld(at: directory, name, O_RDWR) else { return nil }
        guard let status = try? file.status(), status.isOwnRegularFile, status.st_size == size,
            let control = try? map(file)
        else {
            ForkHandling.closeHeld(file)
            return nil
        }
        if control.isValid { return control }
        control.close()
        return nil
    }

    private static func prepare(_ file: Descriptor) throws(SystemError) {
        if try file.status().st_size > size { try file.truncate(to: Int64(size)) }
        try file.allocate(Int64(size))
    }

    private static func map(_ file: Descriptor) throws(SystemError) -> ControlFile {
        guard let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.raw, 0), base != csystem_map_failed() else { throw .current }
        return ControlFile(base: base, file: file)
    }

    func close() {
        munmap(base, Self.size)
        ForkHandling.closeHeld(file)
    }

    /// Lets go of the memory only.
    func forget() { munmap(base, Self.size) }

    /// The spool was erased as a whole, this file with it.
    var isRemoved: Bool { (try? file.status())?.st_nlink == 0 }

    // MARK: epoch

    /// Address of the consent epoch, for the check before every record.
    var epochAddress: UnsafeMutablePointer<Atomic<UInt64>> {
        (base + Self.epochOffsets.0).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    var epoch: UInt64 { epochAddress.pointee.load(ordering: .acquiring) }

    /// Voids every waiting event, whoever holds it.
    func raiseEpoch() { storeEpoch(epoch &+ 1) }

    private func storeEpoch(_ value: UInt64) {
        epochAddress.pointee.store(value, ordering: .sequentiallyConsistent)
        base.storeBytes(of: ~value, toByteOffset: Self.epochOffsets.0 + 8, as: UInt64.self)
        base.storeBytes(of: value, toByteOffset: Self.epochOffsets.1, as: UInt64.self)
        base.storeBytes(of: ~value, toByteOffset: Self.epochOffsets.1 + 8, as: UInt64.self)
    }

    private func epochCopy(_ offset: Int) -> UInt64? {
        let value = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        return base.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self) == ~value ? value : nil
    }

    private var isValid: Bool {
        base.loadUnaligned(as: UInt64.self) == Self.magic && epochCopy(Self.epochOffsets.0) != nil
    }

    /// Mends what can be mended. With no valid epoch a new one is drawn: what waits may have been withdrawn.
    private func initialise() {
        guard file.lock(until: Deadline(timeoutMilliseconds: 1000)) else { return }
        defer { file.unlock() }
        if isValid { return }
        let epoch: UInt64
        if let first = epochCopy(Self.epochOffsets.0) {
            epoch = first
        } else if let second = epochCopy(Self.epochOffsets.1) {
            // The first copy was caught in the middle of a withdrawal: finish it.
            epoch = second &+ 1
        } else {
            epoch = Random.word() >> 1
        }
        storeEpoch(epoch)
        base.storeBytes(of: Self.magic, as: UInt64.self)
    }

    // MARK: slots

    private var counterSlots: SlotPair { SlotPair(base: base, offsets: (256, 512), size: 256) }
    private var deliverySlots: SlotPair { SlotPair(base: base, offsets: (1024, 1536), size: 512) }

    func readCounters() -> Counters {
        var result = Counters()
        guard let slot = counterSlots.current() else { return result }
        let word = { (index: Int) -> UInt64 in slot.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self) }
        result.retiredGeneration = word(1)
        result.retiredFile = word(2)
        result.tally.recorded = word(3)
        result.tally.delivered = word(4)
        for index in 0..<DropReason.count { result.tally.dropped[index] = word(5 + index) }
        result.tally.adjusted = word(15)
        result.tally.refused = word(16)
        result.tally.refusedUndeclared = word(17)
        result.tally.attributesRefused = word(18)
        result.tally.redacted = word(19)
        return result
    }

    func write(_ counters: Counters) {
        counterSlots.write { slot in
            let store = { (index: Int, value: UInt64) in slot.storeBytes(of: value, toByteOffset: 8 * index, as: UInt64.self) }
            store(1, counters.retiredGeneration)
            store(2, counters.retiredFile)
            store(3, counters.tally.recorded)
            store(4, counters.tally.delivered)
            for index in 0..<DropReason.count { store(5 + index, counters.tally.dropped[index]) }
            store(15, counters.tally.adjusted)
            store(16, counters.tally.refused)
            store(17, counters.tally.refusedUndeclared)
            store(18, counters.tally.attributesRefused)
            store(19, counters.tally.redacted)
        }
    }

    func readDelivery() -> DeliveryState { .read(deliverySlots) }

    func write(_ state: DeliveryState) { state.write(deliverySlots) }
}

extension DeliveryState {
    private static let errorLimit = 200

    static func read(_ slots: SlotPair) -> DeliveryState {
        var result = DeliveryState()
        guard let slot = slots.current() else { return result }
        result.nextAttempt = slot.loadUnaligned(fromByteOffset: 8, as: Int64.self)
        result.lastAttempt = slot.loadUnaligned(fromByteOffset: 16, as: Int64.self)
        result.lastSuccess = slot.loadUnaligned(fromByteOffset: 24, as: Int64.self)
        result.failures = slot.loadUnaligned(fromByteOffset: 32, as: UInt32.self)
        result.appendInode = slot.loadUnaligned(fromByteOffset: 40, as: UInt64.self)
        result.appendLength = slot.loadUnaligned(fromByteOffset: 48, as: UInt64.self)
        result.appendGeneration = slot.loadUnaligned(fromByteOffset: 56, as: UInt64.self)
        result.appendOffset = slot.loadUnaligned(fromByteOffset: 64, as: UInt32.self)
        let length = min(Int(slot.loadUnaligned(fromByteOffset: 68, as: UInt16.self)), errorLimit)
        result.lastError = String(bytes: UnsafeRawBufferPointer(start: slot + 70, count: length))
        result.auditLost = slot.loadUnaligned(fromByteOffset: 272, as: UInt64.self)
        return result
    }

    /// Returns the offset of the slot written.
    @discardableResult
    func write(_ slots: SlotPair) -> Int {
        slots.write { slot in
            slot.storeBytes(of: nextAttempt, toByteOffset: 8, as: Int64.self)
            slot.storeBytes(of: lastAttempt, toByteOffset: 16, as: Int64.self)
            slot.storeBytes(of: lastSuccess, toByteOffset: 24, as: Int64.self)
            slot.storeBytes(of: failures, toByteOffset: 32, as: UInt32.self)
            slot.storeBytes(of: appendInode, toByteOffset: 40, as: UInt64.self)
            slot.storeBytes(of: appendLength, toByteOffset: 48, as: UInt64.self)
            slot.storeBytes(of: appendGeneration, toByteOffset: 56, as: UInt64.self)
            slot.storeBytes(of: appendOffset, toByteOffset: 64, as: UInt32.self)
            let text = TextLimit.cut(Array(lastError.utf8), Self.errorLimit)
            slot.storeBytes(of: UInt16(truncatingIfNeeded: text.count), toByteOffset: 68, as: UInt16.self)
            for (index, byte) in text.enumerated() { slot.storeBytes(of: byte, toByteOffset: 70 + index, as: UInt8.self) }
            slot.storeBytes(of: auditLost, toByteOffset: 272, as: UInt64.self)
        }
    }
}
