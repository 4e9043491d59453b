// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The file in a tool's state directory that says what one receiver was sent of its metrics. Only the holder of
/// `deliver.lock` writes it. What a request will have changed is written to a second file before the request is sent, so
/// that no room can be missing afterwards; a rename makes it the state. So a crash leaves the state from before the
/// request or the one from after it, never a part of both.
struct SentMetricsFile {
    private let directory: Descriptor
    private let name: String
    private var next: String { name + ".next" }

    /// `mark`: of the receiver.
    init(in directory: Descriptor, mark: UInt32) {
        self.directory = directory
        name = MetricMap.sentPrefix + String(bytes: Hexadecimal.text(UInt64(mark)).utf8.suffix(8))
    }

    enum Content {
        case absent
        /// Damaged, or of another version of the format: nothing is known.
        case unusable
        case known(SentMetrics)
    }

    // MARK: reading

    /// Throws when it cannot be read now. `isWhole`: with the copies of the store.
    func read(isWhole: Bool = true) throws(SystemError) -> Content {
        let (file, status): (Descriptor, stat)
        do throws(SystemError) {
            (file, status) = try Descriptor.openKnown(at: directory, name, O_RDONLY | O_NONBLOCK)
        } catch {
            if error.isMissing { return .absent }
            throw error
        }
        defer { file.close() }
        guard status.isOwnRegularFile else { throw SystemError(code: EPERM) }
        guard let head = Heap.takeZeroes(SentMetricsLayout.headerSize) else { throw SystemError(code: ENOMEM) }
        defer { Heap.release(head) }
        guard file.read(head, SentMetricsLayout.headerSize, at: 0) != nil else { throw .current }
        guard SentMetricsLayout.magic.load(head) == Magic.sentMetrics, let slot = Self.slots(head).current() else {
            return .unusable
        }
        var sent = Self.sent(slot)
        if !isWhole { return .known(sent) }
        let baseSize = Int(SentMetricsLayout.baseSize.load(slot))
        let partialSize = Int(SentMetricsLayout.partialSize.load(slot))
        if baseSize > 0 {
            let sum = SentMetricsLayout.baseChecksum.load(slot)
            guard let copy = try Self.copy(file, SentMetricsLayout.headerSize, baseSize, sum), copy.epoch == sent.epoch
            else { return .unusable }
            sent.base = copy
        }
        if partialSize > 0 {
            let sum = SentMetricsLayout.partialChecksum.load(slot)
            let start = SentMetricsLayout.headerSize &+ baseSize
            guard let copy = try Self.copy(file, start, partialSize, sum), copy.epoch == sent.epoch
            else { return .unusable }
            sent.partial = SentMetrics.Partial(
                snapshot: copy, time: SentMetricsLayout.partialTime.load(slot),
                digest: SentMetricsLayout.partialDigest.load(slot),
                position: OTLPMetrics.Position(
                    family: Int(SentMetricsLayout.partialFamily.load(slot)),
                    series: Int(SentMetricsLayout.partialSeries.load(slot))))
        }
        return .known(sent)
    }

    /// Nil: it is not what was written.
    private static func copy(_ file: Descriptor, _ start: Int, _ size: Int, _ sum: UInt32) throws(SystemError)
        -> MetricSnapshot?
    {
        guard size <= MetricLayout.largestSize else { return nil }
        guard let area = Heap.take(size) else { throw SystemError(code: ENOMEM) }
        defer { Heap.release(area) }
        guard let got = file.read(area, size, at: start) else { throw .current }
        guard got == size, csystem_crc32c(0, area, size) == sum else { return nil }
        guard let copy = MetricSnapshot.of(UnsafeRawBufferPointer(start: area, count: size)) else {
            if size < MetricLayout.firstEntry { return nil }
            throw SystemError(code: ENOMEM)
        }
        return copy
    }

    private static func slots(_ head: UnsafeMutableRawPointer) -> SlotPair {
        SlotPair(base: head, offsets: SentMetricsLayout.slots, size: SentMetricsLayout.slotSize)
    }

    private static func sent(_ slot: UnsafeRawPointer) -> SentMetrics {
        var sent = SentMetrics()
        sent.isNew = false
        sent.delivery = DeliveryState.read(slot: slot)
        sent.epoch = SentMetricsLayout.epoch.load(slot)
        sent.digest = SentMetricsLayout.digest.load(slot)
        sent.time = SentMetricsLayout.time.load(slot)
        sent.points.accepted = SentMetricsLayout.accepted.load(slot)
        sent.points.rejected = SentMetricsLayout.rejected.load(slot)
        sent.points.unconfirmed = SentMetricsLayout.unconfirmed.load(slot)
        sent.uncopied = SentMetricsLayout.uncopied.load(slot)
        return sent
    }

