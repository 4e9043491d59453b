@testable import TelemetryCore

private let format = SplunkHECFormat(NetworkChoice(.splunkHEC))

/// The body of a 400 from Splunk's collector: it names one of the events that were sent, or all are refused.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSplunkResponse(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let body = Array(UnsafeBufferPointer(start: bytes, count: size))
    switch format.outcome(HTTPResponse(status: 400, body: body), eventCount: 7, now: 0).verdict {
    case .rejected: break
    case .invalid(let index):
        precondition((0..<7).contains(index))
        reached()
    default: preconditionFailure()
    }
    return 0
}
