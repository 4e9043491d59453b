// SPDX-License-Identifier: Apache-2.0

/// D3: a random number for this user and this tool: a UUID version 4 (RFC 9562, section 5.4).
enum RandomID {
    static func make() -> String {
        var words = (Random.word(), Random.word())
        return withUnsafeMutableBytes(of: &words) { bytes in
            bytes[6] = bytes[6] & 0x0F | 0x40
            bytes[8] = bytes[8] & 0x3F | 0x80
            return UUIDText.string(UnsafeRawBufferPointer(bytes))
        }
    }

    /// The id in the line it is kept in. Nil if `line` is not such a line.
    static func id(_ line: [UInt8]) -> String? {
        guard line.count == UUIDText.length + 1, line.last == UInt8(ascii: "\n") else { return nil }
        for index in 0..<UUIDText.length {
            let isHyphen = index == 8 || index == 13 || index == 18 || index == 23
            guard isHyphen ? line[index] == UInt8(ascii: "-") : Hexadecimal.isDigit(line[index]) else { return nil }
        }
        return String(bytes: line[..<UUIDText.length])
    }
}
