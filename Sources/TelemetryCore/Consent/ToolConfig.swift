// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A9: reads the tool's own configuration: YAML, or JSON as its subset; or a file that holds the answer alone.
enum ToolConfig {
    static let limitBytes = 1 << 20

    /// Reads the user's file. It is trusted if it belongs to the user or to root. Links are followed: many users keep
    /// such files elsewhere and link to them.
    static func readUser(
        _ location: ConfigLocation, in configHome: @autoclosure () -> String? = Environment.configHome
    ) -> (consent: FileAnswer, localOnly: PreferenceAnswer) {
        guard let path = userPath(location.file, in: configHome()) else { return (FileAnswer(), .absent) }
        let trust = FileTrust(acceptsRoot: true, followsLinks: true)
        let (consent, localOnly) = read(path, location, trust)
        return (FileAnswer(path: path, answer: consent), localOnly)
    }

    /// Reads the project's file. It is trusted whatever its owner, since it can only switch off.
    static func readProject(_ location: ConfigLocation) -> FileAnswer {
        // The caller of a program that has more rights chooses the working directory, and where a link in it leads.
        let trust = FileTrust(owner: nil, refusedMode: 0, followsLinks: !Environment.isUntrusted)
        return FileAnswer(path: location.file, answer: read(location.file, location, trust).consent, onlyLowers: true)
    }

    /// Nil without a home directory.
    static func userPath(_ file: String, in configHome: @autoclosure () -> String? = Environment.configHome) -> String?
    {
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
                (
                    location.key.map { answer(bytes, $0, path) } ?? bareAnswer(bytes, path),
                    location.localOnlyKey.map { answer(bytes, $0, path) } ?? .absent
                )
            }
        } catch {
            let answer = error.reason.map { PreferenceAnswer.unusable(path: path, reason: $0) } ?? .absent
            return (answer, location.localOnlyKey == nil ? .absent : answer)
        }
    }

    /// Takes any bytes: a word, and white space around it.
    static func bareAnswer(_ bytes: UnsafeRawBufferPointer, _ path: String) -> PreferenceAnswer {
        let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        var word = bytes[...]
        while let last = word.last, isSpace(last) { word.removeLast() }
        while let first = word.first, isSpace(first) { word.removeFirst() }
        if word.elementsEqual("true".utf8) { return .on }
        if word.elementsEqual("false".utf8) { return .off }
        return .unusable(path: path, reason: "expected 'true' or 'false', and nothing else in the file")
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
