// SPDX-License-Identifier: Apache-2.0

/// Host and port of an endpoint; RFC 3986, section 3.2.
package struct Authority: Equatable {
    /// Lower case; an IPv6 address keeps its brackets.
    let host: String
    let port: Int?
    package let isLoopback: Bool

    package static func parse(_ bytes: ArraySlice<UInt8>) throws(EndpointError) -> Authority {
        if bytes.contains(UInt8(ascii: "@")) {
            throw EndpointError(
                text: "the endpoint holds user information before '@'; expected credentials in a header")
        }
        let hostEnd = try endOfHost(bytes)
        let host = bytes[bytes.startIndex..<hostEnd].map { lowercase($0) }
        if host.isEmpty {
            throw EndpointError(text: "the endpoint has no host; expected a URL such as https://host/path")
        }
        return Authority(
            host: String(bytes: host), port: try parsePort(bytes[hostEnd...]),
            isLoopback: isLoopback(host))
    }

    private static func endOfHost(_ bytes: ArraySlice<UInt8>) throws(EndpointError) -> Int {
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")), isIPv6(bytes[(bytes.startIndex + 1)..<close])
            else {
                throw EndpointError(
                    text: "the endpoint's host is not an IPv6 address in brackets; expected one such as [::1]")
            }
            return close + 1
        }
        let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        let name = bytes[bytes.startIndex..<end]
        guard name.count <= 253, name.allSatisfy({ isNameByte($0) }) else {
            throw EndpointError(
                text:
                    "the endpoint's host holds a character that no host name has, or is too long; expected letters, digits, '-' and '.', at most 253"
            )
        }
        return end
    }

    /// Hexadecimal groups between colons; the resolver checks the rest.
    private static func isIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.contains(UInt8(ascii: ":"))
            && bytes.allSatisfy { hexValue($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
    }

    private static func hexValue(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowercase(byte))
    }

    private static func parsePort(_ bytes: ArraySlice<UInt8>) throws(EndpointError) -> Int? {
        guard let first = bytes.first else { return nil }
        let digits = bytes.dropFirst()
        let problem = EndpointError(text: "the endpoint's port is not a number; expected ':' and 1 to 65535")
        guard first == UInt8(ascii: ":"), (1...5).contains(digits.count) else { throw problem }
        var port = 0
        for digit in digits {
            guard isDigit(digit) else { throw problem }
            port = port * 10 + Int(digit - UInt8(ascii: "0"))
        }
        guard (1...65_535).contains(port) else { throw problem }
        return port
    }

    private static func isLoopback(_ host: [UInt8]) -> Bool {
        host == Array("localhost".utf8) || host == Array("[::1]".utf8) || isLoopbackIPv4(host)
    }

    /// 127.0.0.0/8 as four plain decimal numbers (RFC 1122, section 3.2.1.3). Other spellings of an
    /// address (`127.1`, `0x7f.0.0.1`) are read differently by different resolvers and do not count.
    private static func isLoopbackIPv4(_ host: [UInt8]) -> Bool {
        let parts = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4, Array(parts[0]) == Array("127".utf8) else { return false }
        return parts.allSatisfy { part in
            guard (1...3).contains(part.count), part.allSatisfy({ isDigit($0) }) else { return false }
            if part.count > 1 && part.first == UInt8(ascii: "0") { return false }
            return part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch lowercase(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    package static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    package static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
