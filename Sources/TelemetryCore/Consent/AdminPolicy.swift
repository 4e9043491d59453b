// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A10: what the administrator of this machine has decided, in a file that belongs to root; docs/policy.md. The policy
/// can only switch off, and any mistake in it switches off for all.
enum AdminPolicy {
    static let path = "/etc/telemetry/policy.yaml"
    static let limitBytes = 64 << 10
    /// In place of a tool's name.
    private static let everyTool = "*"

    /// `.on`: there is a policy, and it does not refuse this tool.
    static func read(tool: String, path: String = path, owner: uid_t = 0) -> PreferenceAnswer {
        do throws(PrivateFileError) {
            let trust = FileTrust(owner: owner, refusedMode: 0o022, followsLinks: true)
            let content = try PrivateFile.read(path, limit: limitBytes, trust: trust)
            return content.bytes.withUnsafeBytes { parse($0, tool: tool, path: path) }
        } catch {
            return error.reason.map { .unusable(path: path, reason: $0) } ?? .absent
        }
    }

    /// Takes any bytes.
    static func parse(_ bytes: UnsafeRawBufferPointer, tool: String, path: String) -> PreferenceAnswer {
        do throws(ManifestError) {
            let top = try ManifestSection(
                try YAMLReader.read(bytes, file: ""), file: "", path: "", keys: ["telemetry", "tools"])
            // All of it is checked, so that a mistake shows in every tool.
            var isOff = try refuses(top, "telemetry", top.node("telemetry"))
            if let tools = top.node("tools") {
                for entry in try ManifestSection.entries(of: tools, file: "", path: "tools") {
                    let key = "tools." + Excerpt.of(entry.key)
                    guard entry.key == everyTool || ToolName.isValid(entry.key) else {
                        throw top.failure(
                            key, entry.value, "no tool can have this name; expected a tool's name, or '*' for all")
                    }
                    let refuses = try refuses(top, key, entry.value)
                    if refuses && (entry.key == tool || entry.key == everyTool) { isOff = true }
                }
            }
            return isOff ? .off : .on
        } catch {
            // `:LINE:COLUMN: KEY: ...`, to be written behind the path.
            return .unusable(path: path, reason: error.text)
        }
    }

    private static func refuses(_ top: ManifestSection, _ key: String, _ node: YAMLNode?) throws(ManifestError) -> Bool
    {
        guard let node else { return false }
        switch node.scalar.map({ AnswerWord($0.text) }) ?? .other {
        case .yes: return false
        case .no: return true
        case .empty, .other: throw top.failure(key, node, node.shown + " is not an answer; expected off or on")
        }
    }
}
