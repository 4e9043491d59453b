// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The user's copy of everything that was delivered (B3): `sent.jsonl` has one line for the events of a batch, or
/// several lines for many events, chained by hashes. Written with the delivery lock held. Failures here never delay
/// delivery: events without a copy are counted, and the log says how many once it can be written again.
final class AuditLog {
    static let fileName = "sent.jsonl"
    static let olderName = "sent.jsonl.1"
    static let fileBytes = 4 << 20
    /// An entry of this size takes no further event: it stays in the processor's cache while it is written, hashed and
    /// handed to the kernel.
    private static let entryBytes = 64 << 10
    /// The head may lag this many entries behind.
    private static let entriesPerHead = 64

    private let shared: SpoolDirectory
    private let lease: Lease?
    private let limit: Int
    private let names: AuditNames
    private var line = AuditLine()
    /// Nil until the first batch, and after an error.
    private var file: LogFile?
    private var head = AuditHead()
    private var entriesSinceHead = 0
    private var hashedBytes = 0

    init(_ shared: SpoolDirectory, lease: Lease? = nil, limit: Int = fileBytes, _ names: AuditNames = .events) {
        self.names = names
        self.shared = shared
        self.lease = lease
        self.limit = limit
    }

    /// The receiver has these events, or, `unconfirmed`, may have them. `taker`: the host that has them, if a redirect
    /// led there; empty: the backend's own receiver.
    func append(
        _ events: UnsafeBufferPointer<RecordView>, _ outcome: StaticString, _ backend: any Backend, taker: String = ""
    ) {
        // The backend forgets the events: a copy would say nothing.
        if backend.kind == "noop" { return }
        SignalMask.withoutWriteSignals {
            let kept = exclusively { write(events, outcome, taker.utf8.isEmpty ? backend.info : taker) } ?? 0
            if kept < events.count { lose(events.count - kept) }
        }
    }

    /// The receiver has these metrics, or may have them. `request` says the same as what was sent, or as a part of it, in
    /// OTLP's JSON. False: no copy could be kept.
    func append(request: UnsafeRawBufferPointer, _ outcome: StaticString, _ backend: String) -> Bool {
        SignalMask.withoutWriteSignals {
            exclusively {
                guard openIfNeeded() else { return false }
                line.begin(head.sequence &+ 1)
                line.add(request: request, outcome, backend)
                if appendLine() { return true }
                closeFile()
                return false
            } ?? false
        }
    }

    func close() {
        guard file != nil else { return }
        if entriesSinceHead > 0 { _ = exclusively { writeHead() } }
        closeFile()
    }

    /// Nil: another process has the log locked, and was stopped while it wrote.
    private func exclusively<R>(_ body: () -> R) -> R? {
        guard let lease else { return body() }
        return lease.writingLogs(body)
    }

    private func lose(_ count: Int) {
        closeFile()
        updateLost { $0 &+ UInt64(clamping: count) }
    }

    private func updateLost(_ change: (UInt64) -> UInt64) {
        Lease.guarded(lease) { shared.updateDelivery { $0.auditLost = change($0.auditLost) } }
    }

    private func closeFile() {
        file?.close()
        file = nil
    }

    // MARK: writing

    /// Returns how many of the events are in the log.
    private func write(_ events: UnsafeBufferPointer<RecordView>, _ outcome: StaticString, _ backend: String) -> Int {
        guard openIfNeeded() else { return 0 }
        let lost = shared.delivery.auditLost
        if lost > 0 {
            line.begin(head.sequence &+ 1)
            line.add(lost: lost)
            guard appendLine() else { return 0 }
            // The log now says how many are missing from it.
            updateLost { _ in 0 }
        }
        var kept = 0
        while kept < events.count {
            line.begin(head.sequence &+ 1)
            let count = line.add(
                UnsafeBufferPointer(rebasing: events[kept...]), outcome, backend, limit: min(Self.entryBytes, limit / 4)
            )
            guard count > 0, appendLine() else { return kept }
            kept += count
        }
        return kept
    }

