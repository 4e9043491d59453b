// SPDX-License-Identifier: Apache-2.0
import CSystem

/// The last resort: an event `data.deletion_request` with the id to be erased, sent at once through the tool's backend.
/// It never goes through the spool, so nothing else is sent with it; a log gets it as its next line. It needs no consent, because the user asks for it.
final class DeletionEvent {
    static let name = EventSchema.deletionRequest

    let options: Options
    let backend: any Backend
    private let control: () -> SendControl
    /// The host that was asked last, if a redirect led there; empty: the destination itself.
    private(set) var taker = ""
    private let isLog: Bool

    init(options: Options, _ destination: Destination, control: @escaping () -> SendControl) {
        self.options = options
        self.control = control
        backend = makeBackend(
            destination.choice, toolName: options.toolName, stateDirectory: SpoolInspector.path(options: options))
        isLog = destination.isLog
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
            let control = control()
            if isLog { return appending(until: control.deadline) { self.send(event, control) } }
            return send(event, control)
        }
    }

    private func send(_ event: RecordView, _ control: SendControl) -> String? {
        let outcome = [event].withUnsafeBufferPointer { backend.send($0, control) }
        taker = outcome.taker
        return outcome.verdict == .accepted ? nil : outcome.reason
    }

    /// A process that writes to a log has the right to deliver. An append that a crash has cut short is taken back by the next
    /// delivery, and a line behind it would go with it.
    private func appending(until deadline: Deadline, _ body: () -> String?) -> String? {
        do throws(SystemError) {
            let shared = try SpoolDirectory.open(options)
            defer { shared.close() }
            guard let lease = try Lease.obtain(shared.directory, until: deadline) else {
                return "another process delivers"
            }
            defer { lease.end() }
            if shared.delivery.appendInode != 0 { return "a delivery was cut short: 'telemetry flush' ends it" }
            return lease.writingLogs(body) ?? "another process writes"
        } catch {
            return error.text
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
