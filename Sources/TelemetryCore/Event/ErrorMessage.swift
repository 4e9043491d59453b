// SPDX-License-Identifier: Apache-2.0
import CSystem

/// C4: the category of a failure from its message, by the words that tools and libraries commonly use.
package enum ErrorMessage {
    /// Bytes that are looked at.
    private static let bound = 1024

    /// The first one that matches counts: precise words come before words that may mean much.
    private static let order: [ErrorCategory] = [
        .rateLimited, .timeout, .cancelled, .resource, .auth, .permission, .network,
        .notFound, .conflict, .unavailable, .server, .data, .internal, .usage,
    ]

    private static func phrases(_ category: ErrorCategory) -> StaticString {
        switch category {
        case .rateLimited: "rate limit|too many requests|throttl|quota exceeded"
        case .timeout: "timed out|timeout|deadline exceeded|took too long"
        case .cancelled: "cancelled|canceled|interrupted|aborted by|sigint|sigterm|broken pipe"
        case .resource:
            "no space left|out of memory|cannot allocate|disk full|too many open files|file too large|disk quota"
        case .auth:
            "unauthorized|unauthorised|unauthenticated|authentication|not logged in|login required|invalid credential|bad credential|invalid token|token expired|expired token|invalid api key|invalid password"
        case .permission:
            "permission denied|access denied|access is denied|forbidden|not permitted|not allowed|read-only file system|insufficient privilege"
        case .network:
            "connection|network|unreachable|no route to host|could not resolve|name resolution|name or service not known|no such host|unknown host|getaddrinfo|certificate|tls|ssl|dns|socket|proxy"
        case .notFound: "not found|no such|does not exist|doesn't exist|cannot find|could not find|unknown command"
        case .conflict:
            "conflict|already exists|already in use|is locked|resource busy|device or resource busy|version mismatch|out of date"
        case .unavailable:
            "unavailable|temporarily|try again later|not supported|not implemented|maintenance|overloaded"
        case .server: "internal server error|bad gateway|server error"
        case .data:
            "parse error|syntax error|malformed|invalid json|invalid yaml|unexpected token|unexpected end|unexpected eof|corrupt|checksum|decode|invalid format|invalid utf-8"
        case .internal:
            "panic|assertion|segmentation fault|null pointer|nil pointer|stack overflow|index out of range|unreachable code|internal error|bug"
        case .usage:
            "usage:|unknown option|unrecognized option|unknown flag|invalid option|invalid argument|missing argument|missing required|is required|unexpected argument"
        case .unknown: ""
        }
    }

    package static func category(_ message: UnsafePointer<CChar>) -> ErrorCategory {
        let base = UnsafeRawPointer(message).assumingMemoryBound(to: UInt8.self)
        let text = TextBytes(base: base, count: strnlen(message, bound))
        for category in order {
            if hasOne(text, of: phrases(category)) { return category }
        }
        return .unknown
    }

    /// Matches only where a word begins: `bug` is not in `debugger`.
    private static func hasOne(_ text: TextBytes, of phrases: StaticString) -> Bool {
        for index in 0..<text.count where !text.isIn(.alphanumeric, index &- 1) {
            if text.behind(phrases, at: index, folds: true) != nil { return true }
        }
        return false
    }
}
