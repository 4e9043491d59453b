// SPDX-License-Identifier: Apache-2.0
import CSystem

/// What a person or an administrator has asked for, for their receivers: `own.yaml`; docs/own.md has its format.
/// Any mistake in it means that nothing is kept and nothing is sent, by anyone's wish.
struct OwnFile {
    static let name = "own.yaml"
    static let machinePath = "/etc/telemetry/" + name
    static let limitBytes = 64 << 10

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
            let general = try ToolAnswers.word(top, "own", top.node("own")) ?? (backends.isEmpty ? nil : true)
            let (own, all) = try ToolAnswers.read(top, tool: tool)
            guard let isOn = own ?? all ?? general else { return OwnFile() }
            return OwnFile(answer: isOn ? .on : .off, destinations: isOn ? backends : [])
        } catch {
            // `:LINE:COLUMN: KEY: ...`, to be written behind the path.
            return OwnFile(answer: .unusable(path: path, reason: error.text))
        }
    }

    private static func destinations(_ top: ManifestSection) throws(ManifestError) -> [Destination] {
        guard let list = top.node("backends") else { return [] }
        var result: [Destination] = []
        for (index, found) in try BackendSection.destinations(list, top, isEmptyAllowed: true).enumerated() {
            guard let destination = found.forOwn() else {
                let problem = found.problemForOwn
                throw top.failure(
                    "backends[" + index.description + "]." + problem.key, place(problem.key, of: index, list),
                    problem.text)
            }
            result.append(destination)
        }
        return result
    }

    /// The value of a key of one of the backends.
    private static func place(_ key: String, of index: Int, _ list: YAMLNode) -> YAMLNode {
        guard case .sequence(let nodes) = list.content, nodes.indices.contains(index),
            case .mapping(let entries) = nodes[index].content
        else { return list }
        return entries.first { $0.key == key }?.value ?? nodes[index]
    }
}
