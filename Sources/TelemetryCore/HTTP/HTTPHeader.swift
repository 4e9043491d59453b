// SPDX-License-Identifier: Apache-2.0

/// A header that the tool's author adds to requests.
package enum HTTPHeader {
    static let limitCount = 32

    /// Splits `Name: value`. Nil: it is not a field that may be sent: RFC 9110, section 5.1 (a token) and 5.5 (visible
    /// characters, spaces and tabs, so that a line break is impossible).
    package static func parse(_ line: String) -> (name: String, value: String)? {
        let bytes = Array(line.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        var value = bytes[(colon + 1)...]
        while let first = value.first, isBlank(first) { value = value.dropFirst() }
        while let last = value.last, isBlank(last) { value = value.dropLast() }
        let name = String(bytes: bytes[..<colon])
        let text = String(bytes: value)
        return isValid(name: name, value: text) ? (name, text) : nil
    }

    /// Header lines as libcurl takes them. Headers that are not valid, or that the library sets itself, are left out.
    static func lines(_ headers: [(name: String, value: String)]) -> [String] {
        headers
            .filter { isValid(name: $0.name, value: $0.value) && !isReserved($0.name) }
            // libcurl leaves out a header given as "Name:", and sends an empty one for "Name;".
            .map { $0.value.utf8.isEmpty ? $0.name + ";" : $0.name + ": " + $0.value }
    }

    @inline(never)
    package static func isValid(name: String, value: String) -> Bool { problem(name: name, value: value) == nil }

    /// What is wrong with a header, without its value, which may be a credential; nil: nothing.
    @inline(never)
    static func problem(name: String, value: String) -> String? {
        if !isName(name) {
            return "not a header name; expected 1 to 64 letters, digits or hyphens"
        }
        if isReserved(name) { return "set by the library; expected another header" }
        if value.utf8.count > 8192 {
            return "value of " + value.utf8.count.description + " bytes; expected at most 8192"
        }
        if !Array(value.utf8).allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) {
            return "value with other characters; expected visible ASCII, spaces and tabs"
        }
        return nil
    }

    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && Array(name.utf8).allSatisfy { isTokenByte($0) }
    }

    /// Headers that the backend sets itself, or that would change how the request is framed.
    @inline(never)
    static func isReserved(_ name: String) -> Bool {
        let lower = String(bytes: Array(name.utf8).map { Authority.lowercase($0) })
        switch lower {
        case "content-type", "content-length", "content-encoding", "transfer-encoding", "host", "connection", "expect",
            "te",
            "trailer", "upgrade", "user-agent", "idempotency-key":
            return true
        default: return false
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// RFC 9110, section 5.6.2.
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            return true
        default: return "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