    // MARK: writing

    /// Writes `sent` beside the state. Nothing changes yet.
    func prepare(_ sent: SentMetrics) throws(SystemError) {
        directory.discardEntry(next)
        guard let head = Heap.takeZeroes(SentMetricsLayout.headerSize) else { throw SystemError(code: ENOMEM) }
        defer { Heap.release(head) }
        SentMetricsLayout.magic.store(Magic.sentMetrics, head)
        _ = Self.slots(head).write { slot in
            Self.store(sent, slot)
            Self.store(sent.base?.bytes, SentMetricsLayout.baseSize, SentMetricsLayout.baseChecksum, slot)
            let partial = sent.partial
            Self.store(
                partial?.snapshot.bytes, SentMetricsLayout.partialSize, SentMetricsLayout.partialChecksum, slot)
            SentMetricsLayout.partialTime.store(partial?.time ?? 0, slot)
            SentMetricsLayout.partialDigest.store(partial?.digest ?? 0, slot)
            SentMetricsLayout.partialFamily.store(UInt32(clamping: partial?.position.family ?? 0), slot)
            SentMetricsLayout.partialSeries.store(UInt32(clamping: partial?.position.series ?? 0), slot)
        }
        let file = try Descriptor.open(at: directory, next, O_WRONLY | O_CREAT | O_EXCL)
        defer { file.close() }
        let size =
            SentMetricsLayout.headerSize &+ (sent.base?.bytes.count ?? 0) &+ (sent.partial?.snapshot.bytes.count ?? 0)
        do throws(SystemError) {
            try file.allocate(Int64(size))
            try file.writeAll(UnsafeRawBufferPointer(start: head, count: SentMetricsLayout.headerSize))
            if let base = sent.base { try file.writeAll(base.bytes) }
            if let partial = sent.partial { try file.writeAll(partial.snapshot.bytes) }
        } catch {
            directory.discardEntry(next)
            throw error
        }
    }

    /// What was prepared becomes the state, with the numbers of `sent`. False: it does not.
    @discardableResult
    func commit(_ sent: SentMetrics) -> Bool {
        guard Self.change(next, in: directory, { Self.store(sent, $0) }) else { return false }
        do throws(SystemError) {
            try directory.renameEntry(next, name)
            return true
        } catch { return false }
    }

    func discard() { directory.discardEntry(next) }

    /// Changes the numbers of the state; the copies of the store stay. False: there is no state, or it cannot be changed.
    @discardableResult
    func update(_ sent: SentMetrics) -> Bool { Self.change(name, in: directory) { Self.store(sent, $0) } }

    private static func change(_ name: String, in directory: Descriptor, _ body: (UnsafeMutableRawPointer) -> Void)
        -> Bool
    {
        guard let file = try? Descriptor.open(at: directory, name, O_RDWR | O_NONBLOCK) else { return false }
        defer { file.close() }
        guard let head = Heap.takeZeroes(SentMetricsLayout.headerSize) else { return false }
        defer { Heap.release(head) }
        guard file.read(head, SentMetricsLayout.headerSize, at: 0) == SentMetricsLayout.headerSize,
            SentMetricsLayout.magic.load(head) == Magic.sentMetrics, slots(head).current() != nil
        else { return false }
        let offset = slots(head).write(body)
        return file.write(head + offset, SentMetricsLayout.slotSize, at: offset)
    }

    private static func store(_ sent: SentMetrics, _ slot: UnsafeMutableRawPointer) {
        sent.delivery.write(slot: slot)
        SentMetricsLayout.epoch.store(sent.epoch, slot)
        SentMetricsLayout.digest.store(sent.digest, slot)
        SentMetricsLayout.time.store(sent.time, slot)
        SentMetricsLayout.accepted.store(sent.points.accepted, slot)
        SentMetricsLayout.rejected.store(sent.points.rejected, slot)
        SentMetricsLayout.unconfirmed.store(sent.points.unconfirmed, slot)
        SentMetricsLayout.uncopied.store(sent.uncopied, slot)
    }

    private static func store(
        _ bytes: UnsafeRawBufferPointer?, _ size: Field<UInt32>, _ sum: Field<UInt32>, _ slot: UnsafeMutableRawPointer
    ) {
        size.store(UInt32(clamping: bytes?.count ?? 0), slot)
        sum.store(bytes.flatMap { bytes in bytes.baseAddress.map { csystem_crc32c(0, $0, bytes.count) } } ?? 0, slot)
    }
}
