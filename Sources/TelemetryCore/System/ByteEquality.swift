// Strings are equal here when their bytes are. The standard library's own comparison is of canonical
// equivalence, which no name, key or path in this project has, and it brings tables of 30 KB; the
// library is linked without them, so that nothing can fall back on it unnoticed.
extension String {
    @inline(never)
    package static func == (left: String, right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    package static func != (left: String, right: String) -> Bool { !(left == right) }

    package static func ~= (pattern: String, value: String) -> Bool { pattern == value }
}

extension Sequence<String> {
    package func contains(_ text: String) -> Bool { contains { $0 == text } }
}

extension Optional<String> {
    package static func == (left: String?, right: String?) -> Bool {
        switch (left, right) {
        case (let left?, let right?): left.utf8.elementsEqual(right.utf8)
        case (nil, nil): true
        default: false
        }
    }

    package static func != (left: String?, right: String?) -> Bool { !(left == right) }
}
