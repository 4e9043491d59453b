@testable import TelemetryCore

/// A server's answer: the input is its header lines. What it asks for is bounded, whatever it says.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzResponse(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let reader = ResponseReader()
    for line in UnsafeRawBufferPointer(start: bytes, count: size).split(separator: 0x0A, omittingEmptySubsequences: false) {
        guard reader.header(UnsafeRawBufferPointer(rebasing: line)) else { break }
    }
    guard let response = reader.response else { return 0 }
    precondition((0...999).contains(response.status))
    for now in [0, 1_778_596_245, Int.max] {
        if let seconds = RetryAfter.seconds(response.retryAfter, now: now) {
            precondition(seconds >= 0)
            reached()
        }
    }
    return 0
}
