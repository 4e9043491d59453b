// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a person or an administrator has asked for, for their receivers: `own.yaml`; docs/own.md has its format.
/// Any mistake in it means that nothing is kept and nothing is sent, by anyone's wish.
struct OwnFile {
    static let name = "own.yaml"
    static let machinePath = "/etc/telemetry/" + name
    static let limitBytes = 64 << 10
    /// In place of a tool's name.
    private static let everyTool = "*"

    var answer = PreferenceAnswer.absent
    /// If the answer is on.
    var destinations: [Destination] = []

    /// The user's own file. It belongs to the user or to root, and only they may write to it.
    static func readUser(_ path: String, tool: String) -> OwnFile {
        read(path, tool: tool, FileTrust(acceptsRoot: true, refusedMode: 0o022, followsLinks: true))
    }

    /// The administrator's.
    static func readMachine(tool: String, path: String = machinePath, owner: uid_t = 0) -> OwnFile {
        read(path, tool: tool, FileTrust(owner: owner, refusedMode: 0o022, followsLinks: true))
    }

    private static func read(_ path: String, tool: String, _ trust: FileTrust) -> OwnFile {
        do throws(PrivateFileError) {
            let content = try PrivateFile.read(path, limit: limitBytes, trust: trust)
            return content.bytes.withUnsafeBytes { parse($0, tool: tool, path: path) }
        } catch {
            return OwnFile(answer: error.reason.map { .unusable(path: path, reason: $0) } ?? .absent)
        }
    }

    /// Takes any bytes.
    static func parse(_ bytes: UnsafeRawBufferPointer, tool: String, path: String) -> OwnFile {
        do throws(ManifestError) {
            let top = try ManifestSection(
                try YAMLReader.read(bytes, file: ""), file: "", path: "", keys: ["own", "tools", "backends"])
            let backends = try destinations(top)
            var isOn = try word(top, "own", top.node("own")) ?? (backends.isEmpty ? nil : true)
            if let tools = top.node("tools") { isOn = try answer(tools, top, tool) ?? isOn }
            guard let isOn else { return OwnFile() }
            return OwnFile(answer: isOn ? .on : .off, destinations: isOn ? backends : [])
        } catch {
            // `:LINE:COLUMN: KEY: ...`, to be written behind the path.
            return OwnFile(answer: .unusable(path: path, reason: error.text))
        }
    }

    /// What `tools` says about one of them: its own entry, or that for all. All of it is checked.
    private static func answer(_ tools: YAMLNode, _ top: ManifestSection, _ tool: String) throws(ManifestError) -> Bool?
    {
        var own: Bool?
        var others: Bool?
        for entry in try ManifestSection.entries(of: tools, file: "", path: "tools") {
            let key = "tools." + Excerpt.of(entry.key)
            guard entry.key == everyTool || ToolName.isValid(entry.key) else {
                throw top.failure(
                    key, entry.value, "no tool can have this name; expected a tool's name, or '*' for all")
            }
            let says = try word(top, key, entry.value)
            if entry.key == tool { own = says } else if entry.key == everyTool { others = says }
        }
        return own ?? others
    }

    private static func word(_ top: ManifestSection, _ key: String, _ node: YAMLNode?) throws(ManifestError) -> Bool? {
        guard let node else { return nil }
        switch node.scalar.map({ AnswerWord($0.text) }) ?? .other {
        case .yes: return true
        case .no: return false
        case .empty, .other: throw top.failure(key, node, node.shown + " is not an answer; expected on or off")
        }
    }

    private static func destinations(_ top: ManifestSection) throws(ManifestError) -> [Destination] {
        guard let list = top.node("backends") else { return [] }
        var result: [Destination] = []
        for found in try BackendSection.destinations(list, top, isEmptyAllowed: true) {
            guard let destination = found.forMetricsOnly() else {
                throw top.failure(
                    "backends", list,
                    Excerpt.of(found.name) + " is not for metrics; expected " + Destination.expectedForMetrics)
            }
            result.append(destination)
        }
        return result
    }
}
