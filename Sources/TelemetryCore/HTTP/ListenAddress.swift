// SPDX-License-Identifier: Apache-2.0
import CSystem

package struct ListenAddressError: Error, Equatable {
    package let text: String
}

/// Where clients of this machine connect: a port of a loopback address, or a Unix socket.
package enum ListenAddress: Equatable {
    /// `host`: a numeric address without brackets. Port 0: a free one.
    case loopback(host: String, port: UInt16)
    case socket(path: String)

    /// sun_path, without the terminator.
    static let pathLimitBytes = 107

    package static let expected =
        "127.0.0.1:PORT, [::1]:PORT, localhost:PORT, or the absolute path of a Unix socket"
    private static let expectedPort = "127.0.0.1:PORT, [::1]:PORT or localhost:PORT"

    package static func parse(_ text: String) throws(ListenAddressError) -> ListenAddress {
        let bytes = Array(text.utf8)
        let prefix = Array("unix:".utf8)
        if bytes.first == UInt8(ascii: "/") { return try socket(bytes) }
        if bytes.starts(with: prefix) { return try socket(Array(bytes[prefix.count...])) }
        return try loopback(text, expected)
    }

    /// A port alone.
    package static func parsePort(_ text: String) throws(ListenAddressError) -> ListenAddress {
        try loopback(text, expectedPort)
    }

    private static func loopback(_ text: String, _ expected: String) throws(ListenAddressError) -> ListenAddress {
        let bytes = Array(text.utf8)
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")), let port = port(bytes[(colon + 1)...]),
            let host = try? Authority.parse(bytes[..<colon]), host.port == nil
        else { throw problem(text, "not an address", expected) }
        if !host.isLoopback { throw problem(text, "not an address of this machine alone", expected) }
        // The name may be anything in /etc/hosts.
        if host.host == "localhost" { return .loopback(host: "127.0.0.1", port: port) }
        let name = Array(host.host.utf8)
        let isBracketed = name.first == UInt8(ascii: "[")
        return .loopback(host: isBracketed ? String(bytes: name.dropFirst().dropLast()) : host.host, port: port)
    }

    private static func socket(_ path: [UInt8]) throws(ListenAddressError) -> ListenAddress {
        let text = String(bytes: path)
        let length = PathText.bytes(text).count
        if path.first != UInt8(ascii: "/") || path.last == UInt8(ascii: "/") || path.contains(where: { $0 < 0x20 }) {
            throw problem(text, "not the path of a socket", expected)
        }
        if length > pathLimitBytes {
            throw ListenAddressError(
                text: "the path of the socket has " + length.description + " bytes; expected at most "
                    + pathLimitBytes.description)
        }
        return .socket(path: text)
    }

    private static func problem(_ text: String, _ what: String, _ expected: String) -> ListenAddressError {
        ListenAddressError(text: "'" + Excerpt.of(text) + "' is " + what + "; expected " + expected)
    }

    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard (1...5).contains(digits.count) else { return nil }
        var value: UInt32 = 0
        for digit in digits {
            guard Authority.isDigit(digit) else { return nil }
            value = value &* 10 &+ UInt32(digit &- UInt8(ascii: "0"))
        }
        return UInt16(exactly: value)
    }

    /// As it is written: `127.0.0.1:9464`, `[::1]:9464`, `unix:/path`.
    package var description: String {
        switch self {
        case .loopback(let host, let port):
            let isIPv6 = host.utf8.contains(UInt8(ascii: ":"))
            return (isIPv6 ? "[" + host + "]" : host) + ":" + port.description
        case .socket(let path): return "unix:" + path
        }
    }
}
