// SPDX-License-Identifier: Apache-2.0

/// What a server of metrics answers; RFC 9110, section 15. The raw value is the code.
enum ResponseStatus: Int {
    case ok = 200
    case badRequest = 400
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case contentTooLarge = 413
    case targetTooLong = 414
    case fieldsTooLarge = 431
    case failed = 500
    case versionNotSupported = 505

    var reason: StaticString {
        switch self {
        case .ok: "OK"
        case .badRequest: "Bad Request"
        case .forbidden: "Forbidden"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .requestTimeout: "Request Timeout"
        case .contentTooLarge: "Content Too Large"
        case .targetTooLong: "URI Too Long"
        case .fieldsTooLarge: "Request Header Fields Too Large"
        case .failed: "Internal Server Error"
        case .versionNotSupported: "HTTP Version Not Supported"
        }
    }

    /// For a person who sees it.
    var text: StaticString {
        switch self {
        case .ok: ""
        case .badRequest: "This is not a request of HTTP/1.1.\n"
        case .forbidden: "Only requests for localhost, 127.0.0.1 or [::1] are answered, and none of another web page.\n"
        case .notFound: "The metrics are at /metrics.\n"
        case .methodNotAllowed: "Only GET and HEAD are answered.\n"
        case .requestTimeout: "The request did not come in time.\n"
        case .contentTooLarge: "A request has no body here.\n"
        case .targetTooLong: "The request's target is too long.\n"
        case .fieldsTooLarge: "The request's header is too long.\n"
        case .failed: "The metrics cannot be read.\n"
        case .versionNotSupported: "Only HTTP/1.1 and HTTP/1.0 are answered.\n"
        }
    }
}
