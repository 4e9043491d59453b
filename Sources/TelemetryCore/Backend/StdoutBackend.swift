// SPDX-License-Identifier: Apache-2.0

/// Writes each batch as a pretty JSON array and a newline, usually to standard output.
final class StdoutBackend: Backend {
    let kind = "stdout"
    let info: String
    let isLocal = true
    let batchLimit = (events: 1000, bytes: 256 << 10)

    private let target: PrintTarget
    private var json: EventJSON
    /// A batch that a stopped reader cut short. The missing part is written before anything else, so that the output
    /// stays JSON. If the batch is sent again, it is not written a second time.
    private var interrupted: (batch: BatchIdentity, written: Int)?

    init(_ target: PrintTarget = .standard, _ form: EventForm = EventForm()) {
        json = EventJSON(pretty: true, form: form)
        self.target = target
        info = "stdout: pretty JSON on " + target.name
    }

    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        SignalMask.withoutWriteSignals {
            switch target {
            case .descriptor(let number): return print(events, to: Descriptor(raw: number), control)
            case .file(let path):
                // Not kept open: somebody may replace the file meanwhile.
                do throws(LogError) {
                    let file = try PrintedFile.open(path)
                    defer { file.close() }
                    return print(events, to: file, control)
                } catch {
                    return Outcome(
                        verdict: .retry(afterSeconds: nil), reason: target.name + ": " + error.text, hasLeft: false)
                }
            }
        }
    }

    private func print(_ events: UnsafeBufferPointer<RecordView>, to output: Descriptor, _ control: SendControl)
        -> Outcome
    {
        let batch = BatchIdentity(events)
        if let interrupted {
            if let failure = write(interrupted.batch, from: interrupted.written, to: output, control) { return failure }
            if interrupted.batch == batch { return Outcome(verdict: .accepted) }
        }
        encode(events)
        return write(batch, from: 0, to: output, control) ?? Outcome(verdict: .accepted)
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
    private func write(_ batch: BatchIdentity, from start: Int, to output: Descriptor, _ control: SendControl)
        -> Outcome?
    {
        guard let bytes = json.bytes else { return .outOfMemory }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        let (written, error) = output.writeBounded(rest) { control.isCancelled() || control.deadline.isPast }
        if written == rest.count {
            interrupted = nil
            return nil
        }
        if start + written > 0 { interrupted = (batch, start + written) }
        let reason = error?.text ?? "the reader takes no more for now"
        return Outcome(verdict: .retry(afterSeconds: nil), reason: target.name + ": " + reason)
    }
}

extension Outcome {
    static var outOfMemory: Outcome { Outcome(verdict: .retry(afterSeconds: nil), reason: "out of memory") }
}
