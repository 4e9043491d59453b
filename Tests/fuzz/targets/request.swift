import Foundation

@testable import TelemetryCore

/// What a client sends to a server of metrics. It means the same in whatever pieces it comes, and the answer is
/// HTTP.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequest(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let given = UnsafeRawBufferPointer(start: bytes, count: min(size, RequestHead.limit))
    let whole = RequestHead.parse(given)
    switch whole {
    case .incomplete: precondition(given.count < RequestHead.limit)
    case .refused(let status): check(ScrapeAnswer(refusing: status))
    case .complete(let head, let length):
        precondition(length > 0 && length <= given.count && given[length - 1] == 0x0A)
        // What follows belongs to the next request.
        precondition(RequestHead.parse(UnsafeRawBufferPointer(rebasing: given[..<length])) == whole)
        reached()
        for isLocal in [false, true] {
            check(ScrapeAnswer(head, isLocal: isLocal) { ServedText(Array("x".utf8), $0) })
            check(ScrapeAnswer(head, isLocal: isLocal) { _ in nil })
        }
        if !head.isForThisMachine { precondition(status(ScrapeAnswer(head, isLocal: false) { _ in nil }) == 403) }
    }
    for count in stride(from: 0, to: given.count, by: 1 + given.count / 16) {
        switch RequestHead.parse(UnsafeRawBufferPointer(rebasing: given[..<count])) {
        case .incomplete: break
        case let early: precondition(early == whole)
        }
    }
    return 0
}

private func status(_ answer: ScrapeAnswer) -> Int {
    Int(String(decoding: answer.bytes[9..<12], as: UTF8.self)) ?? 0
}

/// One head, and the body that it says.
private func check(_ answer: ScrapeAnswer) {
    let text = String(decoding: answer.bytes, as: UTF8.self)
    precondition(text.hasPrefix("HTTP/1.1 ") && (200...505).contains(status(answer)))
    let parts = text.components(separatedBy: "\r\n\r\n")
    precondition(parts.count == 2)
    precondition(parts[1].utf8.isEmpty || parts[0].contains("Content-Length: \(parts[1].utf8.count)\r\n"))
    precondition(!parts[0].contains("Access-Control"))
}
