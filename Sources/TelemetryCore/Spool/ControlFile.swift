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
    /// Who took the events that were delivered last, where a redirect led there; empty: the receiver itself. At most 200 bytes.
    var taker = ""
    /// Delivered events of which no copy could be written to the audit log, and of which it does not say so yet.
    var auditLost: UInt64 = 0
}

/// The totals of segments that are gone, and the one whose contribution was added last.
struct Counters: Equatable {
    var retiredGeneration: UInt64 = 0
    var retiredFile: UInt64 = 0
    var tally = Tally()
}

/// The `control` file of a spool. Never mapped: whoever cuts it short could end every program that has it in
/// its memory. The slots are read and written with its lock held.
final class ControlFile {
    static let name = "control"
    static let size = 4096
    /// `TLMCTL` 0 1, little-endian.
    private static let magic: UInt64 = 0x0100_4C54_434D_4C54
    private static let epochOffsets = (64, 128)
    /// Magic and epochs.
    private static let head = 0..<144

    let file: Descriptor
    /// The epoch as it was read last.
    private let known = Atomic<UInt64>(0)

    init(file: Descriptor) { self.file = file }

    /// Opens the file, making it if it is missing or not a control file at all. Throws where files cannot be
    /// locked: on some network file systems.
    static func open(in directory: Descriptor, needsLocks: Bool = true) throws(SystemError) -> ControlFile {
        let file = try ForkHandling.openHeld(at: directory, name, O_RDWR | O_CREAT)
        let control = ControlFile(file: file)
        do throws(SystemError) {
            guard try file.status().isOwnRegularFile else { throw SystemError(code: EPERM) }
            let error = file.lockError(isShared: true)
            if error != 0, error != EWOULDBLOCK, needsLocks ? true : try !control.isValid() { throw SystemError(code: error) }
            if error == 0 { file.unlock() }
            try control.mend()
            return control
        } catch {
            ForkHandling.closeHeld(file)
            throw error
        }
    }

    /// For looking only. Nil when there is none; throws when it is not to be read.
    static func openToLook(in directory: Descriptor) throws(SystemError) -> ControlFile? {
        let file: Descriptor
        do throws(SystemError) { file = try ForkHandling.openHeld(at: directory, name, O_RDONLY | O_NONBLOCK) } catch {
            if error.isMissing { return nil }
            throw error
        }
        let control = ControlFile(file: file)
        do throws(SystemError) {
            let status = try file.status()
            guard status.isOwnRegularFile else { throw SystemError(code: EPERM) }
            if status.st_size == size, try control.isValid() { return control }
        } catch {
            ForkHandling.closeHeld(file)
            throw error
        }
        ForkHandling.closeHeld(file)
        return nil
    }

    /// Nil when there is none that could be used.
    static func openExisting(in directory: Descriptor) -> ControlFile? {
        guard let file = try? ForkHandling.openHeld(at: directory, name, O_RDWR) else { return nil }
        let control = ControlFile(file: file)
        if let status = try? file.status(), status.isOwnRegularFile, status.st_size == size, (try? control.isValid()) == true { return control }
        ForkHandling.closeHeld(file)
        return nil
    }

    func close() { ForkHandling.closeHeld(file) }

    /// The spool was erased as a whole, this file with it.
    var isRemoved: Bool { (try? file.status())?.st_nlink == 0 }

    // MARK: content

    /// A copy of part of the file; zeroes where it is shorter. Nil when it cannot be read now. At most 1,024 bytes: more would
    /// be allocated, and this is on the way of an event.
    private func withCopy<R>(of part: Range<Int>, _ body: (UnsafeMutableRawPointer) -> R) -> R? {
        withUnsafeTemporaryAllocation(byteCount: part.count, alignment: 8) { area in
            let base = area.baseAddress.unsafelyUnwrapped
            memset(base, 0, area.count)
            return file.read(base, area.count, at: part.lowerBound) == nil ? nil : body(base)
        }
    }

    /// Mends what can be mended. With no valid epoch a new one is drawn: what waits may have been withdrawn.
    func mend() throws(SystemError) {
        let status = try file.status()
        if status.st_size == Self.size && status.st_blocks != 0, try isValid() { return }
        guard file.lock(until: Deadline(timeoutMilliseconds: SpoolPatience.lossMilliseconds)) else { throw SystemError(code: EWOULDBLOCK) }
        defer { file.unlock() }
        let locked = try file.status()
        if locked.st_size > Self.size { try file.truncate(to: Int64(Self.size)) }
        try file.allocate(Int64(Self.size))
        if try !isValid(), withCopy(of: Self.head, { initialise($0) }) != true { throw .current }
    }

    private func initialise(_ page: UnsafeMutableRawPointer) -> Bool {
        let epoch: UInt64
        if let first = Self.epochCopy(page + Self.epochOffsets.0) {
            epoch = first
        } else if let second = Self.epochCopy(page + Self.epochOffsets.1) {
            // The first copy was caught in the middle of a withdrawal: finish it.
            epoch = second &+ 1
        } else {
            epoch = Random.word() >> 1
        }
        page.storeBytes(of: Self.magic, as: UInt64.self)
        return storeEpoch(epoch) && file.write(page, 8, at: 0)
    }

