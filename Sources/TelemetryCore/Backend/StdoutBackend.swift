// SPDX-License-Identifier: Apache-2.0

/// Writes each batch as a pretty JSON array and a newline to standard output.
final class StdoutBackend: Backend {
    let kind = "stdout"
    let info = "stdout: pretty JSON on standard output"
    let isLocal = true
    let batchLimit = (events: 1000, bytes: 256 << 10)

    private let output: Descriptor
    private var json: EventJSON
    /// A batch that a stopped reader cut short. The missing part is written before anything else, so that the output
    /// stays JSON. If the batch is sent again, it is not written a second time.
    private var interrupted: (batch: BatchIdentity, written: Int)?

    init(_ form: EventForm = EventForm(), output: Descriptor = Descriptor(raw: 1)) {
        json = EventJSON(pretty: true, form: form)
        self.output = output
    }

    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        SignalMask.withoutWriteSignals {
            let batch = BatchIdentity(events)
            if let interrupted {
                if let failure = write(interrupted.batch, from: interrupted.written, control) { return failure }
                if interrupted.batch == batch { return Outcome(verdict: .accepted) }
            }
            encode(events)
            return write(batch, from: 0, control) ?? Outcome(verdict: .accepted)
        }
    }

    func preview(_ events: UnsafeBufferPointer<RecordView>) -> [UInt8]? {
        encode(events)
        return json.bytes.map { Array($0) }
    }

    func close() {}

    private func encode(_ events: UnsafeBufferPointer<RecordView>) {
        json.removeAll()
        json.writeArray(events)
        json.finishLine()
    }

    /// Nil: everything in `json` has been written.
    private func write(_ batch: BatchIdentity, from start: Int, _ control: SendControl) -> Outcome? {
        guard let bytes = json.bytes else { return .outOfMemory }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        let (written, error) = output.writeBounded(rest) { control.isCancelled() || control.deadline.isPast }
        if written == rest.count {
            interrupted = nil
            return nil
        }
        if start + written > 0 { interrupted = (batch, start + written) }
        let reason = error?.text ?? "the reader takes no more for now"
        return Outcome(verdict: .retry(afterSeconds: nil), reason: "standard output: " + reason)
    }
}

extension Outcome {
    static var outOfMemory: Outcome { Outcome(verdict: .retry(afterSeconds: nil), reason: "out of memory") }
}
