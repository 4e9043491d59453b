// SPDX-License-Identifier: Apache-2.0
import CSystem
import Synchronization

/// The store of a tool's metrics in this process's memory: a mapped file that all processes of the tool share, or
/// memory of this process alone. Lookups and additions take no lock. The memory is not unmapped while the collector
/// lives, because a thread may be using an address in it.
final class MetricMap {
    static let fileName = "metrics"
    /// What a receiver was sent of the metrics is in a file whose name begins like this.
    static let sentPrefix = "metrics.sent-"
    /// What was received from other programs is in a file of this name, until the next withdrawal.
    static let receivedName = "metrics.received"

    let base: UnsafeMutableRawPointer
    /// The mapped file; nil: memory of this process alone.
    private(set) var file: Descriptor?
    /// Where that file was found.
    private let path: String
    /// Bytes of the file that were seen to exist. What another process writes into the header is not trusted.
    private let verified: Atomic<Int>
    private var isBlank = false
    private let looked = LookClock()

    var isShared: Bool { file != nil }

    private init(base: UnsafeMutableRawPointer, file: Descriptor?, path: String = "", verified: Int) {
        self.base = base
        self.file = file
        self.path = path
        self.verified = Atomic(verified)
    }

    deinit {
        Mapping.remove(base, MetricLayout.largestSize)
        file?.close()
    }

    // MARK: opening

    /// Memory of this process alone. Nil: there is none.
    static func inMemory() -> MetricMap? {
        guard let base = Mapping.blank(MetricLayout.largestSize, nil) else { return nil }
        let map = MetricMap(base: base, file: nil, verified: MetricLayout.largestSize)
        map.begin()
        return map
    }

    /// A new store in memory: also in the child of a fork, which has a copy of its parent's.
    private func begin() {
        writeHeader(base, epoch: Random.word() >> 1, limit: MetricLayout.largestSize)
    }

    /// The child of a fork goes on with its own memory.
    func beginAnew() {
        guard !isShared, Mapping.blank(MetricLayout.largestSize, base) != nil else { return }
        begin()
    }

    /// Maps the file of this epoch, and makes it if there is none. `exclusively` runs what only one process may do at a
    /// time.
    static func open(
        in directory: Descriptor, at path: String, epoch: () -> UInt64?, exclusively: (() -> Void) -> Void
    ) throws(SystemError) -> MetricMap {
        for _ in 0..<4 {
            guard let epoch = epoch() else { throw .current }
            switch try find(in: directory, at: path, epoch) {
            case .usable(let map): return map
            case .absent:
                do throws(SystemError) { try create(in: directory, epoch) } catch {
                    if error.code != EEXIST { throw error }
                }
            case .void(let stamp):
                exclusively {
                    // Another process may have replaced it meanwhile.
                    if FileStamp(in: directory, fileName)?.inode == stamp.inode { retire(in: directory) }
                }
            }
        }
        throw SystemError(code: EAGAIN)
    }

    private enum Found {
        case usable(MetricMap)
        case absent
        /// Of an earlier epoch, withdrawn, or damaged.
        case void(FileStamp)
    }

    private static func find(
        in directory: Descriptor, at path: String, _ epoch: UInt64
    ) throws(SystemError) -> Found {
        let (file, status): (Descriptor, stat)
        do throws(SystemError) {
            (file, status) = try Descriptor.openKnown(at: directory, fileName, O_RDWR | O_NONBLOCK)
        } catch {
            if error.isMissing { return .absent }
            throw error
        }
        do throws(SystemError) {
            guard status.isOwnRegularFile else { throw notRegular }
            let head = MetricHeader(file)
            if head.isLater { throw .laterVersion }
            guard head.isUsable(epoch), Int(status.st_size) >= MetricLayout.initialSize else {
                file.close()
                return .void(FileStamp(status))
            }
            let base = try Mapping.shared(file, MetricLayout.largestSize, nil)
            let place = path + "/" + fileName
            return .usable(MetricMap(base: base, file: file, path: place, verified: Int(status.st_size)))
        } catch {
            file.close()
            throw error
        }
    }

    private static func create(in directory: Descriptor, _ epoch: UInt64) throws(SystemError) {
        var head = [UInt8](repeating: 0, count: MetricLayout.headerSize)
        head.withUnsafeMutableBytes {
            if let base = $0.baseAddress { writeHeader(base, epoch: epoch, limit: MetricLayout.initialSize) }
        }
        try PrivateFile.create(in: directory, fileName, head, size: MetricLayout.initialSize)
    }

    /// Why the file cannot be used, for people.
    static func text(of error: SystemError) -> String {
        switch error.code {
        case ENOTDIR: fileName + ": its directory is a file, or cannot be entered"
        case notRegular.code: fileName + ": not a regular file of this user"
        case ELOOP: fileName + ": a symbolic link"
        default: fileName + ": " + error.text
        }
    }

