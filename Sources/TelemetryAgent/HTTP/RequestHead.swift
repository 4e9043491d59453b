// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// The head of a request: RFC 9112, sections 2 to 6, as strictly as they allow. What could be read in two ways is
/// refused. Pure; no input makes it trap.
struct RequestHead {
    enum Body: Equatable {
        case none
        case length(Int)
        case chunked
    }

    private(set) var request = HTTPRequest()
    private(set) var body = Body.none
    private(set) var isVersion10 = false
    /// The connection goes on after the answer.
    private(set) var isKept = true
    /// The client waits for `100 Continue` before it sends the body.
    private(set) var isWaiting = false
    /// Every host that the request names is this machine, by a name that no foreign server can take.
    private(set) var isForThisMachine = true
    /// A browser says that a page of another site asks.
    private(set) var isOfOtherSite = false

    private var hostCount = 0
    private var saysKeepAlive = false
    private var saysClose = false

    static let targetLineLimit = 4096
    static let limit = 16 << 10

    enum Result {
        /// More has to come.
        case incomplete
        /// With that status.
        case refused(Int)
        /// The first `length` bytes.
        case complete(RequestHead, length: Int)
    }

    private init() {}

    /// `bytes`: what has come so far; more follows it than `limit` only if the head is in those already.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> Result {
        let start = HTTPLine.skipEmpty(bytes)
        var head = RequestHead()
        var at = start
        while true {
            let isFirst = at == start
            let end = min(bytes.count, isFirst ? start &+ targetLineLimit &+ 2 : limit)
            switch HTTPLine.find(bytes, at, end) {
            case .bad: return .refused(400)
            case .none:
                if isFirst, bytes.count &- start > targetLineLimit &+ 1 { return .refused(414) }
                return bytes.count >= limit ? .refused(431) : .incomplete
            case .whole(let end):
                let text = UnsafeRawBufferPointer(rebasing: bytes[at..<end])
                at = end &+ 2
                if isFirst {
                    if text.count > targetLineLimit { return .refused(414) }
                    if let status = head.takeRequestLine(text) { return .refused(status) }
                } else if text.isEmpty {
                    if let status = head.finish() { return .refused(status) }
                    return .complete(head, length: at)
                } else if let status = head.takeField(text) {
                    return .refused(status)
                }
            }
        }
    }

    /// `GET /path?query HTTP/1.1`
    private mutating func takeRequestLine(_ line: UnsafeRawBufferPointer) -> Int? {
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), first > 0, first &+ 1 < last
        else { return 400 }
        let target = UnsafeRawBufferPointer(rebasing: line[(first &+ 1)..<last])
        for byte in line[..<first] where !HTTPHeader.isTokenByte(byte) { return 400 }
        for byte in target where byte <= 0x20 || byte >= 0x7F { return 400 }
        let version = UnsafeRawBufferPointer(rebasing: line[(last &+ 1)...])
        guard version.count == 8, version.prefix(5).elementsEqual("HTTP/".utf8), version[6] == UInt8(ascii: "."),
            Authority.isDigit(version[5]), Authority.isDigit(version[7])
        else { return 400 }
        if version[5] != UInt8(ascii: "1") { return 505 }
        isVersion10 = version[7] == UInt8(ascii: "0")
        request.method = HTTPMethod(UnsafeRawBufferPointer(rebasing: line[..<first]))
        takeTarget(target)
        return nil
    }

    /// RFC 9112, section 3.2: a path, or the same as an absolute URL, whose host then counts like the field Host.
    private mutating func takeTarget(_ target: UnsafeRawBufferPointer) {
        var path = target[...]
        let scheme = "http://".utf8.count
        if target.count > scheme, target.prefix(scheme).map({ Authority.lowercase($0) }).elementsEqual("http://".utf8) {
            let rest = target[scheme...]
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            checkHost(Array(rest[..<end]))
            path = rest[end...]
        }
        let end = path.firstIndex(of: UInt8(ascii: "?")) ?? path.endIndex
        request.path = Array(path[..<end])
        if end < path.endIndex { request.query = Array(path[(end &+ 1)...]) }
    }

    /// `Name: value`. Not nil: the request is refused.
    private mutating func takeField(_ line: UnsafeRawBufferPointer) -> Int? {
        // Section 5.1: no blank before the colon. Section 5.2: a line that continues another begins with a blank.
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return 400 }
        for byte in line[..<colon] where !HTTPHeader.isTokenByte(byte) { return 400 }
        let name = line[..<colon].map { Authority.lowercase($0) }
        let value = Array(HTTPLine.value(line, behind: colon))
        request.fields.append((name, value))
        return consider(name, value)
    }

    private mutating func consider(_ name: [UInt8], _ value: [UInt8]) -> Int? {
        let lower = value.map { Authority.lowercase($0) }
        if ("host" as StaticString).isSame(name) {
            hostCount &+= 1
            checkHost(value)
        } else if ("connection" as StaticString).isSame(name) {
            takeConnection(lower)
        } else if ("content-length" as StaticString).isSame(name) {
            return takeLength(value)
        } else if ("transfer-encoding" as StaticString).isSame(name) {
            // Section 6.1: with any other coding the length is not known.
            guard body == .none else { return 400 }
            guard ("chunked" as StaticString).isSame(lower) else { return 501 }
            body = .chunked
        } else if ("expect" as StaticString).isSame(name) {
            guard ("100-continue" as StaticString).isSame(lower) else { return 417 }
            isWaiting = true
        } else if ("sec-fetch-site" as StaticString).isSame(name) {
            isOfOtherSite =
                isOfOtherSite
                || !("none" as StaticString).isSame(lower) && !("same-origin" as StaticString).isSame(lower)
        } else if ("origin" as StaticString).isSame(name) {
            isOfOtherSite = isOfOtherSite || !Self.isOwnOrigin(lower)
        }
        return nil
    }

    /// RFC 6454, section 7: `http://host:port`, or `null` for a page that has no origin. The host must be this machine, as
    /// in the field Host.
    private static func isOwnOrigin(_ value: [UInt8]) -> Bool {
        for scheme in ["http://", "https://"] where value.starts(with: scheme.utf8) {
            return (try? Authority.parse(value[scheme.utf8.count...]))?.isLoopback == true
        }
        return false
    }

    /// DNS rebinding: a page of another site has its name point to this machine, and its requests then name that site.
    private mutating func checkHost(_ host: [UInt8]) {
        if (try? Authority.parse(host[...]))?.isLoopback != true { isForThisMachine = false }
    }

    private mutating func takeConnection(_ value: [UInt8]) {
        for part in value.split(separator: UInt8(ascii: ",")) {
            let word = Array(part.drop { $0 == 0x20 || $0 == 0x09 }.prefix { $0 != 0x20 && $0 != 0x09 })
            if ("close" as StaticString).isSame(word) { saysClose = true }
            if ("keep-alive" as StaticString).isSame(word) { saysKeepAlive = true }
        }
    }

    /// Section 6.3: twice, or beside a coding, it is an attack or a mistake.
    private mutating func takeLength(_ value: [UInt8]) -> Int? {
        guard body == .none, !value.isEmpty else { return 400 }
        var length = 0
        for byte in value {
            guard Authority.isDigit(byte) else { return 400 }
            length = length &* 10 &+ Int(byte &- 0x30)
        }
        // More than any route takes, which has its own answer to that.
        body = .length(value.count > 15 ? .max : length)
        return nil
    }

    /// At the empty line. Not nil: the request is refused.
    private mutating func finish() -> Int? {
        // RFC 9112, section 3.2: exactly one in HTTP/1.1.
        if hostCount > 1 || hostCount == 0 && !isVersion10 { return 400 }
        if body == .chunked && isVersion10 { return 400 }
        isKept = isVersion10 ? saysKeepAlive && !saysClose : !saysClose
        if isVersion10 { isWaiting = false }
        return nil
    }
}
