// SPDX-License-Identifier: Apache-2.0

/// A mailto URL (RFC 6068) that asks for erasure. No part of it can become another header or another receiver: all
/// characters except the unreserved ones are percent-encoded, and a subject is one line.
package enum MailtoURL {
    package static func text(to address: String, subject: String, body: String) -> String {
        var url = Array("mailto:".utf8)
        let at = UInt8(ascii: "@")
        for (index, part) in address.utf8.split(separator: at, omittingEmptySubsequences: false).enumerated() {
            if index > 0 { url.append(at) }
            PercentEncoding.append(Array(part), to: &url)
        }
        url += Array("?subject=".utf8)
        PercentEncoding.append(subject.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, to: &url)
        url += Array("&body=".utf8)
        PercentEncoding.append(lines(body), to: &url)
        return String(bytes: url)
    }

    /// Section 5: line breaks in a body are `%0D%0A`.
    private static func lines(_ body: String) -> [UInt8] {
        var result: [UInt8] = []
        for byte in body.utf8 where byte != 0x0D {
            if byte == 0x0A { result.append(0x0D) }
            result.append(byte)
        }
        return result
    }
}

/// RFC 3986, section 2.1.
enum PercentEncoding {
    static func append(_ bytes: [UInt8], to target: inout [UInt8]) {
        for byte in bytes {
            if isUnreserved(byte) {
                target.append(byte)
            } else {
                target.append(UInt8(ascii: "%"))
                target += Hexadecimal.text([byte]).utf8.map { $0 >= UInt8(ascii: "a") ? $0 &- 32 : $0 }
            }
        }
    }

    /// A '%' that is not followed by two digits is kept.
    static func decoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.endIndex,
                let byte = Hexadecimal.word(bytes[(at + 1)...(at + 2)])
            {
                result.append(UInt8(truncatingIfNeeded: byte))
                at += 3
            } else {
                result.append(bytes[at])
                at += 1
            }
        }
        return result
    }

    /// Section 2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || "-._~".utf8.contains(byte) }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
