// SPDX-License-Identifier: Apache-2.0

extension HTTPRequest {
    /// The request in the form of HTTP/1.1 (RFC 9112), which is what libcurl sends. The query and the values of the
    /// author's headers are masked, because they may be credentials. A compressed body is shown uncompressed.
    var preview: [UInt8] {
        var text: [UInt8] = []
        text += "POST ".utf8
        text += (endpoint.path.utf8.isEmpty ? "/" : endpoint.path).utf8
        if Array(endpoint.url.utf8).contains(UInt8(ascii: "?")) { text += "?***".utf8 }
        text += " HTTP/1.1\r\nHost: ".utf8
        text += endpoint.hostField.utf8
        text += "\r\nAccept: */*\r\n".utf8
        for header in headers {
            text += header.utf8
            text += "\r\n".utf8
        }
        for header in privateHeaders {
            text += Array(header.utf8).prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: ";") }
            text += ": ***\r\n".utf8
        }
        text += "Content-Length: ".utf8
        text += String(body.count).utf8
        text += "\r\n\r\n".utf8
        return text + (plainBody ?? body)
    }
}

extension Endpoint {
    /// RFC 9110, section 7.2: the port is written only if it is not the scheme's default.
    fileprivate var hostField: String {
        port == (scheme == .https ? 443 : 80) ? host : host + ":" + String(port)
    }
}
