// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The spans that were open when their process ended. Its file of open spans is made into a segment that any process may
/// deliver: a new content replaces the old one in one step, and the file then gets the name of a segment. Whatever the
/// moment of a crash, the spans are there once. The same is done to a span that lasts longer than its process, when it has
/// expired, or when the process that ended it was killed before the record was complete.
enum AbandonedSpans {
    private static let largestFile = 1 << 20

    /// 16 hexadecimal digits and one of the suffixes.
    static func isName(_ name: UnsafePointer<CChar>) -> Bool {
        Segment.isNumber(name, before: ".open") || isLasting(name)
    }

    private static func isLasting(_ name: UnsafePointer<CChar>) -> Bool { Segment.isNumber(name, before: ".span") }

    private static func isLasting(_ name: String) -> Bool { name.withCString { isLasting($0) } }

    /// How many spans are open that last.
    static func countLasting(in directory: Descriptor) -> Int {
        var count = 0
        Directory.forEachName(in: directory) { if isLasting($0) { count += 1 } }
        return count
    }

    static func names(in directory: Descriptor) -> [String] {
        var names: [String] = []
        Directory.forEachName(in: directory) { if isName($0) { names.append(String(cString: $0)) } }
        return names
    }

    /// Makes segments of what processes left that are gone.
    static func collect(_ shared: SpoolDirectory) {
        for name in names(in: shared.directory) {
            take(name, shared.directory) { file, size in
                guard let epoch = shared.control.epochNow else { return }
                convert(name, file, size, shared, epoch)
            }
        }
    }

    /// The process that wrote into a segment was killed while a span ended there. `collect` may have passed it by, alive:
    /// when the segment is gone, nobody would know any more that the record was not whole. So this is done before. False:
    /// the process has not let go of its file yet, or the file cannot be replaced now.
    static func collect(endingIn segment: Segment, _ shared: SpoolDirectory) -> Bool {
        collect(shared)
        guard let bytes = Heap.take(largestFile) else { return false }
        defer { Heap.release(bytes) }
        for name in names(in: shared.directory) {
            var isEnding = false
            forEachSlot(of: name, shared.directory, bytes) { word, generation in
                if word.hasPlace && generation == segment.description.generation { isEnding = true }
            }
            if isEnding { return false }
        }
        return true
    }

    /// Consent for them was withdrawn. What a living process has open is void by its epoch.
    static func discard(in directory: Descriptor) {
        for name in names(in: directory) {
            // A span that lasts is held for a moment only.
            let patience = Deadline(timeoutMilliseconds: isLasting(name) ? 100 : 0)
            take(name, directory, until: patience) { _, _ in directory.discardEntry(name) }
        }
    }

    /// Spans that are open, of living processes too, and those that have ended and wait for room in a segment. A look from
    /// outside: it may be wrong a moment later.
    static func count(in directory: Descriptor) -> (open: Int, ended: Int) {
        var counts = (open: 0, ended: 0)
        guard let bytes = Heap.take(largestFile) else { return counts }
        defer { Heap.release(bytes) }
        for name in names(in: directory) {
            forEachSlot(of: name, directory, bytes) { word, _ in
                if word.isOpen { counts.open += 1 }
                if word.isEnding && !word.hasPlace { counts.ended += 1 }
            }
        }
        return counts
    }

    /// What is known of the open spans, as the segments that would be made if their processes ended now. A look from outside,
    /// which may miss one that changes meanwhile.
    static func images(_ shared: SpoolDirectory) -> [[UInt8]] {
        guard let bytes = Heap.take(largestFile) else { return [] }
        defer { Heap.release(bytes) }
        var images: [[UInt8]] = []
        for name in names(in: shared.directory) {
            guard let file = try? Descriptor.open(at: shared.directory, name, O_RDONLY | O_NONBLOCK) else { continue }
            defer { file.close() }
            guard let size = file.read(bytes, largestFile, at: 0), size >= SegmentLayout.minimumSize,
                let description = Description.read(bytes), description.epoch == shared.control.epochNow,
                StateWord.load(bytes).count == 0,
                let image = image(bytes, size, isLasting(name), description, shared)
            else { continue }
            images.append(image)
        }
        return images
    }

    /// A look without the lock. `bytes`: room for the largest file. `body`: gets a slot's word, and the generation of the
    /// segment that its span ends in.
    private static func forEachSlot(
        of name: String, _ directory: Descriptor, _ bytes: UnsafeMutableRawPointer,
        _ body: (SpanSlotWord, UInt64) -> Void
    ) {
        guard let file = try? Descriptor.open(at: directory, name, O_RDONLY | O_NONBLOCK) else { return }
        defer { file.close() }
        let size = file.read(bytes, largestFile, at: 0) ?? 0
        // A file with records is one that only needs another name.
        if size < SegmentLayout.headerSize || StateWord.load(bytes).count > 0 { return }
        // A span that lasts has one slot, of any size.
        let step = isLasting(name) ? largestFile : SpanSlotLayout.size
        for at in stride(from: SegmentLayout.headerSize, through: size &- SpanSlotLayout.record, by: step) {
            let slot = bytes + at
            body(SpanSlotWord(raw: slot.load(as: UInt64.self)), SpanSlotLayout.generation.load(slot))
        }
    }

