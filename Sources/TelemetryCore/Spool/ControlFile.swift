// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// What delivery remembers from one process to the next.
struct DeliveryState: Equatable {
    /// Nanoseconds since 1970-01-01 UTC; 0: none. `Int64.max`: never again.
    var nextAttempt: Int64 = 0
    var lastAttempt: Int64 = 0
    var lastSuccess: Int64 = 0
    var failures: UInt32 = 0
    /// The destinations that the attempts, failures and errors belong to (`DestinationSet.owner`); 0: all.
    var owner: UInt32 = 0
    /// The file backend's append in progress; inode 0: none.
    var appendInode: UInt64 = 0
    var appendLength: UInt64 = 0
    var appendGeneration: UInt64 = 0
    var appendOffset: UInt32 = 0
    /// At most 200 bytes.
    var lastError = ""
    /// The host that took the events delivered last, if a redirect led there; empty: the receiver itself. At most 200
    /// bytes.
    var taker = ""
    /// Delivered events that could not be copied to the audit log, as long as the log does not say so.
    var auditLost: UInt64 = 0
}

/// The totals of segments that are gone, and the segment that was added to them last.
struct Counters: Equatable {
    var retiredGeneration: UInt64 = 0
    var retiredFile: UInt64 = 0
    var tally = Tally()
}

/// The `control` file of a spool. It is never mapped: a process that cuts the file short could end every program that
/// has it mapped. The slots are read and written with its lock held.
final class ControlFile {
    static let name = "control"
    static let size = ControlLayout.size

    let file: Descriptor
    /// The epoch as it was read last.
    private let known = Atomic<UInt64>(0)
    /// The file has a later version of the format. Only its epoch is read and raised.
    private var isLater = false

    /// How long others that have it locked are waited for.
    let patience: Patience

    init(file: Descriptor, _ patience: Patience) {
        self.file = file
        self.patience = patience
    }

    /// Opens the file; makes it if it is missing or is not a control file. Throws where files cannot be locked, as on
    /// some network file systems. Throws `laterVersion` for a later format, except with `isToErase`.
    static func open(
        in directory: Descriptor, _ patience: Patience = Role.program.patience, isToErase: Bool = false
    ) throws(SystemError) -> ControlFile {
        let (file, status) = try ForkHandling.openHeldKnown(at: directory, name, O_RDWR | O_CREAT)
        let control = ControlFile(file: file, patience)
        do throws(SystemError) {
            guard status.isOwnRegularFile else { throw SystemError(code: EPERM) }
            let error = file.lockError(isShared: true)
            if error != 0, error != EWOULDBLOCK, isToErase ? try !control.isValid() : true {
                throw SystemError(code: error)
            }
            if error == 0 { file.unlock() }
            control.isLater = isToErase && control.seemsLater
            if !control.isLater { try control.mend(status) }
            return control
        } catch {
            ForkHandling.closeHeld(file)
            throw error
        }
    }

    /// Read-only. Nil: there is no valid control file. Throws when the file cannot or must not be read.
    static func openToLook(in directory: Descriptor, _ patience: Patience) throws(SystemError) -> ControlFile? {
        let (file, status): (Descriptor, stat)
        do throws(SystemError) {
            (file, status) = try ForkHandling.openHeldKnown(at: directory, name, O_RDONLY | O_NONBLOCK)
        } catch {
            if error.isMissing { return nil }
            throw error
        }
        let control = ControlFile(file: file, patience)
        do throws(SystemError) {
            guard status.isOwnRegularFile else { throw SystemError(code: EPERM) }
            if control.seemsLater { throw .laterVersion }
            if status.st_size == size, try control.isValid() { return control }
        } catch {
            ForkHandling.closeHeld(file)
            throw error
        }
        ForkHandling.closeHeld(file)
        return nil
    }

