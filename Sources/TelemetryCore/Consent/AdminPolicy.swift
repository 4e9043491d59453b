// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A10: what the administrator of this machine has decided, in a file that belongs to root; docs/policy.md. The policy
/// can only switch off, and any mistake in it switches off for all.
enum AdminPolicy {
    static let path = "/etc/telemetry/policy.yaml"
    static let limitBytes = 64 << 10

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
            let general = try ToolAnswers.word(top, "telemetry", top.node("telemetry"))
            let (own, all) = try ToolAnswers.read(top, tool: tool)
            // A yes lifts nothing.
            let isOff = [general, own, all].contains { $0 == false }
            return isOff ? .off : .on
        } catch {
            // `:LINE:COLUMN: KEY: ...`, to be written behind the path.
            return .unusable(path: path, reason: error.text)
        }
    }
}
