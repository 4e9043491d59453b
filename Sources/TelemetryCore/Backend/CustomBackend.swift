// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Hands batches to the host's own callback: as JSON, or as events to be read one by one.
final class CustomBackend: Backend {
    let kind = "custom"
    let info: String
    let isLocal = false
    let batchLimit = (events: 1000, bytes: 256 << 10)

    private let callbacks: telemetry_backend
    private var json = EventJSON()

    /// Members beyond `callbacks.size` count as absent. `info`: nil: made of its name.
    init(_ callbacks: telemetry_backend, info: String? = nil) {
        self.callbacks = callbacks.known
        self.info = info ?? callbacks.info
    }

    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        let timeout = UInt32(clamping: control.deadline.remainingMilliseconds(cap: Int(UInt32.max)))
        let answer: telemetry_verdict
        if let send = callbacks.send_events {
            answer = HandedEvent.withEach(of: events) { send(callbacks.context, $0, events.count, timeout) }
        } else if let send = callbacks.send {
            guard let bytes = encode(events) else { return .outOfMemory }
            let text = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            answer = send(callbacks.context, text, bytes.count, events.count, timeout)
        } else {
            return Outcome(verdict: .retry(afterSeconds: nil), reason: "the custom backend has no send callback")
        }
        csystem_program_ran()
        switch answer {
        case TELEMETRY_ACCEPTED: return Outcome(verdict: .accepted)
        case TELEMETRY_REJECTED: return Outcome(verdict: .rejected, reason: "the custom backend rejected the batch")
        // Also values that a callback written for a later version may return.
        default: return Outcome(verdict: .retry(afterSeconds: nil), reason: "the custom backend asked to retry")
        }
    }

    /// The bytes that the callback gets. What it does with them is up to the host.
    func preview(_ events: UnsafeBufferPointer<RecordView>) -> [UInt8]? { encode(events).map { Array($0) } }

    private func encode(_ events: UnsafeBufferPointer<RecordView>) -> UnsafeRawBufferPointer? {
        json.removeAll()
        json.writeArray(events)
        return json.bytes
    }

    func close() {
        callbacks.close?(callbacks.context)
        csystem_program_ran()
    }
}
