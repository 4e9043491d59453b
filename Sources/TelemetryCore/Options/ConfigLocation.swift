// SPDX-License-Identifier: Apache-2.0

/// A9: where a tool's own configuration says whether telemetry is wanted.
package final class ConfigLocation {
    package let file: String
    /// Dotted path of the key. Nil: the file holds the answer and nothing else.
    package let key: String?
    /// A7: dotted path of the key that keeps events on this machine.
    package let localOnlyKey: String?

    init(file: String, key: String?, localOnlyKey: String? = nil) {
        self.file = file
        self.key = key
        self.localOnlyKey = localOnlyKey
    }

    /// What is wrong with a key; nil: nothing.
    static func problem(key: String) -> String? {
        let bytes = Array(key.utf8)
        var previous = UInt8(ascii: ".")
        var isValid = (1...256).contains(bytes.count) && bytes.last != previous
        for byte in bytes {
            if byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: ".") && byte == previous { isValid = false }
            previous = byte
        }
        if isValid { return nil }
        return "'" + Excerpt.of(key) + "' is not a key; expected 1 to 256 bytes, as in telemetry.enabled"
    }

    /// What is wrong with a file name; nil: nothing. A project's file stays below the working directory.
    static func problem(file: String, inProject: Bool) -> String? {
        let bytes = Array(file.utf8)
        let isAbsolute = bytes.first == UInt8(ascii: "/") || isInHome(file)
        var isValid = (1...4095).contains(bytes.count) && !(inProject && isAbsolute)
        if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) { isValid = false }
        if !isAbsolute && leavesDirectory(bytes) { isValid = false }
        if isValid { return nil }
        return "'" + Excerpt.of(file) + "' is not such a file name; expected "
            + (inProject
                ? "a path below the working directory"
                : "a path that is absolute, begins with ~/, or is relative to $XDG_CONFIG_HOME")
            + ", without '..'"
    }

    /// Begins with `~/`.
    static func isInHome(_ file: String) -> Bool { Array(Array(file.utf8).prefix(2)) == Array("~/".utf8) }

    private static func leavesDirectory(_ path: [UInt8]) -> Bool {
        var dots = 0
        for (index, byte) in path.enumerated() {
            if byte == UInt8(ascii: "/") {
                dots = 0
                continue
            }
            dots = byte == UInt8(ascii: ".") ? dots &+ 1 : 3
            let isLast = index == path.count - 1 || path[index + 1] == UInt8(ascii: "/")
            if dots == 2 && isLast { return true }
        }
        return false
    }
}
