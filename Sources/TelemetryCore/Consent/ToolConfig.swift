import CSystem

/// A9: where a tool's own configuration says whether telemetry is wanted.
package final class ConfigLocation {
    package let file: String
    /// Dotted path of the key.
    package let key: String
    /// A7: dotted path of the key that keeps events on this machine.
    package let localOnlyKey: String?

    init(file: String, key: String, localOnlyKey: String? = nil) {
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
        return "'" + Excerpt.of(key) + "' is no key; expected 1 to 256 bytes, as in telemetry.enabled"
    }

    /// What is wrong with a file name; nil: nothing. A project's file stays below the working directory.
    static func problem(file: String, inProject: Bool) -> String? {
        let bytes = Array(file.utf8)
        let isAbsolute = bytes.first == UInt8(ascii: "/") || isInHome(file)
        var isValid = (1...4095).contains(bytes.count) && !(inProject && isAbsolute)
        if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) { isValid = false }
        if !isAbsolute && leavesDirectory(bytes) { isValid = false }
        if isValid { return nil }
        return "'" + Excerpt.of(file) + "' is no such file name; expected "
            + (inProject ? "a path below the working directory" : "a path that is absolute, begins with ~/, or is relative to $XDG_CONFIG_HOME")
            + ", without '..'"
    }

    /// Begins with `~/`.
    static func isInHome(_ file: String) -> Bool { Array(Array(file.utf8).prefix(2)) == Array("~/".utf8) }

    private static func leavesDirectory(_ path: [UInt8]) -> Bool {
        var dots = 0
        for (index, byte) in path.enumerated() {
            if byte == UInt8(ascii: "/") { dots = 0; continue }
            dots = byte == UInt8(ascii: ".") ? dots &+ 1 : 3
            let isLast = index == path.count - 1 || path[index + 1] == UInt8(ascii: "/")
            if dots == 2 && isLast { return true }
        }
        return false
    }
}

/// A9: reads that configuration: YAML, or JSON as its subset.
enum ToolConfig {
    static let limitBytes = 1 << 20

    /// The user's: believed if it is the user's own or root's. Links are followed: many keep such
    /// files elsewhere and link to them.
    static func readUser(
        _ location: ConfigLocation, in configHome: @autoclosure () -> String? = Environment.configHome
    ) -> (consent: FileAnswer, localOnly: PreferenceAnswer) {
        guard let path = userPath(location.file, in: configHome()) else { return (FileAnswer(), .absent) }
        let trust = FileTrust(acceptsRoot: true, followsLinks: true)
        let (consent, localOnly) = read(path, location, trust)
        return (FileAnswer(path: path, answer: consent), localOnly)
    }

    /// The project's: believed whoever wrote it, since it can only switch off.
    static func readProject(_ location: ConfigLocation) -> FileAnswer {
        // Whoever has called a program with rights of its own chooses the working directory, and what a link in it leads to.
        let trust = FileTrust(owner: nil, refusedMode: 0, followsLinks: !Environment.isUntrusted)
        return FileAnswer(path: location.file, answer: read(location.file, location, trust).consent, onlyLowers: true)
    }

    /// Nil without a home directory.
    static func userPath(_ file: String, in configHome: @autoclosure () -> String? = Environment.configHome) -> String? {
        if file.utf8.first == UInt8(ascii: "/") { return file }
        if ConfigLocation.isInHome(file) {
            return Environment.home.map { $0 + "/" + String(bytes: Array(file.utf8).dropFirst(2)) }
        }
        return configHome().map { $0 + "/" + file }
    }

    private static func read(
        _ path: String, _ location: ConfigLocation, _ trust: FileTrust
    ) -> (consent: PreferenceAnswer, localOnly: PreferenceAnswer) {
        do throws(PrivateFileError) {
            let content = try PrivateFile.read(path, limit: limitBytes, trust: trust)
            return content.bytes.withUnsafeBytes { bytes in
                (answer(bytes, location.key, path), location.localOnlyKey.map { answer(bytes, $0, path) } ?? .absent)
            }
        } catch {
            let answer = error.reason.map { PreferenceAnswer.unusable(path: path, reason: $0) } ?? .absent
            return (answer, location.localOnlyKey == nil ? .absent : answer)
        }
    }

    /// Takes any bytes.
    static func answer(_ bytes: UnsafeRawBufferPointer, _ key: String, _ path: String) -> PreferenceAnswer {
        switch ConfigKeyFinder.find(key, in: bytes) {
        case .absent: return .absent
        case .unusable(let reason): return .unusable(path: path, reason: reason)
        case .value(let text):
            switch AnswerWord(text) {
            case .yes: return .on
            case .no: return .off
            case .empty, .other:
                return .unusable(path: path, reason: key + " is " + Excerpt.quoted(text) + "; expected true or false")
            }
        }
    }
}