    /// Nil: there is no usable control file.
    static func openExisting(in directory: Descriptor, _ patience: Patience = Role.program.patience) -> ControlFile? {
        guard let (file, status) = try? ForkHandling.openHeldKnown(at: directory, name, O_RDWR) else { return nil }
        let control = ControlFile(file: file, patience)
        if status.isOwnRegularFile, status.st_size == size, (try? control.isValid()) == true { return control }
        ForkHandling.closeHeld(file)
        return nil
    }

    func close() { ForkHandling.closeHeld(file) }

    /// The whole spool was erased, including this file.
    var isRemoved: Bool { (try? file.status())?.st_nlink == 0 }

    // MARK: content

    /// A copy of part of the file; zeroes where the file is shorter. Nil: it cannot be read now. At most 1,024 bytes: a
    /// larger copy would be allocated, and this code runs while an event is recorded.
    private func withCopy<R>(of part: Range<Int>, _ body: (UnsafeMutableRawPointer) -> R) -> R? {
        withUnsafeTemporaryAllocation(byteCount: part.count, alignment: 8) { area in
            let base = area.baseAddress.unsafelyUnwrapped
            memset(base, 0, area.count)
            return file.read(base, area.count, at: part.lowerBound) == nil ? nil : body(base)
        }
    }

    /// Repairs what can be repaired. Without a valid epoch, a new one is drawn, because waiting events may have been
    /// withdrawn.
    func mend() throws(SystemError) { try mend(try file.status()) }

    private func mend(_ status: stat) throws(SystemError) {
        if status.st_size == Self.size && status.st_blocks != 0, try isValid() { return }
        if seemsLater { throw .laterVersion }
        guard file.lock(until: Deadline(timeoutMilliseconds: patience.lossMilliseconds)) else {
            throw SystemError(code: EWOULDBLOCK)
        }
        defer { file.unlock() }
        let locked = try file.status()
        if locked.st_size > Self.size { try file.truncate(to: Int64(Self.size)) }
        try file.allocate(Int64(Self.size))
        if try !isValid(), withCopy(of: ControlLayout.head, { initialise($0) }) != true { throw .current }
    }

    private func initialise(_ page: UnsafeMutableRawPointer) -> Bool {
        let epoch: UInt64
        if let first = Self.epochCopy(page + ControlLayout.epochs.0) {
            epoch = first
        } else if let second = Self.epochCopy(page + ControlLayout.epochs.1) {
            // The first copy was cut off during a withdrawal: finish it.
            epoch = second &+ 1
        } else {
            epoch = Random.word() >> 1
        }
        ControlLayout.magic.store(Magic.control, page)
        return storeEpoch(epoch) && file.write(page, 8, at: 0)
    }

    private var seemsLater: Bool {
        withCopy(of: ControlLayout.head) { Magic.isLater(ControlLayout.magic.load($0), than: Magic.control) } == true
    }

    /// Throws when the file cannot be read now, which does not mean that it is damaged.
    private func isValid() throws(SystemError) -> Bool {
        let isValid = withCopy(of: ControlLayout.head) { head -> Bool in
            let epoch = Self.epoch(head + ControlLayout.epochs.0)
            known.store(epoch ?? 0, ordering: .relaxed)
            return ControlLayout.magic.load(head) == Magic.control
                && Self.epochCopy(head + ControlLayout.epochs.0) != nil
        }
        guard let isValid else { throw .current }
        return isValid
    }

    // MARK: epoch

    /// The consent epoch; 0, which no segment has, if the file no longer contains it. A changed epoch means a
    /// withdrawal only if the program has not closed the file. The caller checks that afterwards, because this is read
    /// often. Where the file cannot be read now, the last known epoch is returned: that is not a withdrawal.
    var epoch: UInt64 { epochNow ?? known.load(ordering: .relaxed) }

    /// Nil: it cannot be read now.
    var epochNow: UInt64? {
        let (first, second) = ControlLayout.epochs
        return withUnsafeTemporaryAllocation(byteCount: second - first + 16, alignment: 8) { area in
            let base = area.baseAddress.unsafelyUnwrapped
            guard let got = file.read(base, area.count, at: first) else { return nil }
            let epoch = got < area.count ? 0 : Self.epoch(base) ?? 0
            known.store(epoch, ordering: .relaxed)
            return epoch
        }
    }

