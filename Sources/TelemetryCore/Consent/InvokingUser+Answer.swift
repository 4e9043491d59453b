// SPDX-License-Identifier: Apache-2.0
import CSystem

extension InvokingUser {
    /// What this user has answered, for all tools or for this one: a refusal if either is one.
    func answer(tool: String) -> FileAnswer {
        var result = FileAnswer(onlyLowers: true)
        guard let (id, home) = account else {
            result.answer = .unusable(
                path: "", reason: "the home of the user who has called this process as root is not known")
            return result
        }
        result = Self.answer(tool: PreferenceStore.everyTool, id, home)
        if result.answer == .absent || result.answer == .on { result = Self.answer(tool: tool, id, home) }
        return result
    }

    /// Where the answers are.
    func files(tool: String) -> [String] {
        guard let (_, home) = account else { return [] }
        return [Self.path(home, PreferenceStore.everyTool), Self.path(home, tool)]
    }

    private static func path(_ home: String, _ tool: String) -> String {
        home + "/.config/telemetry/" + tool + "/" + PreferenceStore.fileName
    }

    private static func answer(tool: String, _ id: uid_t, _ home: String) -> FileAnswer {
        let path = path(home, tool)
        return FileAnswer(
            path: path, answer: PreferenceStore.read(path: path, trust: FileTrust(owner: id)), onlyLowers: true)
    }
}
