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