    /// Voids every waiting event, in every process. False: it could not.
    @discardableResult
    func raiseEpoch() -> Bool { storeEpoch(epochNow.map { $0 &+ 1 } ?? Random.word() >> 1) }

    private func storeEpoch(_ value: UInt64) -> Bool {
        var copy = (value, ~value)
        return withUnsafeBytes(of: &copy) { bytes in
            for offset in [ControlLayout.epochs.0, ControlLayout.epochs.1] {
                if !file.write(bytes.baseAddress.unsafelyUnwrapped, 16, at: offset, tries: 2) { return false }
            }
            return true
        }
    }

    /// Decodes both copies, in file order. If the first is invalid, it was cut off during a withdrawal.
    private static func epoch(_ copies: UnsafeRawPointer) -> UInt64? {
        epochCopy(copies) ?? epochCopy(copies + (ControlLayout.epochs.1 - ControlLayout.epochs.0)).map { $0 &+ 1 }
    }

    private static func epochCopy(_ copy: UnsafeRawPointer) -> UInt64? {
        let value = copy.loadUnaligned(as: UInt64.self)
        return copy.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == ~value ? value : nil
    }

    // MARK: slots

    private static func pair(_ copy: UnsafeMutableRawPointer, _ part: Range<Int>) -> SlotPair {
        SlotPair(base: copy, offsets: (0, part.count / 2), size: part.count / 2)
    }

    /// Fills the older slot, in the file too. False: the file is unchanged.
    private func save(_ part: Range<Int>, _ fill: (SlotPair) -> Int) -> Bool {
        if isLater { return false }
        return withCopy(of: part) { copy in
            let offset = fill(Self.pair(copy, part))
            return file.write(copy + offset, part.count / 2, at: part.lowerBound + offset)
        } ?? false
    }

    /// Nil: they cannot be read now.
    func readCounters() -> Counters? {
        isLater ? nil : withCopy(of: ControlLayout.counters) { Self.counters(Self.pair($0, ControlLayout.counters)) }
    }

    private static func counters(_ slots: SlotPair) -> Counters {
        var result = Counters()
        guard let slot = slots.current() else { return result }
        result.retiredGeneration = CountersLayout.retiredGeneration.load(slot)
        result.retiredFile = CountersLayout.retiredFile.load(slot)
        result.tally.recorded = CountersLayout.recorded.load(slot)
        result.tally.delivered = CountersLayout.delivered.load(slot)
        for index in 0..<DropReason.count { result.tally.dropped[index] = CountersLayout.dropped(index).load(slot) }
        for counter in Counter.allCases { result.tally.counts[counter] = CountersLayout.counter(counter).load(slot) }
        return result
    }

    @discardableResult
    func write(_ counters: Counters) -> Bool { save(ControlLayout.counters) { Self.fill($0, counters) } }

    private static func fill(_ slots: SlotPair, _ counters: Counters) -> Int {
        slots.write { slot in
            let tally = counters.tally
            CountersLayout.retiredGeneration.store(counters.retiredGeneration, slot)
            CountersLayout.retiredFile.store(counters.retiredFile, slot)
            CountersLayout.recorded.store(tally.recorded, slot)
            CountersLayout.delivered.store(tally.delivered, slot)
            for index in 0..<DropReason.count { CountersLayout.dropped(index).store(tally.dropped[index], slot) }
            for counter in Counter.allCases { CountersLayout.counter(counter).store(tally.counts[counter], slot) }
        }
    }

