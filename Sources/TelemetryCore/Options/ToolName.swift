// SPDX-License-Identifier: Apache-2.0

/// The name a tool goes by in paths, variables and events.
package enum ToolName {
    package static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...64).contains(bytes.count), isAlphanumeric(bytes[0]) else { return false }
        // The user's file beside the tools' directories.
        if name.utf8.elementsEqual("own.yaml".utf8) { return false }
        return bytes.allSatisfy {
            isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
    }

    /// The prefix of the tool's environment variables: upper case, with `_` for each byte that is not a letter or
    /// digit.
    package static func environmentPrefix(_ name: String) -> String {
        String(
            decoding: Array(name.utf8).map { byte -> UInt8 in
                if (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) { return byte - 32 }
                return isAlphanumeric(byte) ? byte : UInt8(ascii: "_")
            }, as: UTF8.self)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
