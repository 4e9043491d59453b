import CSystem

/// A8, for all tools at once: a refusal that no tool's own answer overrules.
package enum EveryTool {
    /// Before anything is erased: from then on no tool records.
    package static func refuse() throws(SystemError) { try store(false) }

    /// Each tool's own answer counts again. False: there was no refusal.
    package static func lift() throws(SystemError) -> Bool {
        if PreferenceStore.readEveryTool() == .absent { return false }
        try store(true)
        return true
    }

    private static func store(_ enabled: Bool) throws(SystemError) {
        let directory = Environment.configDirectory.map { $0 + "/" + PreferenceStore.everyTool }
        try AnswerFile.replace(in: directory, PreferenceStore.fileName, PreferenceStore.text(enabled))
    }

    /// Erases what waits in every spool of this user. The names of the tools whose spool could not be
    /// erased; empty: nothing waits any more.
    package static func erase() throws(SystemError) -> [String] {
        var failed: [String] = []
        for tool in try tools() {
            let status = SpoolInspector.erase(options: Options(toolName: tool, toolVersion: ""))
            if status.rawValue < 0 { failed.append(tool) }
        }
        return failed
    }

    private static func tools() throws(SystemError) -> [String] {
        guard let path = Environment.stateDirectory, let directory = try Directory.openAny(path) else { return [] }
        defer { directory.close() }
        return Directory.names(in: directory).filter { ToolName.isValid($0) }
    }
}
