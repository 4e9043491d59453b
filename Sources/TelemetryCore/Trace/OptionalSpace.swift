// SPDX-License-Identifier: Apache-2.0

/// Spaces and tabs around a header field's value or a member of a list: OWS of RFC 9110, section 5.6.3. They are not
/// part of the value.
enum OptionalSpace {
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// `bytes` without those at either end.
    static func trim(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var (start, end) = (0, bytes.count)
        while start < end, isSpace(bytes[start]) { start &+= 1 }
        while start < end, isSpace(bytes[end &- 1]) { end &-= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }
}
