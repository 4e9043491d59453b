// SPDX-License-Identifier: Apache-2.0

/// How one receiver wants its events, and what its answers mean. Pure: no I/O, no clock.
protocol WireFormat: AnyObject {
    /// Most events in one request, and most bytes of record data that go into it.
    var batchLimit: (events: Int, bytes: Int) { get }
    /// Most bytes of an answer's body that are read.
    var responseLimit: Int { get }
    /// The request for a batch. Nil: out of memory. The body is valid until the next call.
    func request(for batch: WireBatch) -> WireRequest?
    /// What the answer says about the batch. `now`: seconds since 1970-01-01 UTC.
    func outcome(_ response: HTTPResponse, eventCount: Int, now: Int) -> Outcome
    /// Whether the body of a 2xx is one that this receiver answers with.
    func recognises(_ body: [UInt8]) -> Bool
}

extension WireFormat {
    var responseLimit: Int { ResponseReader.bodyLimit }
    func recognises(_ body: [UInt8]) -> Bool { true }
}

/// What goes into one request.
struct WireBatch {
    let events: UnsafeBufferPointer<RecordView>
    /// The author's key; `***` where it is shown. Empty: none.
    let key: String
    /// Failures in a row before this attempt.
    let attempt: UInt32
    /// When it is sent, nanoseconds since 1970-01-01 UTC.
    let now: Int64
}

/// A request without what every request has: `PostingBackend` adds that.
struct WireRequest {
    /// Whole header lines for every receiver.
    var headers: [String]
    /// Whole header lines that hold a credential.
    var privateHeaders: [String] = []
    /// The body holds a credential.
    var isBodyPrivate = false
    var body: UnsafeRawBufferPointer
    /// How many of the events are in it, from the first; nil: all. It has fewer if the receiver does not take more at
    /// once, or can never take the next one. 0: it can never take the first.
    var eventCount: Int?
}
