import CSystem
@testable import TelemetryCore

/// A segment file, from its bytes to JSON Lines. Input: flags (1 byte), state word (8), two progress
/// slots (64 each), length of the description (2), the description, the records. Flags: 1 repair the
/// checksums, 2 use the description's second copy.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSegment(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var input = Input(bytes, size)
    // Exactly as large as what was given, so that AddressSanitizer guards the end of the file.
    let fileSize = SegmentLayout.headerSize + max(0, size - 1 - 8 - 128 - 2)
    guard let base = calloc(1, fileSize) else { return -1 }
    defer { free(base) }
    fill(base, fileSize, &input)
    guard let description = Description.read(base) else { return 0 }
    precondition(description.length <= DescriptionLayout.capacity)
    let progress = Progress.read(base, generation: description.generation, fileSize: fileSize)
    precondition(progress.offset >= SegmentLayout.headerSize && progress.offset <= fileSize)
    read(UnsafeRawBufferPointer(start: base, count: fileSize), description, StateWord.load(base), progress)
    return 0
}

private func fill(_ base: UnsafeMutableRawPointer, _ fileSize: Int, _ input: inout Input) {
    let flags = input.byte()
    input.copy(8, to: base)
    input.copy(64, to: base + SegmentLayout.progressOffsets.0)
    input.copy(64, to: base + SegmentLayout.progressOffsets.1)
    let length = min(input.u16(), DescriptionLayout.capacity)
    let (first, second) = SegmentLayout.descriptionOffsets
    let description = base + (flags & 2 == 0 ? first : second)
    input.copy(length, to: description)
    input.copy(fileSize - SegmentLayout.headerSize, to: base + SegmentLayout.headerSize)
    if flags & 1 != 0 { repairAll(base, fileSize, description) }
}

private func repairAll(_ base: UnsafeMutableRawPointer, _ fileSize: Int, _ description: UnsafeMutableRawPointer) {
    let length = Int(description.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    if length >= DescriptionLayout.fixedSize && length <= DescriptionLayout.capacity {
        repair(description + 8, over: description + 12, length - 12)
    }
    for offset in [SegmentLayout.progressOffsets.0, SegmentLayout.progressOffsets.1] {
        repair(base + offset, over: base + offset + 4, SegmentLayout.progressSize - 4)
    }
    let sync = description.loadUnaligned(fromByteOffset: 44, as: UInt32.self)
    for offset in stride(from: SegmentLayout.headerSize, to: fileSize - EventLayout.fixedSize + 1, by: 8) {
        let record = base + offset
        let size = Int(record.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        guard record.loadUnaligned(as: UInt32.self) == sync, size >= EventLayout.fixedSize, size <= fileSize - offset else { continue }
        record.storeBytes(of: RecordChecksum.value(record, length: size, sync: sync, offset: offset), toByteOffset: 4, as: UInt32.self)
    }
}

private func read(_ file: UnsafeRawBufferPointer, _ description: Description, _ state: StateWord, _ progress: Progress) {
    guard let base = file.baseAddress else { return }
    let context = UnsafeMutablePointer<EventContext>.allocate(capacity: 1)
    context.initialize(to: description.context(base))
    defer { context.deallocate() }
    var reader = SegmentReader(file, description: description, context: context, state: state, from: progress.offset)
    var json = EventJSON()
    var offset = reader.offset
    while let event = reader.next() {
        // It ends: every step goes on, and none leaves the file.
        precondition(reader.offset > offset && reader.offset <= max(file.count, SegmentLayout.headerSize))
        offset = reader.offset
        visit(event)
        json.removeAll()
        json.write(event)
        guard let text = json.bytes else { fatalError("out of memory") }
        JSONCheck.check(text)
        // Also keeps the writer alive until here: `text` points into it.
        precondition(json.bytes?.count == text.count)
        reached()
    }
}
