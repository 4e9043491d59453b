/// A header that the tool's author adds to each request: RFC 9110, section 5.
enum HeaderField {
    static let limitCount = 32
    static let limitValueBytes = 8192

    /// What is wrong, without the value, which may be a credential; nil: nothing.
    static func validate(name: String, value: String) -> String? {
        if !(1...64).contains(name.utf8.count) || !name.utf8.allSatisfy(isTokenByte) {
            return "not a header name; expected 1 to 64 letters, digits or hyphens"
        }
        if isOwn(name) { return "set by the library; expected another header" }
        if value.utf8.count > limitValueBytes {
            return "value of \(value.utf8.count) bytes; expected at most \(limitValueBytes)"
        }
        if !value.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) {
            return "value with other characters; expected visible ASCII, spaces and tabs"
        }
        return nil
    }

    /// tchar: RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// Those that frame the message: another value would break it.
    private static func isOwn(_ name: String) -> Bool {
        let own: [StaticString] = ["connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding"]
        return own.contains { candidate in
            name.utf8.elementsEqual(
                UnsafeBufferPointer(start: candidate.utf8Start, count: candidate.utf8CodeUnitCount)
            ) { $0 | 0x20 == $1 | 0x20 }
        }
    }
}
