@testable import TelemetryCore

/// A server's answer: the input's header lines up to an empty one, then the body, in pieces as the bytes
/// say. What it asks for is bounded, whatever it says, and what is kept is what came first.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzResponse(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let limit = 1000
    let reader = ResponseReader(bodyLimit: limit)
    var rest = UnsafeRawBufferPointer(start: bytes, count: size)
    while !rest.isEmpty && !reader.isHeaderComplete {
        let end = rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.count
        guard reader.header(UnsafeRawBufferPointer(rebasing: rest[..<end])) else { break }
        rest = UnsafeRawBufferPointer(rebasing: rest[end...])
    }
    let taken = feed(rest, to: reader)
    precondition(taken <= limit)
    guard let response = reader.response else { return 0 }
    precondition((200...999).contains(response.status))
    precondition(response.body.starts(with: rest.prefix(taken)) && response.body.count <= ResponseReader.keptBytes)
    precondition(response.retryAfter.count <= 64 && response.rateLimitReset.count <= 64)
    for now in [0, 1_778_596_245, Int.max] {
        if let seconds = RetryAfter.seconds(response.retryAfter, now: now) {
            precondition((0...RetryAfter.maxSeconds).contains(seconds))
            reached()
        }
    }
    return 0
}

/// How many bytes of the body it took before it had enough.
private func feed(_ body: UnsafeRawBufferPointer, to reader: ResponseReader) -> Int {
    var taken = 0
    while taken < body.count {
        let piece = min(body.count - taken, 1 + Int(body[taken]))
        guard reader.body(UnsafeRawBufferPointer(rebasing: body[taken..<taken + piece])) else { break }
        taken += piece
    }
    return taken
}
