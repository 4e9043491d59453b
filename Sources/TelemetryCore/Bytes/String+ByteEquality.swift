// SPDX-License-Identifier: Apache-2.0

// Strings are equal here when their bytes are. The standard library compares by canonical equivalence, which no name,
// key or path in this project has. That comparison brings tables of 30 KB. The library is linked without the tables, so
// that nothing can fall back on it unnoticed.
extension String {
    @inline(never)
    package static func == (left: String, right: String) -> Bool {
        var (left, right) = (left, right)
        return left.withUTF8 { left in
            right.withUTF8 { right in left.count == right.count && (0..<left.count).allSatisfy { left[$0] == right[$0] }
            }
        }
    }

    package static func != (left: String, right: String) -> Bool { !(left == right) }

    package static func ~= (pattern: String, value: String) -> Bool { pattern == value }
}

extension Sequence<String> {
    package func contains(_ text: String) -> Bool { contains { $0 == text } }
}

extension Optional<String> {
    package static func == (left: String?, right: String?) -> Bool {
        switch (left, right) {
        case (let left?, let right?): left == right
        case (nil, nil): true
        default: false
        }
    }

    package static func != (left: String?, right: String?) -> Bool { !(left == right) }
}
