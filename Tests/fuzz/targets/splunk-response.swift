@testable import TelemetryCore

private let format = SplunkHECFormat(NetworkChoice(.splunkHEC))

/// The body of a 400 from Splunk's collector: it names one of the events that were sent, or all are refused.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSplunkResponse(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let body = Array(UnsafeBufferPointer(start: bytes, count: size))
    let response = HTTPResponse(status: 400, body: body)
    switch format.outcome(response, eventCount: 7, now: 0).verdict {
    case .rejected: break
    case .invalid(let index):
        precondition((0..<7).contains(index))
        reached()
    // A proxy in front of it asks for a certificate.
    case .retry: precondition(Acknowledgement.isPage(response))
    default: preconditionFailure()
    }
    return 0
}