    /// Throws when it cannot be read now, which is no damage.
    private func isValid() throws(SystemError) -> Bool {
        let isValid = withCopy(of: Self.head) { $0.loadUnaligned(as: UInt64.self) == Self.magic && Self.epochCopy($0 + Self.epochOffsets.0) != nil }
        guard let isValid, epochNow != nil else { throw .current }
        return isValid
    }

    // MARK: epoch

    /// The consent epoch; 0, which is that of no segment, when the file does not say it any more. Another than before is
    /// a withdrawal only if the program has not closed the file: asked afterwards, for this is read often. Where it cannot be
    /// read now, what it was: that is no withdrawal.
    var epoch: UInt64 { epochNow ?? known.load(ordering: .relaxed) }

    /// Nil: it cannot be read now.
    var epochNow: UInt64? {
        let (first, second) = Self.epochOffsets
        return withUnsafeTemporaryAllocation(byteCount: second - first + 16, alignment: 8) { area in
            let base = area.baseAddress.unsafelyUnwrapped
            let got = pread(file.raw, base, area.count, first)
            if got < 0 { return nil }
            // A first copy that does not hold was caught in the middle of a withdrawal.
            let epoch = got < area.count ? 0 : Self.epochCopy(base) ?? Self.epochCopy(base + (second - first)).map { $0 &+ 1 } ?? 0
            known.store(epoch, ordering: .relaxed)
            return epoch
        }
    }

    /// Voids every waiting event, whoever holds it. False: it could not.
    @discardableResult
    func raiseEpoch() -> Bool { storeEpoch(epochNow.map { $0 &+ 1 } ?? Random.word() >> 1) }

    private func storeEpoch(_ value: UInt64) -> Bool {
        var copy = (value, ~value)
        return withUnsafeBytes(of: &copy) { bytes in
            for offset in [Self.epochOffsets.0, Self.epochOffsets.1] {
                if !file.write(bytes.baseAddress.unsafelyUnwrapped, 16, at: offset, tries: 2) { return false }
            }
            return true
        }
    }

    private static func epochCopy(_ copy: UnsafeRawPointer) -> UInt64? {
        let value = copy.loadUnaligned(as: UInt64.self)
        return copy.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == ~value ? value : nil
    }

    // MARK: slots

    private static let counterSlots = 256..<768
    private static let deliverySlots = 1024..<2048

    private static func pair(_ copy: UnsafeMutableRawPointer, _ part: Range<Int>) -> SlotPair {
        SlotPair(base: copy, offsets: (0, part.count / 2), size: part.count / 2)
    }

    /// Fills the older slot, in the file too. False: the file is as it was.
    private func save(_ part: Range<Int>, _ fill: (SlotPair) -> Int) -> Bool {
        withCopy(of: part) { copy in
            let offset = fill(Self.pair(copy, part))
            return file.write(copy + offset, part.count / 2, at: part.lowerBound + offset)
        } ?? false
    }

    /// Nil: they cannot be read now.
    func readCounters() -> Counters? { withCopy(of: Self.counterSlots) { Self.counters(Self.pair($0, Self.counterSlots)) } }

    private static func counters(_ slots: SlotPair) -> Counters {
        var result = Counters()
        guard let slot = slots.current() else { return result }
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

    @discardableResult
    func write(_ counters: Counters) -> Bool { save(Self.counterSlots) { Self.fill($0, counters) } }

    private static func fill(_ slots: SlotPair, _ counters: Counters) -> Int {
        slots.write { slot in
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

    /// Nil: it cannot be read now.
    func readDelivery() -> DeliveryState? { withCopy(of: Self.deliverySlots) { .read(Self.pair($0, Self.deliverySlots)) } }

    @discardableResult
    func write(_ state: DeliveryState) -> Bool { save(Self.deliverySlots) { state.write($0) } }
}

extension DeliveryState {
    private static let textLimit = 200

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
        result.lastError = readText(slot + 68)
        result.auditLost = slot.loadUnaligned(fromByteOffset: 272, as: UInt64.self)
        result.taker = readText(slot + 280)
        return result
    }

    private static func readText(_ place: UnsafeRawPointer) -> String {
        let length = min(Int(place.loadUnaligned(as: UInt16.self)), textLimit)
        return String(bytes: UnsafeRawBufferPointer(start: place + 2, count: length))
    }

    private static func write(_ text: String, to place: UnsafeMutableRawPointer) {
        let text = TextLimit.cut(Array(text.utf8), textLimit)
        place.storeBytes(of: UInt16(truncatingIfNeeded: text.count), as: UInt16.self)
        for (index, byte) in text.enumerated() { place.storeBytes(of: byte, toByteOffset: 2 + index, as: UInt8.self) }
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
            Self.write(lastError, to: slot + 68)
            slot.storeBytes(of: auditLost, toByteOffset: 272, as: UInt64.self)
            Self.write(taker, to: slot + 280)
        }
    }
}
