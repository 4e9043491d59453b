// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// One segment that this process owns: its lock is held until `release()`.
final class Segment {
    private enum Storage {
        /// The file itself, mapped: recording and delivery.
        case mapped
        /// A copy in memory of a file that nobody writes to: delivery only. Reading a copy cannot raise SIGBUS,
        /// whatever happens to the file.
        case copied
        /// Memory of this process only, when there is no usable spool.
        case heap
    }

    let base: UnsafeMutableRawPointer
    let size: Int
    /// File name in the spool; empty on the heap.
    let name: String
    /// The number in the file's name; 0 on the heap.
    let fileID: UInt64
    private var file: Descriptor?
    private var storage: Storage
    /// The state word at the last look, by a thread with the mutex or by the delivering thread.
    private let seen: Atomic<UInt64>
    /// When the file was last found to be as long as its mapping, by the monotonic clock.
    private var intactAt: Int64 = 0
    /// How long that result is trusted: less than recording ever waits for its next look.
    private static let intactNanoseconds: Int64 = 50_000
    var description: Description
    var progress: Progress
    /// The context in `description`; events that are being delivered point to it.
    private let sharedContext = UnsafeMutablePointer<EventContext>.allocate(capacity: 1)
    /// The thread that delivers is reading it.
    var isInDelivery = false
    /// It was offered to every destination, and some did not take it.
    var isBacklog = false
    /// The last pass in which it was offered.
    var pass: UInt64 = 0

    private init(
        base: UnsafeMutableRawPointer, size: Int, name: String, file: Descriptor?, storage: Storage,
        description: Description
    ) {
        self.base = base
        self.size = size
        self.name = name
        fileID = Self.fileID(name) ?? 0
        self.file = file
        self.storage = storage
        self.description = description
        seen = Atomic(StateWord.load(base).raw)
        progress = Progress.read(base, generation: description.generation, fileSize: size)
    }

    deinit { sharedContext.deallocate() }

    /// The context that its events share; for the thread that delivers. It lives as long as this object.
    var context: UnsafePointer<EventContext> { context(without: FieldSet()) }

    func context(without excluded: FieldSet) -> UnsafePointer<EventContext> {
        sharedContext.initialize(to: description.context(base, without: excluded))
        return UnsafePointer(sharedContext)
    }

    /// Nil: the segment does not say where its events go, or cannot be read.
    var destinations: DestinationSet? { isIntact ? DestinationSet(description.context(base).destinations) : nil }

    var isHeap: Bool { storage == .heap }

    /// For a file that was cut short: the state word in what is left of it, or else at the last look; sealed, and
    /// without its records.
    var state: StateWord {
        if isIntact || isLost { return look() }
        var left = StateWord(raw: 0)
        if let file { _ = file.read(&left.raw, 8, at: 0) }
        var last = StateWord(raw: seen.load(ordering: .relaxed))
        if left.count > last.count && left.isPlausible(fileSize: size) {
            last = left
            seen.store(left.raw, ordering: .relaxed)
        }
        return StateWord(raw: last.raw & (StateWord.fieldMask << 24) | StateWord.empty.raw | StateWord.sealedBit)
    }

    @discardableResult
    private func look() -> StateWord {
        let state = StateWord.load(base)
        seen.store(state.raw, ordering: .relaxed)
        return state
    }

    func seal() { if isIntact || isLost { StateWord.seal(base) } }

    /// The program has closed the file, so its lock is gone: another process may have it by now. It is left unchanged,
    /// as if this process had ended.
    var isLost: Bool { file?.isOurs == false }

    /// The file is as long as its mapping. A mapped part that was cut off the file must not be touched: that would end
    /// the program. Also true for segments in memory.
    var isIntact: Bool {
        guard storage == .mapped, let file else { return true }
        // A thread that delivers in the background has the time to look each time.
        let isBrief = csystem_stay() != 0
        let now = isBrief ? Clock.monotonic() : 0
        if isBrief, now &- intactAt < Self.intactNanoseconds { return true }
        do throws(SystemError) {
            guard try file.status().st_size >= size else { return false }
            if isBrief { intactAt = now }
            return true
        } catch {
            return error.code != EBADF
        }
    }

    /// The file is as this process made it: another process will find its content.
    var isInPlace: Bool {
        guard storage == .mapped, let file else { return true }
        do throws(SystemError) {
            let status = try file.status()
            guard status.st_size >= size, status.st_nlink > 0 else { return false }
        } catch {
            if error.code == EBADF { return false }
        }
        look()
        return true
    }

    /// Somebody has removed the file: its content is in this process's memory only.
    func becomeHeap() {
        if let file { ForkHandling.closeHeld(file) }
        file = nil
        storage = .heap
    }

