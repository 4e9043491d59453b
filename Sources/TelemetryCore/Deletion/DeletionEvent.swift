// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The last resort: an event `data.deletion_request` with the id to be erased, sent at once through the tool's backend.
/// It never goes through the spool, so nothing else is sent with it. It needs no consent, because the user asks for it.
final class DeletionEvent {
    static let name = EventSchema.deletionRequest

    let options: Options
    let backend: any Backend
    private let control: () -> SendControl
    /// The host that was asked last, if a redirect led there; empty: the destination itself.
    private(set) var taker = ""

    init(options: Options, _ destination: Destination, control: @escaping () -> SendControl) {
        self.options = options
        self.control = control
        backend = makeBackend(destination.choice, toolName: options.toolName, stateDirectory: nil)
    }

    /// Nil: accepted. Otherwise the reason why not.
    func ask(for id: String) -> String? {
        let context = ContextBlock(
            options, Redactor(home: Environment.refusing("HOME")), machineID: id, keepsID: true)
        guard
            let segment = Segment.createHeap(
                size: 2 * SegmentLayout.headerSize, epoch: 1, context: context, address: nil)
        else { return "out of memory" }
        defer { segment.release(removingFrom: nil) }
        let record = Self.record(now: Clock.realtime())
        return record.withUnsafeBytes { bytes in
            guard let event = RecordView(record: bytes, context: segment.context) else { return "out of memory" }
            let outcome = [event].withUnsafeBufferPointer { backend.send($0, control()) }
            taker = outcome.taker
            return outcome.verdict == .accepted ? nil : outcome.reason
        }
    }

    /// A record of docs/spool-format.md, with the parts that are read outside a segment. It is not made by the
    /// recording path, because that code is laid out for its existing callers.
    private static func record(now: Int64) -> [UInt8] {
        let (type, name) = (Array(TELEMETRY_DATA_DELETION_REQUEST.utf8), Array(Self.name.utf8))
        var record = [UInt8](repeating: 0, count: EventLayout.fixedSize)
        record.withUnsafeMutableBytes { area in
            guard let base = area.baseAddress else { return }
            let id = EventIdentifier.make(now: now, generation: Random.word(), offset: 0)
            RecordLayout.schema.store(UInt8(EventSchema.version), base)
            RecordLayout.time.store(now, base)
            Field(RecordLayout.id).store(id.high.bigEndian, base)
            Field(RecordLayout.id + 8).store(id.low.bigEndian, base)
            EventLayout.typeLength.store(UInt16(truncatingIfNeeded: type.count), base)
            EventLayout.nameLength.store(UInt16(truncatingIfNeeded: name.count), base)
        }
        return record + type + name
    }

    /// A program's backend ends with its collector.
    func close() { if backend.kind != "custom" { backend.close() } }
}
