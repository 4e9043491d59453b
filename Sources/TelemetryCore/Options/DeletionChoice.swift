// SPDX-License-Identifier: Apache-2.0

/// Where the tool's author wants a request to erase sent events to go; each part may be missing.
package struct DeletionChoice {
    package var endpoint: String?
    package var headers: [(name: String, value: String)] = []
    package var email: String?
    package var subject: String?

    package init() {}
}

/// One address, as a mailto URL takes it: `addr-spec` of RFC 5322 without quotes, comments and
/// literals, in ASCII.
enum EmailAddress {
    static func isValid(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 254, parts[0].count <= 64 else { return false }
        return isDotted(parts[0], isAtom) && isDotted(parts[1], isLabel)
    }

    private static func isDotted(_ text: Substring.UTF8View, _ isPart: (UInt8) -> Bool) -> Bool {
        text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.allSatisfy(isPart)
        }
    }

    private static func isLabel(_ byte: UInt8) -> Bool {
        PercentEncoding.isAlphanumeric(byte) || byte == UInt8(ascii: "-")
    }

    /// `atext` of RFC 5322, section 3.2.3.
    private static func isAtom(_ byte: UInt8) -> Bool {
        PercentEncoding.isAlphanumeric(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }
}