    /// A directory, a device, a pipe, or a file of somebody else.
    static var notRegular: SystemError { SystemError(code: EISDIR) }

    static func isThere(in directory: Descriptor) -> Bool { (try? directory.hasEntry(fileName)) ?? true }

    /// Nothing is added any more, and the file is gone. False: it is still there.
    @discardableResult
    static func retire(in directory: Descriptor) -> Bool {
        if let file = try? Descriptor.open(at: directory, fileName, O_RDWR | O_NONBLOCK) {
            defer { file.close() }
            if (try? file.status())?.isOwnRegularFile == true, !MetricHeader(file).isLater {
                var state: UInt32 = 0
                file.write(&state, 4, at: MetricLayout.state.offset)
            }
        }
        var isGone = true
        do throws(SystemError) { _ = try directory.removeEntry(fileName) } catch { isGone = error.isMissing }
        return removeSent(in: directory) && isGone
    }

    /// Removes the copies of what receivers were sent, and what says how far senders were followed. False: one is still there.
    @discardableResult
    static func removeSent(in directory: Descriptor) -> Bool {
        var names: [String] = []
        Directory.forEachName(in: directory) {
            if strncmp($0, sentPrefix, sentPrefix.utf8.count) == 0 || strcmp($0, receivedName) == 0
                || PrivateFile.isTemporary(String(cString: $0), of: receivedName)
            {
                names.append(String(cString: $0))
            }
        }
        var areGone = true
        for name in names {
            do throws(SystemError) { _ = try directory.removeEntry(name) } catch {
                if !error.isMissing { areGone = false }
            }
        }
        return areGone
    }

    // MARK: state

    @inline(__always)
    static func isLive(_ base: UnsafeRawPointer) -> Bool {
        (base + MetricLayout.state.offset).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(
            ordering: .relaxed) == MetricLayout.live
    }

    @inline(__always)
    func isFresh(_ now: Int64) -> Bool { looked.isFresh(now) }

    /// The file was not removed, renamed, replaced, cut short or withdrawn. One that was is never touched again.
    func look() -> Bool {
        guard !isBlank else { return false }
        guard let file else { return true }
        var isThere = true
        if file.isOurs, let status = try? file.status() {
            // A file that has another name now, beside a new one, has not lost its last link.
            isThere =
                status.st_nlink > 0 && Int(status.st_size) >= verified.load(ordering: .relaxed)
                && file.isNamed(path, status)
        }
        if isThere && Self.isLive(base) { return true }
        isBlank = true
        // What reads as zero is not live.
        _ = Mapping.blank(MetricLayout.largestSize, base)
        return false
    }

    /// Adds to one of the counts that all processes share.
    @inline(never)
    static func count(_ count: MetricCount, _ base: UnsafeMutableRawPointer) {
        word(base, MetricLayout.count(count).offset).pointee.wrappingAdd(1, ordering: .relaxed)
    }

