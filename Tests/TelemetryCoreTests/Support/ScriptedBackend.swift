@testable import TelemetryCore

/// Answers as it is told to, and keeps what it was sent.
final class ScriptedBackend: Backend {
    let kind = "scripted"
    let info = "scripted"
    var isLocal = true
    let batchLimit: (events: Int, bytes: Int)
    /// The names of the events of each send.
    private(set) var batches: [[String]] = []
    private(set) var closed = 0
    private let answer: (_ names: [String], _ call: Int, SendControl) -> Outcome

    init(
        batchEvents: Int = 100, batchBytes: Int = 1 << 20,
        answer: @escaping (_ names: [String], _ call: Int, SendControl) -> Outcome
    ) {
        batchLimit = (batchEvents, batchBytes)
        self.answer = answer
    }

    /// One verdict after the other; after the last, everything is accepted.
    convenience init(_ script: [Verdict] = [], batchEvents: Int = 100) {
        self.init(batchEvents: batchEvents) { _, call, _ in
            call < script.count ? Outcome(verdict: script[call], reason: "reason \(call)") : Outcome(verdict: .accepted)
        }
    }

    var sent: [String] { batches.flatMap { $0 } }

    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome {
        batches.append(events.map { Sample.text($0.name) })
        return answer(batches[batches.count - 1], batches.count - 1, control)
    }

    func close() { closed += 1 }
}