    func move(to epoch: UInt64) { if isIntact { description.move(base, to: epoch) } }

    /// Events neither delivered nor dropped.
    var pendingCount: Int {
        let consumed = Int(clamping: progress.consumed)
        return max(0, state.count - consumed)
    }

    /// What this segment contributes to the totals.
    var tally: Tally { Tally(state.count, progress) }

    // MARK: making and taking

    /// `address`: a range of `size` bytes to map it over, from `vacate()`.
    static func createFile(
        in directory: Descriptor, size: Int, epoch: UInt64, context: ContextBlock, address: UnsafeMutableRawPointer?
    ) throws(SystemError) -> Segment {
        for _ in 0..<creationAttempts {
            do throws(SystemError) {
                return try createOnce(in: directory, size: size, epoch: epoch, context: context, address: address)
            } catch {
                if error.code != EWOULDBLOCK { throw error }
            }
        }
        throw SystemError(code: EWOULDBLOCK)
    }

    /// Between its creation and its lock, a file may be claimed by a process that looks for segments to adopt or to
    /// deliver, and that takes it for one that a dead process left. The file is then left to that process.
    private static let creationAttempts = 16

    private static func createOnce(
        in directory: Descriptor, size: Int, epoch: UInt64, context: ContextBlock, address: UnsafeMutableRawPointer?
    ) throws(SystemError) -> Segment {
        let name = Self.name(Random.word())
        let file = try ForkHandling.openHeld(at: directory, name, O_RDWR | O_CREAT | O_EXCL)
        do throws(SystemError) {
            // The other process may have finished with it already and removed it.
            guard file.tryLock(), try file.status().st_nlink > 0 else { throw SystemError(code: EWOULDBLOCK) }
            try file.allocate(Int64(size))
            let base = try Mapping.shared(file, size, address)
            let description = Description.write(
                base, fileSize: size, epoch: epoch, context: context, now: Clock.realtime())
            StateWord.store(base, .empty)
            return Segment(base: base, size: size, name: name, file: file, storage: .mapped, description: description)
        } catch {
            directory.discardEntry(name)
            ForkHandling.closeHeld(file)
            throw error
        }
    }

    static func createHeap(size: Int, epoch: UInt64, context: ContextBlock, address: UnsafeMutableRawPointer?)
        -> Segment?
    {
        guard let base = Mapping.blank(size, address) else { return nil }
        let description = Description.write(base, fileSize: size, epoch: epoch, context: context, now: Clock.realtime())
        StateWord.store(base, .empty)
        return Segment(base: base, size: size, name: "", file: nil, storage: .heap, description: description)
    }

    /// The result of claiming a segment file.
    enum Claim {
        case taken(Segment)
        /// A living process holds it, or it is gone, not ours, or of a later version of the format: leave it alone.
        case unavailable
        /// Ours, but its header cannot be read; its state word says `count` records. The lock is held until `file` is
        /// closed.
        case damaged(file: Descriptor, count: Int)
    }

    /// How much of a segment is read when it is taken.
    enum Reading {
        /// To record into it.
        case mapped
        /// To deliver from it.
        case everything
        /// To count and remove it.
        case header
    }

    /// Takes the lock of a segment whose owner is gone and reads it.
    static func claim(_ name: String, in directory: Descriptor, reading: Reading) -> Claim {
        guard fileID(name) != nil,
            let (file, status) = try? ForkHandling.openHeldKnown(at: directory, name, O_RDWR | O_NONBLOCK)
        else { return .unavailable }
        guard status.isOwnRegularFile, file.tryLock(),
            // Another process may have removed it between the open and the lock.
            let locked = try? file.status(), locked.st_nlink > 0
        else {
            ForkHandling.closeHeld(file)
            return .unavailable
        }
        return read(
            file, name, fileSize: Int(clamping: locked.st_size), blocks: Int(clamping: locked.st_blocks), reading)
    }

