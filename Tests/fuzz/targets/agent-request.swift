// sources: Sources/TelemetryAgent/HTTP/RequestHead.swift Sources/TelemetryAgent/HTTP/BodyReader.swift Sources/TelemetryAgent/HTTP/HTTPRequest.swift Sources/TelemetryAgent/HTTP/Peer.swift
import TelemetryCore

/// What a client sends to the agent: a head, and a body behind it. The first byte says how the rest is cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAgentRequest(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    guard let bytes, size > 0 else { return 0 }
    let given = UnsafeRawBufferPointer(start: bytes + 1, count: size - 1)
    let whole = RequestHead.parse(given)
    // It means the same in whatever pieces it comes.
    for count in stride(from: 0, to: given.count, by: 1 + given.count / 16) {
        switch (RequestHead.parse(UnsafeRawBufferPointer(rebasing: given[..<count])), whole) {
        case (.incomplete, _): break
        case (.refused(let early), .refused(let late)): precondition(early == late)
        case (.complete(_, let early), .complete(_, let late)): precondition(early == late)
        default: preconditionFailure()
        }
    }
    guard case .complete(let head, let length) = whole else { return 0 }
    precondition(length > 0 && length <= given.count && given[length - 1] == 0x0A)
    for field in head.request.fields { precondition(!field.name.isEmpty && !field.name.contains(0x0D)) }
    reached()
    let rest = UnsafeRawBufferPointer(rebasing: given[length...])
    for limit in [0, 16, 1 << 20] {
        let (body, used, step) = read(head.body, rest, limit, piece: rest.count)
        precondition(body.count <= limit && used <= rest.count)
        let (other, otherUsed, otherStep) = read(head.body, rest, limit, piece: 1 + Int(bytes[0]) % 7)
        precondition(step == otherStep)
        if step == .complete { precondition(body == other && used == otherUsed) }
        if step == .complete, case .length(let said) = head.body { precondition(body.count == said) }
    }
    return 0
}

private func read(_ body: RequestHead.Body, _ rest: UnsafeRawBufferPointer, _ limit: Int, piece: Int)
    -> ([UInt8], Int, BodyReader.Step)
{
    guard var reader = BodyReader(body, limit: limit) else { return ([], 0, .refused(413)) }
    var (result, used) = ([UInt8](), 0)
    while true {
        let part = UnsafeRawBufferPointer(rebasing: rest[used..<min(rest.count, used + max(1, piece))])
        let (taken, step) = reader.take(part) { bytes in
            result += bytes
            return true
        }
        precondition(taken <= part.count)
        used += taken
        if step != .incomplete || used == rest.count { return (result, used, step) }
    }
}
