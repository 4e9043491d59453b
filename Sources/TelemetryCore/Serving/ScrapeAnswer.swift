// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What there is to scrape.
enum ScrapeContent {
    case text([UInt8])
    /// Nothing is recorded any more. The server ends after this answer, which has no metrics.
    case ended([UInt8])
    case failure
}

/// The text of an answer. Clients that ask at the same time get the same one, so it is in memory once.
final class ServedText {
    let bytes: [UInt8]
    let format: ExpositionFormat
    /// When it was begun, nanoseconds of the monotonic clock: what was recorded before is in it.
    let made: Int64
    /// The server ends after it.
    let isEnd: Bool

    init(_ bytes: [UInt8], _ format: ExpositionFormat, made: Int64 = 0, isEnd: Bool = false) {
        self.bytes = bytes
        self.format = format
        self.made = made
        self.isEnd = isEnd
    }
}

/// An answer to a request, as bytes.
struct ScrapeAnswer {
    /// All of it, or what comes before the text.
    let bytes: [UInt8]
    private(set) var text: ServedText?
    /// The connection ends after it.
    let isLast: Bool
    /// The server ends after it.
    var isEnd = false

    /// The request is refused before it is understood: the connection cannot go on.
    init(refusing status: ResponseStatus) {
        self.init(status, isKept: false, isVersion10: false)
    }

    /// `isLocal`: the connection is one of a Unix socket, whose clients may name any host.
    /// The text is nil if there is none now.
    init(_ head: RequestHead, isLocal: Bool, _ content: (ExpositionFormat) -> ServedText?) {
        if let status = Self.refusal(head, isLocal: isLocal) {
            self.init(status, isKept: head.isKept, isVersion10: head.isVersion10, isWithoutBody: head.method == .head)
            return
        }
        let choice =
            head.accept.map { $0.withUnsafeBytes { ExpositionChoice(accept: $0) } } ?? ExpositionChoice.usual
        guard let text = content(choice.format) else {
            self.init(.failed, isKept: head.isKept, isVersion10: head.isVersion10, isWithoutBody: head.method == .head)
            return
        }
        self.init(head, choice, text)
    }

    private static func refusal(_ head: RequestHead, isLocal: Bool) -> ResponseStatus? {
        if head.isOfOtherSite || !isLocal && !head.isForThisMachine { return .forbidden }
        if !head.isForMetrics { return .notFound }
        return head.method == .other ? .methodNotAllowed : nil
    }

    private init(_ head: RequestHead, _ choice: ExpositionChoice, _ text: ServedText) {
        let isKept = head.isKept && !text.isEnd
        bytes = Self.head(
            .ok, choice.contentType, text.bytes.count, isKept: isKept, isVersion10: head.isVersion10,
            extra: "Vary: Accept\r\n")
        if head.method != .head { self.text = text }
        isLast = !isKept
        isEnd = text.isEnd
    }

    private init(_ status: ResponseStatus, isKept: Bool, isVersion10: Bool, isWithoutBody: Bool = false) {
        var made = Self.head(
            status, "text/plain; charset=utf-8", status.text.utf8CodeUnitCount, isKept: isKept,
            isVersion10: isVersion10,
            extra: status == .methodNotAllowed ? "Allow: GET, HEAD\r\n" : "")
        if !isWithoutBody { Self.append(&made, status.text) }
        bytes = made
        isLast = !isKept
    }

    /// A browser that shows a page of another site is told not to guess what this is, and to give it to nobody.
    private static let fixed: StaticString =
        "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\n"

    private static func head(
        _ status: ResponseStatus, _ type: StaticString, _ length: Int, isKept: Bool, isVersion10: Bool,
        extra: StaticString
    ) -> [UInt8] {
        var made: [UInt8] = []
        made.reserveCapacity(512)
        append(&made, "HTTP/1.1 ")
        made += status.rawValue.description.utf8
        made.append(0x20)
        append(&made, status.reason)
        append(&made, "\r\nDate: ")
        made += HTTPDate.text(Int(Clock.realtime() / 1_000_000_000)).utf8
        append(&made, "\r\nContent-Type: ")
        append(&made, type)
        append(&made, "\r\nContent-Length: ")
        made += length.description.utf8
        append(&made, "\r\n")
        append(&made, extra)
        append(&made, fixed)
        if !isKept {
            append(&made, "Connection: close\r\n")
        } else if isVersion10 {
            append(&made, "Connection: keep-alive\r\n")
        }
        append(&made, "\r\n")
        return made
    }

    private static func append(_ bytes: inout [UInt8], _ text: StaticString) {
        bytes += UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
