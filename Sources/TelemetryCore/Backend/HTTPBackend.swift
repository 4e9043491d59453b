/// A backend that posts: it says what the request for a batch is, and that is both sent and shown.
protocol HTTPBackend: Backend {
    /// Nil: out of memory. The body is valid until the next call.
    func request(for events: UnsafeBufferPointer<EventView>) -> HTTPRequest?
}

extension HTTPBackend {
    func preview(_ events: UnsafeBufferPointer<EventView>) -> [UInt8]? { request(for: events)?.preview }
}

extension HTTPRequest {
    /// The request as HTTP/1.1 puts it (RFC 9112), which is what libcurl sends. The query and the values
    /// of the author's headers may be credentials, and are masked.
    var preview: [UInt8] {
        let path = endpoint.path.utf8.isEmpty ? "/" : endpoint.path
        let query = endpoint.url.utf8.contains(UInt8(ascii: "?")) ? "?***" : ""
        var head = "POST " + path + query + " HTTP/1.1\r\nHost: " + endpoint.hostField + "\r\nAccept: */*\r\n"
        for header in headers { head += header + "\r\n" }
        for header in privateHeaders { head += Self.masked(header) + "\r\n" }
        head += "Content-Length: " + String(body.count) + "\r\n\r\n"
        return Array(head.utf8) + Array(body)
    }

    private static func masked(_ header: String) -> String {
        let name = header.utf8.prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: ";") }
        return String(decoding: name, as: UTF8.self) + ": ***"
    }
}

extension Endpoint {
    /// RFC 9110, section 7.2: the port only when it is not the scheme's own.
    fileprivate var hostField: String {
        port == (scheme == .https ? 443 : 80) ? host : host + ":" + String(port)
    }
}
