// SPDX-License-Identifier: Apache-2.0
import TelemetryCore

/// What a client is answered. A handler gives status, type and body; the connection adds the rest.
package struct HTTPAnswer {
    package var status: Int
    package var contentType: StaticString
    package var body: [UInt8]
    /// Other fields, each a line without its end: `Retry-After: 2`.
    package var fields: [String] = []
    /// Called when all of it has been written.
    package var whenSent: (() -> Void)?
    /// Another process answers at that descriptor, in place of all of the above. False: none could be made.
    package var handOver: ((Int32) -> Bool)?

    package init(_ status: Int, _ contentType: StaticString = "text/plain; charset=utf-8", body: [UInt8] = []) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// One sentence for people.
    package init(_ status: Int, _ text: StaticString) {
        self.init(status)
        body.append(text)
        body.append(0x0A)
    }

    /// As bytes. A browser is told not to guess what this is, to give it to no other site, and to keep nothing.
    package func bytes(isKept: Bool, isVersion10: Bool, isWithoutBody: Bool) -> [UInt8] {
        var made: [UInt8] = []
        made.reserveCapacity(512 &+ body.count)
        made.append("HTTP/1.1 ")
        made += status.description.utf8
        made.append(0x20)
        made.append(Self.reason(status))
        made.append("\r\nDate: ")
        made += HTTPDate.text(Int(Clock.realtime() / 1_000_000_000)).utf8
        if !body.isEmpty {
            made.append("\r\nContent-Type: ")
            made.append(contentType)
        }
        made.append("\r\nContent-Length: ")
        made += body.count.description.utf8
        for field in fields {
            made.append("\r\n")
            made += field.utf8
        }
        made.append(
            "\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\n"
        )
        if !isKept {
            made.append("Connection: close\r\n")
        } else if isVersion10 {
            made.append("Connection: keep-alive\r\n")
        }
        made.append("\r\n")
        if !isWithoutBody { made += body }
        return made
    }

    /// RFC 9110, section 15.
    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 303: "See Other"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }

    package static var withoutMemory: HTTPAnswer {
        later("There is not enough memory now.")
    }

    private static func later(_ text: StaticString) -> HTTPAnswer {
        var answer = HTTPAnswer(503, text)
        answer.fields = ["Retry-After: 2"]
        return answer
    }

    package static func refusing(_ status: Int) -> HTTPAnswer {
        switch status {
        case 403:
            HTTPAnswer(
                403, "Only requests for localhost, 127.0.0.1 or [::1] are answered, and none of another web page.")
        case 404:
            HTTPAnswer(
                404,
                "Nothing is there. OTLP goes to /v1/logs, /v1/traces or /v1/metrics, and /metrics is for Prometheus.")
        case 405:
            HTTPAnswer(405, "This method is not for this path. OTLP is posted to /v1/logs, /v1/traces or /v1/metrics.")
        case 408: HTTPAnswer(408, "The request did not come in time.")
        case 413: HTTPAnswer(413, "The request is too long.")
        case 414: HTTPAnswer(414, "The request's target is too long.")
        case 415: HTTPAnswer(415, "Nothing of this content type is taken here.")
        case 417: HTTPAnswer(417, "This expectation is not met.")
        case 431: HTTPAnswer(431, "The request's header is too long.")
        case 503: later("Too much is being answered now. Ask again in a moment.")
        case 501: HTTPAnswer(501, "Of the codings of a body, only chunked is taken.")
        case 505: HTTPAnswer(505, "Only HTTP/1.1 and HTTP/1.0 are answered.")
        default:
            HTTPAnswer(
                400,
                "This is not a request of HTTP/1.1. JSON Lines begin with '{', and are taken on the Unix socket alone.")
        }
    }
}