    /// Runs `body` with a file whose process is gone.
    private static func take(
        _ name: String, _ directory: Descriptor, until deadline: Deadline = Deadline(nanoseconds: 0),
        _ body: (Descriptor, Int) -> Void
    ) {
        guard let (file, status) = try? ForkHandling.openHeldKnown(at: directory, name, O_RDWR | O_NONBLOCK) else {
            return
        }
        defer { ForkHandling.closeHeld(file) }
        guard status.isOwnRegularFile, file.lock(until: deadline), let locked = try? file.status(), locked.st_nlink > 0
        else {
            return
        }
        body(file, Int(clamping: locked.st_size))
    }

    private static func convert(
        _ name: String, _ file: Descriptor, _ size: Int, _ shared: SpoolDirectory, _ epoch: UInt64
    ) {
        let directory = shared.directory
        guard size >= SegmentLayout.minimumSize, size <= largestFile, let bytes = Heap.take(size) else {
            return directory.discardEntry(name)
        }
        defer { Heap.release(bytes) }
        // If it cannot be read now, it can be later.
        guard file.read(bytes, size, at: 0) == size else { return }
        guard let description = Description.read(bytes) else {
            if Description.readLater(bytes) == nil { directory.discardEntry(name) }
            return
        }
        if description.epoch != epoch { return directory.discardEntry(name) }
        let segment = String(cString: Array(name.utf8CString.prefix(16)) + [0]) + SegmentLayout.fileSuffix
        if StateWord.load(bytes).count == 0 {
            if isLasting(name), !LastingSpanLayout.isExpired(bytes),
                !SpanSlotWord(raw: (bytes + SegmentLayout.headerSize).load(as: UInt64.self)).isEnding
            {
                return
            }
            guard let image = image(bytes, size, isLasting(name), description, shared) else {
                return directory.discardEntry(name)
            }
            guard (try? PrivateFile.replace(in: directory, name, image)) != nil else { return }
        }
        try? directory.renameEntry(name, segment)
    }

    /// The segment. Nil: no span is open.
    private static func image(
        _ bytes: UnsafeMutableRawPointer, _ size: Int, _ isLasting: Bool, _ description: Description,
        _ shared: SpoolDirectory
    ) -> [UInt8]? {
        let slotSize = isLasting ? size &- SegmentLayout.headerSize : SpanSlotLayout.size
        var image = [UInt8](repeating: 0, count: size)
        var position = SegmentLayout.headerSize
        var count: UInt64 = 0
        image.withUnsafeMutableBytes { area in
            guard let target = area.baseAddress else { return }
            target.copyMemory(from: bytes, byteCount: SegmentLayout.headerSize)
            LastingSpanLayout.expires.store(0, target)
            description.resize(target, to: size)
            var at = SegmentLayout.headerSize
            while at &+ slotSize <= size {
                let slot = bytes + at
                at &+= slotSize
                guard let length = openRecord(slot, slotSize &- SpanSlotLayout.record, shared) else { continue }
                let isEnding = SpanSlotWord(raw: slot.load(as: UInt64.self)).isEnding
                let record = target + position
                record.copyMemory(from: slot + SpanSlotLayout.record, byteCount: length)
                SpanRecord.complete(
                    record, length: length, flags: isEnding ? 0 : SpanLayout.isAbandoned, offset: position,
                    sync: description.sync, generation: description.generation)
                position &+= (length &+ 7) & ~7
                count &+= 1
            }
            StateWord.store(
                target,
                StateWord(raw: UInt64(position / 8) | count << 24 | StateWord.sealedBit))
        }
        return count == 0 ? nil : image
    }

    /// The length of the record in the slot. Nil: there is none, or it was recorded elsewhere.
    private static func openRecord(_ slot: UnsafeMutableRawPointer, _ capacity: Int, _ shared: SpoolDirectory) -> Int? {
        let word = SpanSlotWord(raw: slot.load(as: UInt64.self))
        guard word.isOpen || word.isEnding, word.length >= SpanLayout.fixedSize,
            word.length <= capacity,
            SpanItems.offset(UnsafeRawBufferPointer(start: slot + SpanSlotLayout.record, count: word.length)) != nil
        else { return nil }
        if word.hasPlace, isRecorded(SpanSlotLayout.generation.load(slot), word.offset, shared) { return nil }
        return word.length
    }

    /// The process was killed while the span ended. A segment that is gone has been delivered: the record was in it.
    private static func isRecorded(_ generation: UInt64, _ offset: Int, _ shared: SpoolDirectory) -> Bool {
        for name in shared.segmentNames() {
            guard let header = SegmentHeader(name, in: shared.directory), header.generation == generation else {
                continue
            }
            guard let file = try? Descriptor.open(at: shared.directory, name, O_RDONLY | O_NONBLOCK) else {
                return true
            }
            defer { file.close() }
            guard let bytes = Heap.take(RecordLayout.maximumSize) else { return true }
            defer { Heap.release(bytes) }
            guard let got = file.read(bytes, RecordLayout.maximumSize, at: offset) else { return true }
            return SpanRecord.isWhole(bytes, got, offset: offset, sync: header.sync)
        }
        return true
    }
}

extension SpoolDirectory {
    /// Segments, or spans that are open or were left open.
    var isAnythingWaiting: Bool {
        var isFound = false
        Directory.forEachName(in: directory) { if Segment.isName($0) || AbandonedSpans.isName($0) { isFound = true } }
        return isFound
    }
}
