import CSystem

/// C4: the category of a failure from its message, by what tools and libraries commonly write.
package enum ErrorMessage {
    /// Bytes that are looked at.
    private static let bound = 1024

    /// The first that matches counts: what is said precisely stands before what may mean much.
    private static let phrases: [(ErrorCategory, StaticString)] = [
        (.rateLimited, "rate limit|too many requests|throttl|quota exceeded"),
        (.timeout, "timed out|timeout|deadline exceeded|took too long"),
        (.cancelled, "cancelled|canceled|interrupted|aborted by|sigint|sigterm|broken pipe"),
        (.resource, "no space left|out of memory|cannot allocate|disk full|too many open files|file too large|disk quota"),
        (.auth, "unauthorized|unauthorised|unauthenticated|authentication|not logged in|login required|invalid credential|bad credential|invalid token|token expired|expired token|invalid api key|invalid password"),
        (.permission, "permission denied|access denied|access is denied|forbidden|not permitted|not allowed|read-only file system|insufficient privilege"),
        (.network, "connection|network|unreachable|no route to host|could not resolve|name resolution|name or service not known|no such host|unknown host|getaddrinfo|certificate|tls|ssl|dns|socket|proxy"),
        (.notFound, "not found|no such|does not exist|doesn't exist|cannot find|could not find|unknown command"),
        (.conflict, "conflict|already exists|already in use|is locked|resource busy|device or resource busy|version mismatch|out of date"),
        (.unavailable, "unavailable|temporarily|try again later|not supported|not implemented|maintenance|overloaded"),
        (.server, "internal server error|bad gateway|server error"),
        (.data, "parse error|syntax error|malformed|invalid json|invalid yaml|unexpected token|unexpected end|unexpected eof|corrupt|checksum|decode|invalid format|invalid utf-8"),
        (.internal, "panic|assertion|segmentation fault|null pointer|nil pointer|stack overflow|index out of range|unreachable code|internal error|bug"),
        (.usage, "usage:|unknown option|unrecognized option|unknown flag|invalid option|invalid argument|missing argument|missing required|is required|unexpected argument"),
    ]

    package static func category(_ message: UnsafePointer<CChar>) -> ErrorCategory {
        let base = UnsafeRawPointer(message).assumingMemoryBound(to: UInt8.self)
        let text = TextBytes(base: base, count: strnlen(message, bound))
        for (category, alternatives) in phrases where contains(text, alternatives) { return category }
        return .unknown
    }

    private static func contains(_ text: TextBytes, _ alternatives: StaticString) -> Bool {
        var start = 0
        let list = TextBytes(base: alternatives.utf8Start, count: alternatives.utf8CodeUnitCount)
        while start < list.count {
            let end = list.end(from: start) { $0 != UInt8(ascii: "|") }
            if contains(text, list, start, end) { return true }
            start = end &+ 1
        }
        return false
    }

    /// Where a word begins: `dns` is not in `hadnsomething`.
    private static func contains(_ text: TextBytes, _ list: TextBytes, _ start: Int, _ end: Int) -> Bool {
        for index in 0..<text.count where !text[index &- 1].isAlphanumeric {
            var offset = 0
            while offset < end &- start && text[index &+ offset].lowercased == list[start &+ offset] { offset &+= 1 }
            if offset == end &- start { return true }
        }
        return false
    }
}