    private static func read(_ file: Descriptor, _ name: String, fileSize: Int, blocks: Int, _ reading: Reading)
        -> Claim
    {
        let size = min(fileSize, SegmentLayout.maximumSize)
        guard reading == .mapped || size >= SegmentLayout.headerSize else { return .damaged(file: file, count: 0) }
        if reading == .mapped {
            // Writing to a file with holes would raise SIGBUS on a full disk.
            guard SegmentLayout.isPlausible(fileSize: fileSize), blocks &* 512 >= fileSize,
                let base = try? Mapping.shared(file, size, nil)
            else {
                ForkHandling.closeHeld(file)
                return .unavailable
            }
            if let description = Description.read(base) {
                return .taken(
                    Segment(base: base, size: size, name: name, file: file, storage: .mapped, description: description))
            }
            Mapping.remove(base, size)
            ForkHandling.closeHeld(file)
            return .unavailable
        }
        let wanted = reading == .header ? SegmentLayout.headerSize : size
        guard let base = Heap.take(wanted) else {
            ForkHandling.closeHeld(file)
            return .unavailable
        }
        guard let got = file.read(base, wanted, at: 0) else {
            Heap.release(base)
            ForkHandling.closeHeld(file)
            return .unavailable
        }
        if got >= SegmentLayout.headerSize, let description = Description.read(base) {
            return .taken(
                Segment(base: base, size: got, name: name, file: file, storage: .copied, description: description))
        }
        let state = got >= 8 ? StateWord.load(base) : .empty
        let isLater = got >= SegmentLayout.headerSize && Description.readLater(base) != nil
        Heap.release(base)
        if isLater {
            ForkHandling.closeHeld(file)
            return .unavailable
        }
        return .damaged(
            file: file, count: state.isPlausible(fileSize: max(size, SegmentLayout.headerSize)) ? state.count : 0)
    }

    // MARK: changing

    /// Stores `progress` where a crash cannot lose it. False: it is in this process's memory only.
    @discardableResult
    func saveProgress() -> Bool { isIntact && keep(progress.write(base, generation: description.generation)) }

    private func keep(_ offset: Int) -> Bool {
        guard storage == .copied, let file else { return true }
        return file.write(base + offset, SegmentLayout.progressSize, at: offset, tries: 2)
    }

    /// A18: consent for the remaining events was withdrawn.
    func void() {
        progress.drop(.withdrawn, pendingCount)
        saveProgress()
    }

    /// Nil: this destination has not got any of it yet.
    func readProgress(of destination: DestinationSlot) -> Progress? {
        isIntact ? Progress.read(base, of: destination, generation: description.generation, fileSize: size) : nil
    }

    func readProgress(at index: Int) -> (tag: UInt32, progress: Progress)? {
        isIntact ? Progress.read(base, at: index, generation: description.generation, fileSize: size) : nil
    }

    @discardableResult
    func saveProgress(_ progress: Progress, of destination: DestinationSlot) -> Bool {
        isIntact && keep(progress.write(base, of: destination, generation: description.generation))
    }

    /// Begins a new use of the segment, which is empty then. The caller has accounted for its former content. The
    /// segment stays sealed until `open()`, so that a thread that read its address long ago cannot record into it.
    func reset(epoch: UInt64, context: ContextBlock) {
        guard isIntact else { return }
        var closed = StateWord.empty
        closed.raw |= StateWord.sealedBit
        StateWord.store(base, closed)
        description = Description.write(base, fileSize: size, epoch: epoch, context: context, now: Clock.realtime())
        progress = Progress()
        pass = 0
        isBacklog = false
    }

    /// Admits records after `reset`. The use begins now: segments are delivered in the order in which their use began.
    func open() {
        guard isIntact else { return }
        description.begin(base, now: Clock.realtime())
        StateWord.store(base, .empty)
    }

    /// Overwrites the records, which have been accounted for.
    func erase() {
        memset(
            base + SegmentLayout.headerSize, 0,
            min(max(0, state.tail - SegmentLayout.headerSize), size - SegmentLayout.headerSize))
    }

    /// Waits until no thread is writing a record. A writer that vanished (a `longjmp` out of a signal handler) leaves
    /// its count behind for ever. Its record is torn, so the wait is limited.
    func settle() -> Bool {
        if state.writers == 0 { return true }
        let deadline = Deadline(timeoutMilliseconds: 1000)
        while state.writers != 0 {
            if deadline.isPast { return false }
            OwnProcess.yield()
        }
        return true
    }

    /// Like `release`, but the address stays valid and refuses records: a thread that read it a moment ago may still
    /// try. `address`: the range, which may be mapped over; nil for a copy.
    func vacate(removingFrom directory: Descriptor?, keepingCountsOnly isShort: Bool = false) -> (
        address: UnsafeMutableRawPointer?, isRemoved: Bool
    ) {
        if storage == .copied { return (nil, release(removingFrom: directory)) }
        // Without memory the file stays mapped until the range is used again, and the seal refuses records.
        if Mapping.blank(size, base) == nil { seal() }
        if isShort { try? file?.truncate(to: Int64(SegmentLayout.minimumSize)) }
        return (base, letGo(removingFrom: directory))
    }

    /// True: the segment has no file any more.
    private func letGo(removingFrom directory: Descriptor?) -> Bool {
        var isRemoved = storage == .heap
        if let directory, storage != .heap { isRemoved = (try? directory.removeEntry(name)) != nil }
        if let file { ForkHandling.closeHeld(file) }
        return isRemoved
    }

