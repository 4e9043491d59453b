// SPDX-License-Identifier: Apache-2.0

/// Bytes as `%` and two digits each: RFC 3986, section 2.1.
package enum PercentEncoding {
    /// All bytes except the unreserved ones are encoded.
    package static func append(_ bytes: [UInt8], to target: inout [UInt8]) {
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
    package static func decoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            if bytes[at] == UInt8(ascii: "%"), bytes.endIndex - at > 2,
                let high = Hexadecimal.value(inAnyCase: bytes[at + 1]),
                let low = Hexadecimal.value(inAnyCase: bytes[at + 2])
            {
                result.append(high << 4 | low)
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
