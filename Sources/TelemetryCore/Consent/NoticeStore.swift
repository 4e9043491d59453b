// SPDX-License-Identifier: Apache-2.0

/// A1, A13: which notice of the tool this user has been shown. The file `notice` beside the preference holds the
/// notice's version and a newline. An opt-out tool records nothing before the file is there.
package enum NoticeStore {
    static let fileName = "notice"
    static let limitBytes = 128

    /// `version` is the present notice's; empty: the tool has no notice, and any that was shown will do.
    static func isShown(tool: String, version: String) -> Bool {
        guard let shown = shownBytes(tool: tool), !shown.isEmpty else { return false }
        return version.utf8.isEmpty || shown == Array(version.utf8)
    }

    /// A notice was shown, and it was another one.
    static func isOutdated(tool: String, version: String) -> Bool {
        guard !version.utf8.isEmpty, let shown = shownBytes(tool: tool), !shown.isEmpty else { return false }
        return shown != Array(version.utf8)
    }

    /// The version that was shown, fit for display; nil when none was.
    package static func shownVersion(tool: String) -> String? {
        guard let shown = shownBytes(tool: tool), !shown.isEmpty else { return nil }
        return Excerpt.of(String(bytes: shown))
    }

    /// Stores for good that the notice of this version was shown.
    static func store(tool: String, version: String) throws(SystemError) {
        try AnswerFile.replace(
            in: PreferenceStore.directory(tool: tool), fileName, Array((version + "\n").utf8))
    }

    static func forget(tool: String) {
        guard let path = PreferenceStore.directory(tool: tool), let directory = (try? Directory.openAny(path)) ?? nil
        else { return }
        _ = try? directory.removeEntry(fileName)
        directory.close()
    }

    /// The content without the newline; nil when there is no file, or it cannot be trusted.
    private static func shownBytes(tool: String) -> [UInt8]? {
        guard let directory = PreferenceStore.directory(tool: tool),
            var bytes = try? PrivateFile.read(directory + "/" + fileName, limit: limitBytes).bytes
        else { return nil }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return bytes
    }
}