    /// Its events are void or delivered, and nobody has counted them yet. False: a crash would lose the counts.
    func keepCountsOnly() -> Bool {
        guard storage == .mapped else { return saveProgress() }
        var ahead = TakenAhead()
        ahead.add(self)
        let counts = tally
        erase()
        progress.offset = SegmentLayout.headerSize
        fill(counts, ahead)
        description.resize(base, to: SegmentLayout.minimumSize)
        return true
    }

    /// Makes the segment look as if it had contained the events of `tally`.
    func fill(_ tally: Tally, _ ahead: TakenAhead) {
        StateWord.store(base, StateWord(raw: StateWord.empty.raw | StateWord.sealedBit | tally.recorded << 24))
        progress.delivered = UInt32(clamping: tally.delivered)
        for index in 0..<DropReason.count { progress.dropped[index] = UInt32(clamping: tally.dropped[index]) }
        saveProgress()
        ahead.forEach { destination, count in
            var own = progress
            if count != 0 {
                // The destination gets no more: the events that it has not taken are lost to it. The reason for that is
                // no longer known.
                own = Progress()
                own.offset = progress.offset
                own.delivered = progress.delivered &+ UInt32(truncatingIfNeeded: count)
                own.drop(.rejected, Int(clamping: tally.recorded) - Int(own.delivered))
            }
            saveProgress(own, of: destination)
        }
    }

    /// Removes the seal, so that the next process can go on recording into the room that is left.
    func unseal() {
        isBacklog = false
        if isIntact { StateWord.unseal(base) }
    }

    /// The size that its content needs.
    private var usedSize: Int {
        let state = state
        return state.isPlausible(fileSize: size) ? min(size, SegmentLayout.fileSize(for: state.tail)) : size
    }

    /// Gives back the bytes that no record has used. The segment is sealed, and no thread has its address any more. It
    /// may wait for long, among many like it.
    func shrink() {
        let used = usedSize
        guard storage == .mapped, let file, used < size, state.writers == 0 else { return }
        description.resize(base, to: used)
        try? file.truncate(to: Int64(used))
    }

    /// At least a quarter is free.
    var hasRoom: Bool {
        let state = state
        return state.isPlausible(fileSize: size) && size - state.tail >= size / 4
    }

    /// Gives back memory and lock. The file stays for the next owner, or is removed if `directory` is given. True: it
    /// has no file any more.
    @discardableResult
    func release(removingFrom directory: Descriptor?) -> Bool {
        forget()
        return letGo(removingFrom: directory)
    }

    /// Writes a segment from memory to its own file. False: nothing was left behind.
    func save(in directory: Descriptor) -> Bool {
        for _ in 0..<Self.creationAttempts {
            if let isSaved = saveOnce(in: directory) { return isSaved }
        }
        return false
    }

    /// Nil: another process took the new file for one that a dead process left.
    private func saveOnce(in directory: Descriptor) -> Bool? {
        let name = Self.name(Random.word())
        guard let file = try? ForkHandling.openHeld(at: directory, name, O_RDWR | O_CREAT | O_EXCL) else {
            return false
        }
        defer { ForkHandling.closeHeld(file) }
        do throws(SystemError) {
            guard file.tryLock(), try file.status().st_nlink > 0 else { throw SystemError(code: EWOULDBLOCK) }
            let used = usedSize
            description.resize(base, to: used)
            try file.allocate(Int64(used))
            try file.writeAll(UnsafeRawBufferPointer(start: base, count: used))
            return true
        } catch {
            directory.discardEntry(name)
            return error.code == EWOULDBLOCK ? nil : false
        }
    }

    /// Gives back the memory only.
    func forget() { if storage == .copied { Heap.release(base) } else { Mapping.remove(base, size) } }

    // MARK: names

    static func name(_ id: UInt64) -> String { Hexadecimal.text(id) + SegmentLayout.fileSuffix }

    /// 16 hexadecimal digits and the suffix, without making a String of it.
    static func isName(_ name: UnsafePointer<CChar>) -> Bool { isNumber(name, before: ".seg") }

    /// 16 hexadecimal digits and that suffix.
    static func isNumber(_ name: UnsafePointer<CChar>, before suffix: StaticString) -> Bool {
        guard strnlen(name, 16) == 16, strcmp(name + 16, suffix.cString) == 0 else { return false }
        for index in 0..<16 where !Hexadecimal.isDigit(UInt8(bitPattern: name[index])) { return false }
        return true
    }

    /// Nil: the name is not that of a segment.
    static func fileID(_ name: String) -> UInt64? {
        guard name.withCString({ isName($0) }) else { return nil }
        return Hexadecimal.word(Array(name.utf8)[0..<16])
    }
}
