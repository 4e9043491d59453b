// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A slot of docs/spool-format.md, "Open spans".
enum SpanSlotLayout {
    /// Changed atomically: what of the record is complete, and what has come of the span.
    static let word = 0
    /// Of the segment that the span ends in.
    static var generation: Field<UInt64> { Field(8) }
    static let record = 16
    static let size = 1024
    static let capacity = size - record
    static let fileSuffix = ".open"
}

/// A slot's first word. Bits 0 to 15: bytes of the record that are complete; 16 and 17: the state; from 32 on: where in
/// the segment the span ends, in units of 8 bytes.
struct SpanSlotWord {
    let raw: UInt64

    static let free = SpanSlotWord(raw: 0)
    private static let openState: UInt64 = 1 << 16
    private static let endingState: UInt64 = 2 << 16
    private static let stateMask: UInt64 = 3 << 16

    static func open(_ length: Int) -> SpanSlotWord {
        SpanSlotWord(raw: openState | UInt64(truncatingIfNeeded: length))
    }
    static func ending(_ length: Int, offset: Int) -> SpanSlotWord {
        SpanSlotWord(
            raw: endingState | UInt64(truncatingIfNeeded: length) | UInt64(truncatingIfNeeded: offset >> 3) << 32)
    }

    /// No record lies there: the span has ended, and waits for room in a segment.
    static let nowhere = 0

    var isOpen: Bool { raw & Self.stateMask == Self.openState }
    var isEnding: Bool { raw & Self.stateMask == Self.endingState }
    /// Its record is written, or was.
    var hasPlace: Bool { isEnding && offset != Self.nowhere }
    var length: Int { Int(raw & 0xFFFF) }
    var offset: Int { Int(raw >> 32) &* 8 }
}

/// Where a process keeps the spans that it has begun and not ended: a file that it maps and locks, so that they are found
/// when the process is gone. Without a usable spool it is memory of the process.
///
/// A file with one slot that outlives the process is a span that one process begins and others change and end. It is
/// locked while one of them has it open.
final class OpenSpanFile {
    let base: UnsafeMutableRawPointer
    /// It stays when this process ends.
    let isLasting: Bool
    /// Bytes of a record in a slot.
    let slotCapacity: Int
    /// It was begun for other destinations than this process has: its record does not go into a segment of this process.
    var isForOthers = false
    private let size: Int
    private let name: String
    private var file: Descriptor?
    private let directory: Descriptor?

    init(
        base: UnsafeMutableRawPointer, size: Int, name: String, file: Descriptor?, directory: Descriptor?,
        isLasting: Bool = false
    ) {
        self.base = base
        self.isLasting = isLasting
        // A file has whole pages, and a slot's word counts no more bytes than a record may have.
        slotCapacity =
            isLasting
            ? min(size &- SegmentLayout.headerSize &- SpanSlotLayout.record, RecordLayout.maximumSize)
            : SpanSlotLayout.capacity
        self.size = size
        self.name = name
        self.file = file
        self.directory = directory
    }

    /// In memory if the file cannot be made. Nil: there is no memory either.
    static func make(slots: Int, in directory: Descriptor?, epoch: UInt64, _ context: ContextBlock) -> OpenSpanFile? {
        let size = SegmentLayout.fileSize(for: SegmentLayout.headerSize &+ slots &* SpanSlotLayout.size)
        let name = Hexadecimal.text(Random.word()) + SpanSlotLayout.fileSuffix
        if let directory, let made = try? create(name, size, in: directory, epoch, context) { return made }
        guard let base = Mapping.blank(size, nil) else { return nil }
        return OpenSpanFile(base: base, size: size, name: "", file: nil, directory: nil)
    }

    /// `expires`: of a span that lasts.
    static func create(
        _ name: String, _ size: Int, in directory: Descriptor, _ epoch: UInt64, _ context: ContextBlock,
        expires: Int64? = nil
    ) throws(SystemError) -> OpenSpanFile {
        let file = try ForkHandling.openHeld(at: directory, name, O_RDWR | O_CREAT | O_EXCL)
        do throws(SystemError) {
            // Another process may have taken the new file for one that a dead process left.
            guard file.tryLock(), try file.status().st_nlink > 0 else { throw SystemError(code: EWOULDBLOCK) }
            try file.allocate(Int64(size))
            let base = try Mapping.shared(file, size, nil)
            _ = Description.write(base, fileSize: size, epoch: epoch, context: context, now: Clock.realtime())
            StateWord.store(base, .empty)
            if let expires { LastingSpanLayout.expires.store(expires, base) }
            return OpenSpanFile(
                base: base, size: size, name: name, file: file, directory: directory, isLasting: expires != nil)
        } catch {
            directory.discardEntry(name)
            ForkHandling.closeHeld(file)
            throw error
        }
    }

    /// Lets go of it: other processes go on with the span.
    func leave() {
        guard let file else { return }
        ForkHandling.closeHeld(file)
        self.file = nil
    }

    func slot(_ index: Int) -> UnsafeMutableRawPointer {
        base + (SegmentLayout.headerSize &+ index &* SpanSlotLayout.size)
    }

    /// From now on it is as if it had begun in that context.
    func describe(_ epoch: UInt64, _ context: ContextBlock) {
        _ = Description.write(base, fileSize: size, epoch: epoch, context: context, now: Clock.realtime())
    }

    /// A mapped part that was cut off the file must not be touched: that would end the program.
    var isIntact: Bool {
        guard let file else { return true }
        // The program may have closed it (closefrom(3)). The mapping is still there, and holds the lock.
        guard let status = try? file.status() else { return true }
        return status.st_size >= size
    }

    /// Nobody will look for these spans any more. The memory stays until `unmap`.
    func discard() {
        guard let file else { return }
        directory?.discardEntry(name)
        ForkHandling.closeHeld(file)
        self.file = nil
    }

    /// No thread uses the slots any more.
    func unmap() { Mapping.remove(base, size) }
}