    /// The destinations that a program chose in code last, and when they were noted; empty: no program did.
    func readChosen() -> (text: String, time: Int64) {
        var result = ("", Int64(0))
        _ = withCopy(of: ControlLayout.chosen) { copy in
            guard let slot = Self.pair(copy, ControlLayout.chosen).current() else { return }
            result = (String(bytes: ChosenLayout.text.load(slot)), ChosenLayout.time.load(slot))
        }
        return result
    }

    /// The owner of that choice (`DestinationSet.owner`) if it was noted within a day; else 0.
    func chosenLately(_ now: Int64) -> UInt32 {
        withCopy(of: ControlLayout.chosen) { copy -> UInt32 in
            guard let slot = Self.pair(copy, ControlLayout.chosen).current() else { return 0 }
            let age = now &- ChosenLayout.time.load(slot)
            return age >= 0 && age < IdentityPolicy.dayNanoseconds ? ChosenLayout.owner.load(slot) : 0
        } ?? 0
    }

    func write(chosen text: String, _ owner: UInt32, _ now: Int64) {
        _ = save(ControlLayout.chosen) { slots in
            slots.write { slot in
                ChosenLayout.time.store(now, slot)
                ChosenLayout.owner.store(owner, slot)
                ChosenLayout.text.store(Array(text.utf8), slot)
            }
        }
    }

    /// Nil: it cannot be read now.
    func readDelivery() -> DeliveryState? {
        isLater ? nil : withCopy(of: ControlLayout.delivery) { .read(Self.pair($0, ControlLayout.delivery)) }
    }

    /// Returns what was written; nil: reading or writing failed.
    func updateDelivery(_ change: (inout DeliveryState) -> Void) -> DeliveryState? {
        var state = DeliveryState()
        let isWritten = save(ControlLayout.delivery) { slots in
            state = .read(slots)
            change(&state)
            return state.write(slots)
        }
        return isWritten ? state : nil
    }
}

extension DeliveryState {
    static func read(_ slots: SlotPair) -> DeliveryState { slots.current().map { read(slot: $0) } ?? DeliveryState() }

    static func read(slot: UnsafeRawPointer) -> DeliveryState {
        var result = DeliveryState()
        result.nextAttempt = DeliveryLayout.nextAttempt.load(slot)
        result.lastAttempt = DeliveryLayout.lastAttempt.load(slot)
        result.lastSuccess = DeliveryLayout.lastSuccess.load(slot)
        result.failures = DeliveryLayout.failures.load(slot)
        result.owner = DeliveryLayout.owner.load(slot)
        result.appendInode = DeliveryLayout.appendInode.load(slot)
        result.appendLength = DeliveryLayout.appendLength.load(slot)
        result.appendGeneration = DeliveryLayout.appendGeneration.load(slot)
        result.appendOffset = DeliveryLayout.appendOffset.load(slot)
        result.lastError = String(bytes: DeliveryLayout.lastError.load(slot))
        result.auditLost = DeliveryLayout.auditLost.load(slot)
        result.taker = String(bytes: DeliveryLayout.taker.load(slot))
        return result
    }

    /// Returns the offset of the slot written.
    @discardableResult
    func write(_ slots: SlotPair) -> Int { slots.write { write(slot: $0) } }

    func write(slot: UnsafeMutableRawPointer) {
        DeliveryLayout.nextAttempt.store(nextAttempt, slot)
        DeliveryLayout.lastAttempt.store(lastAttempt, slot)
        DeliveryLayout.lastSuccess.store(lastSuccess, slot)
        DeliveryLayout.failures.store(failures, slot)
        DeliveryLayout.owner.store(owner, slot)
        DeliveryLayout.appendInode.store(appendInode, slot)
        DeliveryLayout.appendLength.store(appendLength, slot)
        DeliveryLayout.appendGeneration.store(appendGeneration, slot)
        DeliveryLayout.appendOffset.store(appendOffset, slot)
        DeliveryLayout.lastError.store(Array(lastError.utf8), slot)
        DeliveryLayout.auditLost.store(auditLost, slot)
        DeliveryLayout.taker.store(Array(taker.utf8), slot)
    }
}
