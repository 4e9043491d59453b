// SPDX-License-Identifier: Apache-2.0

/// The head of a request for metrics: RFC 9112, sections 2 to 6, as strictly as they allow. What could be read in two
/// ways is refused.
struct RequestHead: Equatable {
    enum Method: Equatable { case get, head, other }

    private(set) var method = Method.other
    /// The path is `/metrics`.
    private(set) var isForMetrics = false
    private(set) var isVersion10 = false
    /// The connection goes on after the answer.
    private(set) var isKept = true
    /// All values of Accept, with commas between them; nil: none.
    private(set) var accept: [UInt8]?
    /// Every host that the request names is this machine, by a name that no foreign server can take.
    private(set) var isForThisMachine = true
    /// A browser says that a page of another site asks.
    private(set) var isOfOtherSite = false

    private var hostCount = 0
    private var hasBody = false
    private var saysKeepAlive = false
    private var saysClose = false

    static let targetLineLimit = 2048
    static let limit = 8192

    enum Result: Equatable {
        /// More has to come.
        case incomplete
        case refused(ResponseStatus)
        /// The first `length` bytes.
        case complete(RequestHead, length: Int)
    }

    private init() {}

    /// `bytes`: what has come so far, at most `limit` bytes of it; more follows it only after the answer.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> Result {
        let start = HTTPLine.skipEmpty(bytes)
        var head = RequestHead()
        var at = start
        while true {
            let isFirst = at == start
            // Whatever follows a target that is too long, the answer is the same.
            let end = isFirst ? min(bytes.count, start &+ targetLineLimit &+ 2) : bytes.count
            switch HTTPLine.find(bytes, at, end) {
            case .bad: return .refused(.badRequest)
            case .none:
                if isFirst, bytes.count &- start > targetLineLimit &+ 1 { return .refused(.targetTooLong) }
                return bytes.count >= limit ? .refused(.fieldsTooLarge) : .incomplete
            case .whole(let end):
                let text = UnsafeRawBufferPointer(rebasing: bytes[at..<end])
                if isFirst {
                    if text.count > targetLineLimit { return .refused(.targetTooLong) }
                    if let status = head.takeRequestLine(text) { return .refused(status) }
                } else if text.isEmpty {
                    if let status = head.finish() { return .refused(status) }
                    return .complete(head, length: end &+ 2)
                } else if !head.takeField(text) {
                    return .refused(.badRequest)
                }
                at = end &+ 2
            }
        }
    }

    /// `GET /metrics HTTP/1.1`
    private mutating func takeRequestLine(_ line: UnsafeRawBufferPointer) -> ResponseStatus? {
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), last > first &+ 1, first > 0
        else { return .badRequest }
        let target = UnsafeRawBufferPointer(rebasing: line[(first &+ 1)..<last])
        for byte in line[..<first] where !HTTPHeader.isTokenByte(byte) { return .badRequest }
        for byte in target where byte <= 0x20 || byte >= 0x7F { return .badRequest }
        if let status = takeVersion(UnsafeRawBufferPointer(rebasing: line[(last &+ 1)...])) { return status }
        if line[..<first].elementsEqual("GET".utf8) { method = .get }
        if line[..<first].elementsEqual("HEAD".utf8) { method = .head }
        return takeTarget(target) ? nil : .badRequest
    }

    private mutating func takeVersion(_ text: UnsafeRawBufferPointer) -> ResponseStatus? {
        guard text.count == 8, text.prefix(5).elementsEqual("HTTP/".utf8), Authority.isDigit(text[5]),
            text[6] == UInt8(ascii: "."), Authority.isDigit(text[7])
        else { return .badRequest }
        if text[5] != UInt8(ascii: "1") { return .versionNotSupported }
        isVersion10 = text[7] == UInt8(ascii: "0")
        return nil
    }

    /// RFC 9112, section 3.2: `/metrics`, or the same as an absolute URL, whose host then counts like the field Host.
    private mutating func takeTarget(_ target: UnsafeRawBufferPointer) -> Bool {
        var path = target[...]
        let scheme: StaticString = "http://"
        if target.count > scheme.utf8CodeUnitCount, startsWith(target, scheme) {
            let rest = target[scheme.utf8CodeUnitCount...]
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            guard checkHost(Array(rest[..<end])) else { return false }
            path = rest[end...]
        }
        let end = path.firstIndex(of: UInt8(ascii: "?")) ?? path.endIndex
        isForMetrics = path[..<end].elementsEqual("/metrics".utf8)
        return true
    }

    /// `Name: value`. False: it is not a field.
    private mutating func takeField(_ line: UnsafeRawBufferPointer) -> Bool {
        // Section 5.1: no blank before the colon. Section 5.2: a line that continues another begins with a blank.
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return false }
        for byte in line[..<colon] where !HTTPHeader.isTokenByte(byte) { return false }
        let name = UnsafeRawBufferPointer(rebasing: line[..<colon])
        let value = HTTPLine.value(line, behind: colon)
        if isSame(name, "host") { return takeHost(value) }
        if isSame(name, "accept") { takeAccept(value) }
        if isSame(name, "connection") { takeConnection(value) }
        if isSame(name, "transfer-encoding") { hasBody = true }
        if isSame(name, "content-length") { return takeLength(value) }
        if isSame(name, "sec-fetch-site"), !isSame(value, "none"), !isSame(value, "same-origin") {
            isOfOtherSite = true
        }
        if isSame(name, "origin"), !isOwnOrigin(value) { isOfOtherSite = true }
        return true
    }

    /// RFC 6454, section 7: `http://host:port`, or `null` for a page that has no origin. Prometheus sends none. The host
    /// must be this machine, as in the field Host.
    private func isOwnOrigin(_ value: UnsafeRawBufferPointer) -> Bool {
        let (plain, secure): (StaticString, StaticString) = ("http://", "https://")
        let length: Int
        if startsWith(value, plain) {
            length = plain.utf8CodeUnitCount
        } else if startsWith(value, secure) {
            length = secure.utf8CodeUnitCount
        } else {
            return false
        }
        guard let authority = try? Authority.parse(Array(value[length...])[...]) else { return false }
        return authority.isLoopback
    }

    private mutating func takeHost(_ value: UnsafeRawBufferPointer) -> Bool {
        hostCount &+= 1
        return checkHost(Array(value))
    }

    /// DNS rebinding: a page of another site has its name point to this machine, and its requests then name that site.
    /// False: it is not a host at all.
    private mutating func checkHost(_ host: [UInt8]) -> Bool {
        guard let authority = try? Authority.parse(host[...]) else {
            // An empty one is allowed where the target has no host.
            isForThisMachine = false
            return true
        }
        if !authority.isLoopback { isForThisMachine = false }
        return true
    }

    private mutating func takeAccept(_ value: UnsafeRawBufferPointer) {
        if accept == nil { accept = [] } else { accept?.append(UInt8(ascii: ",")) }
        accept?.append(contentsOf: value)
    }

    private mutating func takeConnection(_ value: UnsafeRawBufferPointer) {
        for part in value.split(separator: UInt8(ascii: ",")) {
            let word = part.drop { $0 == 0x20 || $0 == 0x09 }.prefix { $0 != 0x20 && $0 != 0x09 }
            let text = UnsafeRawBufferPointer(rebasing: word)
            if isSame(text, "close") { saysClose = true }
            if isSame(text, "keep-alive") { saysKeepAlive = true }
        }
    }

    private mutating func takeLength(_ value: UnsafeRawBufferPointer) -> Bool {
        if value.isEmpty { return false }
        for byte in value {
            guard Authority.isDigit(byte) else { return false }
            if byte != UInt8(ascii: "0") { hasBody = true }
        }
        return true
    }

    /// At the empty line. Not nil: the request is refused.
    private mutating func finish() -> ResponseStatus? {
        // RFC 9112, section 3.2: exactly one in HTTP/1.1.
        if hostCount > 1 || hostCount == 0 && !isVersion10 { return .badRequest }
        isKept = isVersion10 ? saysKeepAlive && !saysClose : !saysClose
        // What follows is not read, so that nothing in it is taken for another request.
        if hasBody && method != .other { return .contentTooLarge }
        if hasBody { isKept = false }
        return nil
    }

    private func startsWith(_ text: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
        isSame(UnsafeRawBufferPointer(rebasing: text.prefix(prefix.utf8CodeUnitCount)), prefix)
    }

    /// The same, in whatever case letters are.
    private func isSame(_ text: UnsafeRawBufferPointer, _ other: StaticString) -> Bool {
        guard text.count == other.utf8CodeUnitCount else { return false }
        for index in 0..<text.count where Authority.lowercase(text[index]) != other.utf8Start[index] { return false }
        return true
    }
}
