import CSystem
@testable import TelemetryCore

/// Input: length of the tool metadata (2 bytes), its attribute count (2 bytes), the metadata, the
/// record. Whatever they say, every accessor stays inside them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecord(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    var input = Input(bytes, size)
    let length = input.u16()
    let count = input.u16()
    let rest = input.remaining
    guard length <= rest.count else { return -1 }
    var context = EventContext()
    context.metadata = UnsafeRawBufferPointer(rebasing: rest[..<length])
    context.metadataCount = count
    withUnsafePointer(to: &context) { place in
        guard let event = EventView(record: UnsafeRawBufferPointer(rebasing: rest[length...]), context: place) else { return }
        visit(event)
        reached()
    }
    return 0
}
