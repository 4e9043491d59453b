import CSystem

/// The user's copy of everything that was delivered (B3): one line per event in `sent.jsonl`, chained by
/// hashes. Written with the delivery lock held. What goes wrong here never holds delivery up: events
/// without a copy are counted, and the log says how many once it can be written again.
final class AuditLog {
    static let fileName = "sent.jsonl"
    static let olderName = "sent.jsonl.1"
    static let fileBytes = 4 << 20
    /// The head may lag that many batches behind.
    private static let batchesPerHead = 64
    private static let manyEvents = 64

    private let shared: SpoolDirectory
    private let limit: Int
    private var lines = AuditLines()
    /// Nil until the first batch, and after an error.
    private var file: LogFile?
    private var head = AuditHead()
    private var batchesSinceHead = 0

    init(_ shared: SpoolDirectory, limit: Int = fileBytes) {
        self.shared = shared
        self.limit = limit
    }

    /// The receiver has these events, or, `unconfirmed`, may have them.
    func append(_ events: UnsafeBufferPointer<EventView>, _ outcome: StaticString, _ backend: any Backend) {
        // It forgets them: there is nothing that a copy would tell.
        if backend.kind == "noop" { return }
        SignalMask.withoutWriteSignals {
            let kept = write(events, outcome, backend.info)
            if kept < events.count { lose(events.count - kept) }
        }
    }

    func close() {
        guard file != nil else { return }
        if batchesSinceHead > 0 { writeHead() }
        closeFile()
    }

    private func lose(_ count: Int) {
        closeFile()
        shared.updateDelivery { $0.auditLost &+= UInt64(clamping: count) }
    }

    private func closeFile() {
        file?.close()
        file = nil
    }

    // MARK: writing

    /// Returns how many of the events are in the log.
    private func write(_ events: UnsafeBufferPointer<EventView>, _ outcome: StaticString, _ backend: String) -> Int {
        // A look for another library is worth its 10 µs only to who has more to hash than that takes.
        if events.count >= Self.manyEvents { SHA256.preferFast() }
        guard openIfNeeded() else { return 0 }
        lines.begin(after: head.sequence, head.hash, backend: backend)
        var lost = shared.delivery.auditLost
        if lost > 0 { lines.add(lost: lost) }
        var written = 0
        var kept = 0
        for index in events.indices {
            let before = (sequence: lines.sequence, hash: lines.hash, count: lines.count)
            lines.add(events[index], outcome)
            guard fileLength + lines.count - written > limit, fileLength + before.count - written > 0 else { continue }
            // This line is the next file's first.
            guard flush(written..<before.count, before.sequence, before.hash) else { return kept }
            written = before.count
            kept = index
            told(&lost)
            guard rotate() else { return kept }
        }
        guard flush(written..<lines.count, lines.sequence, lines.hash) else { return kept }
        told(&lost)
        batchesSinceHead += 1
        if batchesSinceHead >= Self.batchesPerHead { writeHead() }
        return events.count
    }

    /// The log says now how many are missing from it.
    private func told(_ lost: inout UInt64) {
        if lost > 0 { shared.updateDelivery { $0.auditLost = 0 } }
        lost = 0
    }

    private var fileLength: Int { Int(clamping: head.bytes) }

    /// One write. After an error nothing of it stands in the file.
    private func flush(_ range: Range<Int>, _ sequence: UInt64, _ hash: AuditDigest) -> Bool {
        guard let file, let bytes = lines.bytes, range.upperBound <= bytes.count else { return false }
        do throws(LogError) {
            try file.append(UnsafeRawBufferPointer(rebasing: bytes[range]))
        } catch {
            _ = file.cutBack(to: Int64(clamping: head.bytes))
            return false
        }
        head.sequence = sequence
        head.hash = hash
        head.bytes &+= UInt64(range.count)
        return true
    }

    private func writeHead() {
        if (try? head.write(in: shared.directory)) != nil { batchesSinceHead = 0 }
    }

    /// The head says before and after what happens, so that a crash in between does not look like a removal.
    private func rotate() -> Bool {
        head.isRotating = true
        do throws(SystemError) {
            try head.write(in: shared.directory)
            try shared.directory.renameEntry(Self.fileName, Self.olderName)
            head = head.rotated
            try head.write(in: shared.directory)
        } catch {
            head.isRotating = false
            return false
        }
        closeFile()
        return openFile()
    }

    // MARK: opening

    private func openIfNeeded() -> Bool {
        if file != nil { return true }
        guard AuditDigest.isAvailable else { return false }
        let known = AuditHead.read(in: shared.directory)
        head = known ?? AuditHead()
        let wasRotating = head.isRotating
        if wasRotating { finishRotation() }
        guard openFile(), let file else { return false }
        if known == nil { head.bytes = UInt64(clamping: file.length) } else { catchUp(file) }
        guard mendEnd() else { return false }
        // Before the first entry: a log without a head has been meddled with.
        if known == nil || wasRotating { writeHead() }
        return true
    }

    private func openFile() -> Bool {
        file = (try? LogFile.open(in: shared.directory, Self.fileName, creating: true)) ?? nil
        return file != nil
    }

    /// A crash came between the two heads of a rotation; a file that has gone has been renamed.
    private func finishRotation() {
        if FileStamp(in: shared.directory, Self.fileName) == nil { head = head.rotated } else { head.isRotating = false }
    }

    /// Entries that the head does not know yet were written before a crash. A line that it cut short goes.
    private func catchUp(_ file: LogFile) {
        guard file.length > Int64(clamping: head.bytes),
            let tail = file.descriptor.readTail(from: Int64(clamping: head.bytes), limit: 2 * Self.fileBytes)
        else {
            // Shorter than it was: something was removed. The chain goes on, and verifying it tells.
            head.bytes = UInt64(clamping: file.length)
            return
        }
        tail.withUnsafeBytes { bytes in
            var start = 0
            while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                if let entry = AuditEntry(line), entry.sequence == head.sequence &+ 1, entry.previous == head.hash, entry.isIntact(in: line) {
                    head.sequence = entry.sequence
                    head.hash = entry.hash
                }
                start = end + 1
            }
            let whole = Int64(clamping: head.bytes) + Int64(start)
            head.bytes = UInt64(clamping: start < bytes.count && file.cutBack(to: whole) ? whole : file.length)
        }
    }

    /// Someone has cut the last line: the next one must not become a part of it.
    private func mendEnd() -> Bool {
        guard let file, head.bytes > 0, file.descriptor.byte(at: Int64(clamping: head.bytes) - 1) != UInt8(ascii: "\n") else { return true }
        let newline: [UInt8] = [UInt8(ascii: "\n")]
        let isMended = newline.withUnsafeBytes { (try? file.append($0)) != nil }
        if isMended { head.bytes &+= 1 }
        return isMended
    }
}

extension Descriptor {
    /// What stands from `offset` to the end; nil when it is longer than `limit` or cannot be read.
    fileprivate func readTail(from offset: Int64, limit: Int) -> [UInt8]? {
        guard lseek(raw, Int(offset), SEEK_SET) >= 0, let bytes = try? readAll(limit: limit + 1), bytes.count <= limit else { return nil }
        return bytes
    }
}
