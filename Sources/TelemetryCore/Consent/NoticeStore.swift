/// A1: whether this user has seen the tool's notice: the file `notice` beside the preference,
/// not empty. An opt-out tool records nothing before it is there.
enum NoticeStore {
    static let fileName = "notice"
    static let limitBytes = 64

    static func isShown(tool: String) -> Bool {
        guard let directory = PreferenceStore.directory(tool: tool),
            let content = try? PrivateFile.read(directory + "/" + fileName, limit: limitBytes)
        else { return false }
        return !content.bytes.isEmpty
    }
}