    /// Appends with one write. After an error the file contains nothing of it.
    private func appendLine() -> Bool {
        guard line.end(after: head.hash), let bytes = line.bytes else { return false }
        if head.bytes > 0, Int(clamping: head.bytes) + bytes.count > limit, !rotate() { return false }
        guard let file else { return false }
        do throws(LogError) { try file.append(bytes) } catch {
            _ = file.cutBack(to: Int64(clamping: head.bytes))
            return false
        }
        head.sequence &+= 1
        head.hash = line.hash
        head.bytes &+= UInt64(bytes.count)
        hashedBytes += bytes.count
        SHA256.preferFast(hashed: hashedBytes)
        entriesSinceHead += 1
        if entriesSinceHead >= Self.entriesPerHead { writeHead() }
        return true
    }

    private func writeHead() {
        if (try? head.write(in: shared.directory, names)) != nil { entriesSinceHead = 0 }
    }

    /// The head is written before and after the renaming, so that a crash in between does not look like a removal.
    private func rotate() -> Bool {
        head.isRotating = true
        do throws(SystemError) {
            try head.write(in: shared.directory, names)
            try shared.directory.renameEntry(names.current, names.older)
            head = head.rotated
            try head.write(in: shared.directory, names)
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
        let known: AuditHead?
        do throws(SystemError) { known = try AuditHead.read(in: shared.directory, names) } catch { return false }
        head = known ?? AuditHead()
        let wasRotating = head.isRotating
        if wasRotating { finishRotation() }
        guard openFile(), let file else { return false }
        if known == nil { head.bytes = UInt64(clamping: file.length) }
        guard known == nil || catchUp(file), mendEnd() else {
            // The state is dropped, or the next call would think that the file was open.
            closeFile()
            return false
        }
        // The head is written before the first entry: a log without a head has been tampered with.
        if known == nil || wasRotating { writeHead() }
        return true
    }

    private func openFile() -> Bool {
        file = (try? LogFile.open(in: shared.directory, names.current, creating: true)) ?? nil
        return file != nil
    }

    /// A crash came between the two heads of a rotation. If the file is missing, it has been renamed.
    private func finishRotation() {
        if FileStamp(in: shared.directory, names.current) == nil, SystemError.current.isMissing {
            head = head.rotated
        } else {
            head.isRotating = false
        }
    }

    /// Adds entries to the head that were written just before a crash. A line that the crash cut short is removed.
    /// False: the entries cannot be read now.
    private func catchUp(_ file: LogFile) -> Bool {
        let isLonger = file.length > Int64(clamping: head.bytes)
        let tail =
            isLonger ? file.descriptor.readTail(from: Int64(clamping: head.bytes), limit: 2 * Self.fileBytes) : nil
        if isLonger && tail == nil { return false }
        guard let tail, tail.count <= 2 * Self.fileBytes else {
            // The file is shorter than before: something was removed. The chain goes on, and verifying it reports that.
            head.bytes = UInt64(clamping: file.length)
            return true
        }
        tail.withUnsafeBytes { bytes in
            var start = 0
            while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                if let entry = AuditEntry(line), entry.sequence == head.sequence &+ 1, entry.previous == head.hash,
                    entry.isIntact(in: line)
                {
                    head.sequence = entry.sequence
                    head.hash = entry.hash
                }
                start = end + 1
            }
            let whole = Int64(clamping: head.bytes) + Int64(start)
            head.bytes = UInt64(clamping: start < bytes.count && file.cutBack(to: whole) ? whole : file.length)
        }
        return true
    }

    /// Ends a last line that someone has cut: the next line must not become a part of it.
    private func mendEnd() -> Bool {
        guard let file else { return true }
        do throws(SystemError) {
            if try !file.descriptor.isInMidLine(at: Int64(clamping: head.bytes)) { return true }
        } catch { return false }
        let newline: [UInt8] = [UInt8(ascii: "\n")]
        let isMended = newline.withUnsafeBytes { (try? file.append($0)) != nil }
        if isMended { head.bytes &+= 1 }
        return isMended
    }
}

extension Descriptor {
    /// The content from `offset` to the end; more than `limit` bytes if it is longer, nil if it cannot be read.
    fileprivate func readTail(from offset: Int64, limit: Int) -> [UInt8]? {
        guard seek(to: offset), let bytes = try? readAll(limit: limit + 1) else { return nil }
        return bytes
    }
}
