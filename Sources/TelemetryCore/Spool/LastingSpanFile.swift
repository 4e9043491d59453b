// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What the header page says of a span that lasts longer than the process that has begun it.
package enum LastingSpanLayout {
    /// Nanoseconds since 1970; 0: the file is not complete.
    static var expires: Field<Int64> { Field(8) }
    static let fileSuffix = ".span"
    /// More than this is not asked for: the clock was wrong then, or is now.
    package static let longestSeconds: Int64 = 30 * 86_400

    static func name(_ spanID: UInt64) -> String { Hexadecimal.text(spanID) + fileSuffix }

    static func isExpired(_ header: UnsafeRawPointer) -> Bool {
        let left = expires.load(header) &- Clock.realtime()
        return left <= 0 || left > (longestSeconds + 86_400) * 1_000_000_000
    }
}

/// The file of a span that one process begins and others change and end.
extension OpenSpanFile {
    /// A size with room for `bytes` of a record.
    private static func lastingSize(_ bytes: Int) -> Int {
        let most = RecordLayout.maximumSize &+ SpanSlotLayout.record
        let slot = min(max(0, bytes) &+ SpanSlotLayout.record, most)
        return SegmentLayout.fileSize(for: SegmentLayout.headerSize &+ slot)
    }

    /// Nil: the file cannot be made. `room`: bytes of the record.
    static func makeLasting(
        _ spanID: UInt64, in directory: Descriptor, epoch: UInt64, _ context: ContextBlock, expires: Int64, room: Int
    ) -> OpenSpanFile? {
        let name = LastingSpanLayout.name(spanID)
        // A process that delivers may have taken the new file for a damaged one.
        for _ in 0..<2 {
            if let made = try? create(name, lastingSize(room), in: directory, epoch, context, expires: expires) {
                return made
            }
        }
        return nil
    }

    enum Reopened {
        case file(OpenSpanFile)
        /// It has ended, has expired, was withdrawn, or was never begun here.
        case notOpen
        /// Another process does not let go of it.
        case busy
        case failed(SystemError)
    }

    /// `context`: the span's ids. `room`: bytes that will be added to the record.
    static func reopen(
        _ context: TraceContext, in directory: Descriptor, epoch: UInt64, room: Int, until deadline: Deadline
    ) -> Reopened {
        let name = LastingSpanLayout.name(context.spanID)
        while true {
            do throws(SystemError) {
                let (file, status) = try ForkHandling.openHeldKnown(at: directory, name, O_RDWR | O_NONBLOCK)
                guard status.isOwnRegularFile else {
                    ForkHandling.closeHeld(file)
                    return .notOpen
                }
                let isLocked = file.lock(until: deadline)
                guard isLocked, let locked = try? file.status(), locked.st_nlink > 0 else {
                    ForkHandling.closeHeld(file)
                    if !isLocked || deadline.isPast { return .busy }
                    // Another process has put a new file in its place, or has ended the span.
                    continue
                }
                return map(file, name, context, directory, epoch, Int(clamping: locked.st_size), room)
            } catch {
                return error.code == ENOENT || error.code == ELOOP ? .notOpen : .failed(error)
            }
        }
    }

    private static func map(
        _ file: Descriptor, _ name: String, _ context: TraceContext, _ directory: Descriptor, _ epoch: UInt64,
        _ size: Int, _ room: Int
    ) -> Reopened {
        var size = size
        let headSize = SegmentLayout.headerSize &+ SpanSlotLayout.record &+ SpanLayout.fixedSize
        let page = Heap.take(headSize)
        defer { page.map { Heap.release($0) } }
        guard let page, size >= SegmentLayout.minimumSize, file.read(page, headSize, at: 0) == headSize,
            isOpen(page, size, context, epoch)
        else {
            ForkHandling.closeHeld(file)
            return .notOpen
        }
        let word = SpanSlotWord(raw: (page + SegmentLayout.headerSize).load(as: UInt64.self))
        let wanted = lastingSize(word.length &+ room)
        if wanted > size, (try? file.allocate(Int64(wanted))) != nil { size = wanted }
        do throws(SystemError) {
            let base = try Mapping.shared(file, size, nil)
            return .file(
                OpenSpanFile(base: base, size: size, name: name, file: file, directory: directory, isLasting: true))
        } catch {
            ForkHandling.closeHeld(file)
            return .failed(error)
        }
    }

    /// `head`: a file's header page, and the slot with the record's fixed part.
    private static func isOpen(
        _ head: UnsafeRawPointer, _ size: Int, _ context: TraceContext, _ epoch: UInt64
    ) -> Bool {
        let slot = head + SegmentLayout.headerSize
        let record = slot + SpanSlotLayout.record
        let word = SpanSlotWord(raw: slot.load(as: UInt64.self))
        return Description.read(head)?.epoch == epoch
            && StateWord.load(UnsafeMutableRawPointer(mutating: head)).count == 0
            && !LastingSpanLayout.isExpired(head) && word.isOpen && word.length >= SpanLayout.fixedSize
            && word.length <= size &- SegmentLayout.headerSize &- SpanSlotLayout.record
            && TraceID(bytes: record + SpanLayout.traceID) == context.traceID
    }
}