    @inline(__always)
    static func word(_ base: UnsafeMutableRawPointer, _ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    @inline(__always)
    static func half(_ base: UnsafeMutableRawPointer, _ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    // MARK: room

    /// Whether `size` bytes at `offset` can be touched. Another process may have made the file longer.
    @inline(__always)
    func holds(_ offset: Int, _ size: Int) -> Bool {
        offset &+ size <= verified.load(ordering: .relaxed) || holdsNow(offset, size)
    }

    @inline(never)
    private func holdsNow(_ offset: Int, _ size: Int) -> Bool {
        let end = offset &+ size
        guard end <= MetricLayout.largestSize, let file, let status = try? file.status(), Int(status.st_size) >= end,
            Int(Self.word(base, MetricLayout.limit.offset).pointee.load(ordering: .acquiring)) >= end
        else { return false }
        verified.store(end, ordering: .relaxed)
        return true
    }

    /// Room for an entry, filled with zeroes. 0: there is none. What a process reserves and does not use, because it is
    /// killed, is lost until the file is made anew.
    func reserve(_ size: Int) -> Int {
        let used = Self.word(base, MetricLayout.used.offset)
        let size = (size &+ EntryLayout.alignment &- 1) & ~(EntryLayout.alignment &- 1)
        while true {
            let old = used.pointee.load(ordering: .relaxed)
            let start = Int(truncatingIfNeeded: old)
            guard start >= MetricLayout.firstEntry, start & (EntryLayout.alignment &- 1) == 0,
                start <= MetricLayout.largestSize, size <= MetricLayout.largestSize &- start,
                makeRoom(upTo: start &+ size)
            else { return 0 }
            if used.pointee.compareExchange(expected: old, desired: old &+ UInt64(size), ordering: .relaxed).exchanged {
                return start
            }
        }
    }

    private func makeRoom(upTo end: Int) -> Bool {
        let limit = Self.word(base, MetricLayout.limit.offset)
        if Int(truncatingIfNeeded: limit.pointee.load(ordering: .acquiring)) < end {
            guard let file, file.isOurs else { return false }
            let target = min(MetricLayout.largestSize, (end / MetricLayout.growth &+ 1) &* MetricLayout.growth)
            let start = Int(truncatingIfNeeded: limit.pointee.load(ordering: .acquiring))
            guard start < target, file.extend(from: start, to: target) else { return start >= end }
            _ = limit.pointee.max(UInt64(target), ordering: .acquiringAndReleasing)
        }
        return holds(0, end)
    }

    // MARK: entries

    /// The entry with that key, or 0.
    @inline(__always)
    @_optimize(speed)
    func find(_ key: EntryKey) -> Int {
        let hash = key.hash
        let slot = MetricLayout.slots &+ 4 &* Int(hash & UInt32(MetricLayout.slotNumber &- 1))
        var at = Int(Self.half(base, slot).pointee.load(ordering: .acquiring))
        // A damaged chain may be a ring.
        var steps = 0
        while at != 0, steps < MetricLimits.mostSeries {
            guard at & (EntryLayout.alignment &- 1) == 0, at >= MetricLayout.firstEntry,
                holds(at, EntryLayout.alignment)
            else { return 0 }
            let entry = base + at
            if key.fits(entry), holds(at, key.offset &+ key.length), key.equals(entry + key.offset) { return at }
            at = Int(Self.half(entry, EntryLayout.next.offset).pointee.load(ordering: .acquiring))
            steps &+= 1
        }
        return 0
    }

    /// Makes the complete entry at `offset` visible to all, unless there is one with its key by now: the entry that
    /// counts.
    func publish(_ offset: Int, _ key: EntryKey) -> Int {
        let entry = base + offset
        let slot = Self.half(
            base, MetricLayout.slots &+ 4 &* Int(key.hash & UInt32(MetricLayout.slotNumber &- 1)))
        while true {
            let first = slot.pointee.load(ordering: .acquiring)
            let other = find(key)
            if other != 0 { return other }
            Self.half(entry, EntryLayout.next.offset).pointee.store(first, ordering: .relaxed)
            if slot.pointee.compareExchange(
                expected: first, desired: UInt32(truncatingIfNeeded: offset), ordering: .acquiringAndReleasing
            ).exchanged {
                return offset
            }
        }
    }
}

private func writeHeader(_ base: UnsafeMutableRawPointer, epoch: UInt64, limit: Int) {
    MetricLayout.epoch.store(epoch, base)
    MetricLayout.created.store(Clock.realtime(), base)
    MetricLayout.slotCount.store(UInt32(MetricLayout.slotNumber), base)
    MetricLayout.maximumSize.store(UInt64(MetricLayout.largestSize), base)
    MetricLayout.used.store(UInt64(MetricLayout.firstEntry), base)
    MetricLayout.limit.store(UInt64(limit), base)
    MetricLayout.magic.store(Magic.metrics, base)
    MetricLayout.checksum.store(MetricHeader.checksum(base), base)
    MetricLayout.state.store(MetricLayout.live, base)
}

/// A copy of what the header of a file says.
struct MetricHeader {
    let isLater: Bool
    private let isIntact: Bool
    private let state: UInt32
    private let epoch: UInt64

    init(_ file: Descriptor) {
        var copy = [UInt8](repeating: 0, count: MetricLayout.checked.upperBound)
        (isLater, isIntact, state, epoch) = copy.withUnsafeMutableBytes { area in
            guard let base = area.baseAddress, file.read(base, area.count, at: 0) == area.count else {
                return (false, false, 0, 0)
            }
            return Self.values(base)
        }
    }

    private static func values(_ base: UnsafeRawPointer) -> (Bool, Bool, UInt32, UInt64) {
        let magic = MetricLayout.magic.load(base)
        let isIntact =
            magic == Magic.metrics && MetricLayout.checksum.load(base) == checksum(base)
            && MetricLayout.slotCount.load(base) == UInt32(MetricLayout.slotNumber)
        return (
            Magic.isLater(magic, than: Magic.metrics), isIntact, MetricLayout.state.load(base),
            MetricLayout.epoch.load(base)
        )
    }

    static func checksum(_ base: UnsafeRawPointer) -> UInt32 {
        csystem_crc32c(0, base + MetricLayout.checked.lowerBound, MetricLayout.checked.count)
    }

    func isUsable(_ epoch: UInt64) -> Bool { isIntact && state == MetricLayout.live && self.epoch == epoch }
}
