// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Spans that one process begins, and others change and end (H13). Each is a file in the spool of spans; no process has
/// to live as long as the span.
struct LastingSpans {
    /// Nanoseconds since 1970. A span that has not ended by then is abandoned.
    var expires: Int64
    /// Bytes that this process adds to a span.
    var room: Int
    /// This process ends it.
    var isEnd = false

    /// At once, of one tool.
    static let most = 1024
    /// Another process changes a span in a few microseconds.
    static let patienceMilliseconds: UInt32 = 5_000
}

extension Collector {
    /// With the mutex held. Nil: there is no room, or no directory.
    func takeLastingCell(_ spanID: UInt64, _ terms: LastingSpans, _ spool: Spool)
        -> (block: SpanBlock, cell: UnsafeMutablePointer<SpanCell>, index: Int)?
    {
        mutex.assertHeld()
        guard let directory = spool.shared?.directory,
            AbandonedSpans.countLasting(in: directory) < LastingSpans.most,
            let file = OpenSpanFile.makeLasting(
                spanID, in: directory, epoch: spool.epoch, spool.context, expires: terms.expires, room: terms.room)
        else {
            spool.countDropped(.noSpace)
            return nil
        }
        return keep(file)
    }

    private func keep(_ file: OpenSpanFile) -> (block: SpanBlock, cell: UnsafeMutablePointer<SpanCell>, index: Int)? {
        guard let block = SpanBlock(handle, file, count: 1), let taken = block.take() else {
            file.leave()
            file.unmap()
            return nil
        }
        spanBlocks.append(block)
        return (block, taken.cell, taken.index)
    }

    enum Resumed {
        case span(UnsafeMutablePointer<SpanCell>, UInt64)
        case notOpen
        /// The manifest declares it no more. At its end it is gone; `name`: its own.
        case undeclared(name: String)
        case disabled
        case busy
        case failed(SystemError)
    }

    /// Goes on with a span that another process has begun. Makes no spool.
    func resumeSpan(_ context: TraceContext, _ terms: LastingSpans) -> Resumed {
        guard isEnabled else { return .disabled }
        do throws(SystemError) { if try !mayBeOpen(context) { return .notOpen } } catch { return .failed(error) }
        mutex.lock()
        defer { mutex.unlock() }
        guard Gate.isOpen(handle), let spool = currentSpool(attaching: true) else { return .disabled }
        guard let directory = spool.shared?.directory else {
            return .failed(spool.failure ?? SystemError(code: ENOSPC))
        }
        let file: OpenSpanFile
        let deadline = Deadline(timeoutMilliseconds: LastingSpans.patienceMilliseconds)
        switch OpenSpanFile.reopen(context, in: directory, epoch: spool.epoch, room: terms.room, until: deadline) {
        case .file(let found): file = found
        case .notOpen: return .notOpen
        case .busy: return .busy
        case .failed(let error): return .failed(error)
        }
        settleDestinations(of: file, spool)
        guard let (block, cell, index) = keep(file) else { return .failed(SystemError(code: ENOMEM)) }
        SpanCell.acquire(cell)
        defer { SpanCell.release(cell) }
        let use = cell.pointee.begin(Unmanaged.passUnretained(block), index, file.slot(index), file.slotCapacity)
        guard cell.pointee.resume() else {
            cell.pointee.letGo()
            return .notOpen
        }
        // Without a segment for it, what is said at the end has to find room in the span's own file, too.
        cell.pointee.mayLeaveSlot =
            terms.isEnd && !file.isForOthers && place(spool, cell.pointee.length &+ terms.room) != nil
        if let registry = options.events {
            cell.pointee.rules = cell.pointee.name.withCString {
                SpanRecording.find(UnsafePointer(registry.table), Text($0, limit: EventLimits.nameBytes))
            }
            if cell.pointee.rules == nil {
                let name = cell.pointee.name
                if terms.isEnd { file.discard() }
                cell.pointee.letGo()
                _ = SpanRecording.refuseUndeclared(recorder)
                return .undeclared(name: name)
            }
        }
        return .span(cell, use)
    }

    /// A span is for those that it was begun for, in whatever process it ends. What is said of it while nothing may leave makes all of it
    /// local (A7).
    private func settleDestinations(of file: OpenSpanFile, _ spool: Spool) {
        guard let found = Description.read(file.base) else { return }
        if spool.context.isLocalOnly && !found.isLocalOnly { return file.describe(spool.epoch, spool.context) }
        let chosen = DestinationSet(found.context(file.base).destinations)
        file.isForOthers =
            found.isLocalOnly != spool.context.isLocalOnly
            || chosen?.isOfSameChooser(as: options.destinationSet) == false
    }

    enum LastingEnd {
        case inSegment, inItsFile
        /// It is still open.
        case nowhere
        case withdrawn
    }

    /// The thread has the cell.
    func endLasting(_ cell: UnsafeMutablePointer<SpanCell>) -> LastingEnd {
        mutex.lock()
        defer { mutex.unlock() }
        guard Gate.isOpen(handle), let spool = currentSpool(attaching: true), !cell.pointee.isVoid else {
            return .withdrawn
        }
        defer { publish(spool) }
        let isForOthers = cell.pointee.block?._withUnsafeGuaranteedRef { $0.file.isForOthers } ?? false
        if !isForOthers, let place = place(spool, cell.pointee.length),
            cell.pointee.write(into: place.base, capacity: place.size)
        {
            return .inSegment
        }
        return cell.pointee.park() ? .inItsFile : .nowhere
    }

    /// With the mutex held: a segment that is a file, with room for so many bytes of a record. Nil: there is none.
    private func place(_ spool: Spool, _ bytes: Int) -> Segment? {
        mutex.assertHeld()
        let bytes = (bytes &+ 7) & ~7
        let fits = { (segment: Segment) in !segment.isHeap && segment.state.tail &+ bytes <= segment.size }
        if let active = spool.active, fits(active) { return active }
        guard Allocation.hasReserve else { return nil }
        // One that an earlier process has left may be too full.
        for _ in 0..<2 {
            guard let next = spool.advance(size: bytes), !next.isHeap else { return nil }
            if fits(next) { return next }
        }
        return nil
    }

    private func mayBeOpen(_ context: TraceContext) throws(SystemError) -> Bool {
        guard let path = SpoolDirectory.path(options), let directory = try Directory.openExisting(path) else {
            return false
        }
        defer { directory.close() }
        return try directory.hasEntry(LastingSpanLayout.name(context.spanID))
    }
}
