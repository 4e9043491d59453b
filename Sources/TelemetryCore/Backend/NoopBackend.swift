// SPDX-License-Identifier: Apache-2.0

/// Takes every event and forgets it.
final class NoopBackend: Backend {
    let kind = "noop"
    let info = "noop: events are discarded"
    let isLocal = true
    let batchLimit = (events: 100_000, bytes: 16 << 20)

    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        Outcome(verdict: .accepted)
    }

    func preview(_ events: UnsafeBufferPointer<RecordView>) -> [UInt8]? { [] }

    func close() {}
}
