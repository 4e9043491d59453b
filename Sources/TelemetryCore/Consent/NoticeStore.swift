/// A1, A13: which notice of the tool this user has seen: the file `notice` beside the preference, with
/// the notice's version. An opt-out tool records nothing before it is there.
enum NoticeStore {
    static let fileName = "notice"
    static let limitBytes = 128

    /// `version` is the present notice's; empty: the tool has none of its own, and any that was shown will do.
    static func isShown(tool: String, version: String) -> Bool {
        guard let shown = shownVersion(tool: tool), !shown.isEmpty else { return false }
        return version.utf8.isEmpty || shown.elementsEqual(version.utf8)
    }

    /// One was shown, and it was another.
    static func isOutdated(tool: String, version: String) -> Bool {
        guard !version.utf8.isEmpty, let shown = shownVersion(tool: tool), !shown.isEmpty else { return false }
        return !shown.elementsEqual(version.utf8)
    }

    /// Without the newline; nil when none was shown.
    private static func shownVersion(tool: String) -> [UInt8]? {
        guard let directory = PreferenceStore.directory(tool: tool),
            var bytes = try? PrivateFile.read(directory + "/" + fileName, limit: limitBytes).bytes
        else { return nil }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return bytes
    }
}
