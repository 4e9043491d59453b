// SPDX-License-Identifier: Apache-2.0

/// `on` and `off` in files of an administrator or a user, also tool by tool: `tools: {NAME: off, '*': on}`.
enum ToolAnswers {
    /// In place of a tool's name.
    private static let everyTool = "*"

    /// What `tools` says about one of them: in its own entry, and in that for all. All entries are checked, so that a
    /// mistake shows in every tool.
    static func read(_ top: ManifestSection, tool: String) throws(ManifestError) -> (own: Bool?, all: Bool?) {
        guard let tools = top.node("tools") else { return (nil, nil) }
        var own: Bool?
        var all: Bool?
        for entry in try ManifestSection.entries(of: tools, file: "", path: "tools") {
            let key = "tools." + Excerpt.of(entry.key)
            guard entry.key == everyTool || ToolName.isValid(entry.key) else {
                throw top.failure(
                    key, entry.value, "no tool can have this name; expected a tool's name, or '*' for all")
            }
            let isOn = try word(top, key, entry.value)
            if entry.key == tool { own = isOn }
            if entry.key == everyTool { all = isOn }
        }
        return (own, all)
    }

    /// Nil: it is not there.
    static func word(_ top: ManifestSection, _ key: String, _ node: YAMLNode?) throws(ManifestError) -> Bool? {
        guard let node else { return nil }
        switch node.scalar.map({ AnswerWord($0.text) }) ?? .other {
        case .yes: return true
        case .no: return false
        case .empty, .other: throw top.failure(key, node, node.shown + " is not an answer; expected off or on")
        }
    }
}
