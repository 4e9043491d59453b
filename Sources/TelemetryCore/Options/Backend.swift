// SPDX-License-Identifier: Apache-2.0

/// What happened to a batch.
enum Verdict: Equatable {
    case accepted
    /// So many of its events were refused for good; the others were accepted.
    case partial(rejected: Int)
    /// The events before this one were accepted. This one never will be. Those behind it are to be sent again.
    case invalid(at: Int)
    /// This event never will be accepted, and because of it no event was: those before and behind it are to be sent
    /// again.
    case spoilt(by: Int)
    /// Keep it and try again; the receiver may have said when (seconds from now).
    case retry(afterSeconds: Int?)
    /// Too large for the receiver: send the halves.
    case split
    /// Refused for good.
    case rejected
    /// The receiver wants nothing more, ever (HTTP 410).
    case stop
}

/// A verdict, and one line for people on why, without a secret in it.
struct Outcome {
    var verdict: Verdict
    var reason: String = ""
    /// False: the receiver does not have the batch. Nothing of it has left, or the answer says that it was not taken.
    var hasLeft = true
    /// The receiver that took the batch, or may have, where a redirect led to another address; empty: the backend's
    /// own.
    var taker = ""
    /// How many of the events it is about, from the first; nil: all.
    var eventCount: Int?
}

/// Where events go. One thread at a time calls it.
protocol Backend: AnyObject {
    /// The kind, as manifests and options name it: "noop", "stdout", "file", "custom", or a `Receiver`'s.
    var kind: String { get }
    /// One line for people, without a secret in it.
    var info: String { get }
    /// Sending needs no network and ends by itself at once.
    var isLocal: Bool { get }
    /// False: it can send nothing, and `info` says why.
    var isUsable: Bool { get }
    /// The receiver acknowledges nothing: the guarantee is at most once, whatever the author chose.
    var isUnacknowledged: Bool { get }
    /// Nothing can be sent in this process any more. This says nothing about the receiver.
    var isOver: Bool { get }
    /// `send` calls `SendControl.leave` itself, once there is a way to the receiver. False: a batch counts as on its
    /// way as soon as `send` is called.
    var tellsLeaving: Bool { get }
    /// Longest time one send may take; 0: the collector's own.
    var timeoutMilliseconds: UInt32 { get }
    /// Most events in one batch, and most bytes of record data.
    var batchLimit: (events: Int, bytes: Int) { get }
    /// Sends the batch, in order.
    func send(_ events: UnsafeBufferPointer<RecordView>, _ control: SendControl) -> Outcome
    /// What `send` would send for this batch, byte for byte and made by the same code; only credentials
    /// are masked. More than one request where it takes more. Nil: nothing can be sent, or memory ran out.
    func preview(_ events: UnsafeBufferPointer<RecordView>) -> [UInt8]?
    /// Releases what it holds. Called once, last.
    func close()
}

extension Backend {
    var isUsable: Bool { true }
    var isUnacknowledged: Bool { false }
    var isOver: Bool { false }
    var tellsLeaving: Bool { false }
    var timeoutMilliseconds: UInt32 { 0 }
    func preview(_ events: UnsafeBufferPointer<RecordView>) -> [UInt8]? { nil }
}
