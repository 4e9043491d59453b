// SPDX-License-Identifier: Apache-2.0

/// Replaces a backend that cannot be made from the configuration: keeps every event, and says why.
final class UnavailableBackend: Backend {
    let kind: String
    let info: String
    let isLocal = true
    let isUsable = false
    let batchLimit = (events: 1, bytes: 1 << 20)
    private let reason: String

    init(kind: String, reason: String) {
        self.kind = kind
        self.reason = reason
        info = kind + ": unavailable: " + reason
    }

    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        Outcome(verdict: .retry(afterSeconds: nil), reason: reason)
    }

    func close() {}
}
