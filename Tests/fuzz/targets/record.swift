import CSystem
@testable import TelemetryCore

/// Input: length of the tool metadata (2 bytes), its attribute count (2 bytes), the metadata, the
/// record. Whatever they say, every accessor stays inside them and agrees with the counts.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecord(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let input = UnsafeRawBufferPointer(start: bytes, count: size)
    guard size >= 4 else { return -1 }
    let length = Int(input.loadUnaligned(as: UInt16.self))
    guard 4 + length <= size else { return -1 }
    var context = EventContext()
    context.metadata = UnsafeRawBufferPointer(rebasing: input[4..<4 + length])
    context.metadataCount = Int(input.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    guard let event = EventView(record: UnsafeRawBufferPointer(rebasing: input[(4 + length)...]), context: context)
    else { return 0 }
    visit(event)
    return 0
}

private func visit(_ event: EventView) {
    var sum = event.schemaVersion &+ Int(truncatingIfNeeded: event.timestamp)
    sum &+= Int(truncatingIfNeeded: event.durationMilliseconds ?? 0) &+ Int(event.exitCode ?? 0)
    for text in [event.eventID, event.type, event.name, event.errorCategory, event.error] { sum &+= touch(text) }
    var arguments = 0
    event.forEachArgument { arguments += 1; sum &+= touch($0) }
    var attributes = 0
    event.forEachAttribute { attributes += 1; sum &+= touch($0) }
    var merged = 0
    event.forEachMergedAttribute { merged += 1; sum &+= touch($0) }
    precondition(arguments == event.argumentCount && attributes == event.attributeCount)
    precondition(merged <= attributes + event.context.metadataCount && (attributes == 0 || merged > 0))
    sink = sum
}

private func touch(_ attribute: AttributeView) -> Int {
    if case .string(let text) = attribute.value { return touch(attribute.key) &+ touch(text) }
    return touch(attribute.key)
}

/// Reads every byte, so that AddressSanitizer sees one that is not ours.
private func touch(_ text: UnsafeRawBufferPointer) -> Int {
    var sum = 0
    for byte in text { sum &+= Int(byte) }
    return sum
}

/// Keeps the optimiser from dropping the reads.
nonisolated(unsafe) public var sink = 0
