// SPDX-License-Identifier: Apache-2.0

/// What is wrong with an endpoint, without repeating it, because it may contain a secret.
package struct EndpointError: Error, Equatable {
    package let text: String
}

/// The address events are posted to: an absolute http or https URL (RFC 3986), checked.
package struct Endpoint: Equatable {
    package enum Scheme: Equatable { case http, https }

    /// As it was given.
    package let url: String
    package let scheme: Scheme
    /// Lower case; an IPv6 address keeps its brackets.
    package let host: String
    package let port: Int
    /// The host is this machine, by a name or an address that every resolver understands as such.
    package let isLoopback: Bool
    /// Begins with "/" unless empty; without the query.
    package let path: String

    package static let maxLength = 2048

    /// Scheme, host, port if it was given, and path. The query is left out, because it may contain a secret.
    package let description: String

    /// `allowingHTTP`: http is allowed to any host, because the tool's author says so.
    package static func parse(_ text: String, allowingHTTP: Bool = false) throws(EndpointError) -> Endpoint {
        let bytes = Array(text.utf8)
        try checkCharacters(bytes)
        let (scheme, authorityStart) = try parseScheme(bytes)
        let rest = bytes[authorityStart...]
        let authorityEnd = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? bytes.endIndex
        let authority = try Authority.parse(bytes[authorityStart..<authorityEnd])
        if scheme == .http && !authority.isLoopback && !allowingHTTP {
            throw EndpointError(
                text:
                    "the endpoint uses http to a host that is not this machine; expected https (http only for localhost, 127.0.0.0/8 and [::1])"
            )
        }
        let pathEnd = bytes[authorityEnd...].firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        let path = String(bytes: bytes[authorityEnd..<pathEnd])
        let origin = (scheme == .https ? "https://" : "http://") + authority.host
        let port = authority.port.map { ":" + String($0) } ?? ""
        return Endpoint(
            url: text, scheme: scheme, host: authority.host,
            port: authority.port ?? (scheme == .https ? 443 : 80), isLoopback: authority.isLoopback, path: path,
            description: origin + port + path)
    }

    /// The endpoint's origin, without anything that may be a secret.
    var origin: String { (scheme == .https ? "https://" : "http://") + host + ":" + String(port) }

    /// Whether `location`, which belongs to another origin, repeats a part of this URL that may be a secret: the query
    /// or a value of it, or a part of the path that is long enough for a token.
    func isRepeated(in location: String) -> Bool {
        let text = Array(location.utf8)
        let own = Array(url.utf8)
        let query = own.firstIndex(of: UInt8(ascii: "?")).map { own[($0 + 1)...] } ?? []
        if !query.isEmpty && ByteSearch.contains(text, query) { return true }
        let parts =
            query.split { Self.isDelimiter($0) }.filter { $0.count >= Self.shortestValue }
            + Array(path.utf8).split { Self.isDelimiter($0) }.filter { $0.count >= Self.shortestToken }
        return parts.contains { ByteSearch.contains(text, $0) }
    }

    private static let shortestValue = 8
    private static let shortestToken = 16

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "&"), UInt8(ascii: "="), UInt8(ascii: ";"): true
        default: false
        }
    }

    /// RFC 6454: credentials given for one origin must not go to another.
    func isSameOrigin(as other: Endpoint) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// What is wrong with an endpoint, as a sentence; nil: nothing.
    package static func problem(_ text: String, allowingHTTP: Bool = false) -> String? {
        do throws(EndpointError) {
            _ = try parse(text, allowingHTTP: allowingHTTP)
            return nil
        } catch {
            return error.text
        }
    }

    private static func checkCharacters(_ bytes: [UInt8]) throws(EndpointError) {
        if bytes.isEmpty {
            throw EndpointError(text: "the endpoint is empty; expected a URL such as https://host/path")
        }
        if bytes.count > maxLength {
            throw EndpointError(
                text: "the endpoint has " + String(bytes.count) + " bytes; expected at most " + String(maxLength))
        }
        for byte in bytes {
            if byte <= 0x20 || byte == 0x7F {
                throw EndpointError(
                    text: "the endpoint holds a space or a control character; expected them percent-encoded")
            }
            if byte >= 0x80 {
                throw EndpointError(
                    text:
                        "the endpoint holds a character outside ASCII; expected it percent-encoded, or in a host name, in its xn-- form"
                )
            }
            if byte == UInt8(ascii: "#") {
                throw EndpointError(text: "the endpoint holds '#'; expected no fragment")
            }
            if byte == UInt8(ascii: "\\") {
                throw EndpointError(text: "the endpoint holds a backslash; expected '/'")
            }
        }
    }

    /// Returns also where the authority begins.
    private static func parseScheme(_ bytes: [UInt8]) throws(EndpointError) -> (Scheme, Int) {
        if startsWith(bytes, "https://") { return (.https, 8) }
        if startsWith(bytes, "http://") { return (.http, 7) }
        throw EndpointError(
            text: "the endpoint's scheme is neither https nor http; expected a URL such as https://host/path")
    }

    private static func startsWith(_ bytes: [UInt8], _ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount {
            // Schemes compare without case (RFC 3986, section 3.1); the prefix has no upper-case letter.
            if Authority.lowercase(bytes[index]) != prefix.utf8Start[index] { return false }
        }
        return true
    }
}
