@testable import TelemetryCore

/// The body of an answer to OTLP, in protobuf or JSON: whatever it says, no more events are rejected than were sent.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOTLPResponse(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let body = Array(UnsafeBufferPointer(start: bytes, count: size))
    let format = OTLPFormat(isJSON: false)
    switch format.outcome(HTTPResponse(status: 200, body: body), eventCount: 7, now: 0).verdict {
    case .accepted: break
    case .partial(let rejected):
        precondition((1...7).contains(rejected))
        reached()
    default: preconditionFailure()
    }
    return 0
}
