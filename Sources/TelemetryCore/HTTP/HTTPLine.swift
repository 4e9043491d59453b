// SPDX-License-Identifier: Apache-2.0

/// A line of a request's head: RFC 9112, section 2.2, as strictly as it allows.
package enum HTTPLine {
    case none, bad
    /// It ends there, before CR and LF.
    case whole(Int)

    /// A line ends in CR and LF. Other control characters, except tabs, are in none. It is looked for up to `end`.
    package static func find(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> HTTPLine {
        var at = start
        while at < end {
            let byte = bytes[at]
            if byte == 0x0D {
                guard at &+ 1 < bytes.count else { return .none }
                return bytes[at &+ 1] == 0x0A ? .whole(at) : .bad
            }
            if byte < 0x20 && byte != 0x09 || byte == 0x7F { return .bad }
            at &+= 1
        }
        return .none
    }

    /// An empty line before the request is ignored. Where it begins.
    package static func skipEmpty(_ bytes: UnsafeRawBufferPointer) -> Int {
        var start = 0
        while start &+ 1 < bytes.count, bytes[start] == 0x0D, bytes[start &+ 1] == 0x0A, start < 4 { start &+= 2 }
        return start
    }

    /// What is behind the colon at `colon`, without blanks around it.
    package static func value(_ line: UnsafeRawBufferPointer, behind colon: Int) -> UnsafeRawBufferPointer {
        var (start, end) = (colon &+ 1, line.count)
        while start < end, line[start] == 0x20 || line[start] == 0x09 { start &+= 1 }
        while end > start, line[end &- 1] == 0x20 || line[end &- 1] == 0x09 { end &-= 1 }
        return UnsafeRawBufferPointer(rebasing: line[start..<end])
    }
}
