// SPDX-License-Identifier: Apache-2.0
import CSystem

/// A8, for all tools at once: a refusal that the answer of a single tool does not override.
package enum EveryTool {
    /// To be called before anything is erased: from then on no tool records.
    package static func refuse() throws(SystemError) {
        let refusal = PreferenceStore.text(false)
        do throws(SystemError) { try AnswerFile.replace(in: directory, PreferenceStore.fileName, refusal) } catch {
            guard AnswerFile.overwrite(in: directory, PreferenceStore.fileName, refusal) else { throw error }
        }
    }

    /// If that cannot be stored: stores a refusal for each tool that the user has been asked about. Returns their
    /// names.
    package static func refuseEach() -> [String] {
        let tools = (try? toolNames(in: Environment.configDirectory)) ?? []
        return tools.filter { tool in (try? PreferenceStore.refuse(tool: tool)) != nil }
    }

    /// Each tool's own answer counts again. False: there was no refusal.
    package static func lift() throws(SystemError) -> Bool {
        let counted = PreferenceStore.readEveryTool() != .on
        return try AnswerFile.remove(in: directory, PreferenceStore.fileName) && counted
    }

    private static var directory: String? { Environment.configDirectory.map { $0 + "/" + PreferenceStore.everyTool } }

    /// Erases the waiting events in every spool of this user. Returns the names of the tools whose spool could not be
    /// erased; empty: nothing waits any more.
    package static func erase(_ role: Role) throws(SystemError) -> [String] {
        var failed: [String] = []
        for tool in try withState() {
            if SpoolInspector.erase(options: Options(toolName: tool, toolVersion: "", role: role)) != .complete {
                failed.append(tool)
            }
        }
        for tool in (try? toolNames(in: Environment.configDirectory)) ?? [] where !failed.contains(tool) {
            if !SpoolInspector.waitForSenders(tool) { failed.append(tool) }
        }
        return failed
    }

    /// Tools that this user has answered for, or that have kept something here, and that stay on after a refusal for all:
    /// a source above it says so.
    package static func stillOn() -> [String] {
        let answered = (try? toolNames(in: Environment.configDirectory)) ?? []
        return together(answered, (try? withState()) ?? []).filter { tool in
            let options = Options(toolName: tool, toolVersion: "")
            if let path = ManifestLookup.find(tool: tool) {
                try? Manifest.load(path: path, into: options)
            }
            return ConsentResolver.decide(options).isEnabled
        }
    }

    /// Tools that have kept something here.
    /// `besideHomes`: below TMPDIR too.
    package static func withState(besideHomes: Bool = true) throws(SystemError) -> [String] {
        let temporary = besideHomes ? (try? toolNames(in: TemporaryState.path)) ?? [] : []
        return together(try toolNames(in: Environment.stateDirectory), temporary)
    }

    /// Tools that have kept something here, or that this user has answered for.
    package static func used() -> [String] { together((try? withState()) ?? [], answered()) }

    /// Tools that have kept something here, that this user has answered for, or whose manifest is installed.
    package static func known() -> [String] {
        together((try? withState()) ?? [], answered() + ManifestLookup.installedTools())
    }

    /// Each name once.
    private static func together(_ names: [String], _ more: [String]) -> [String] {
        var result: [String] = []
        for name in names + more where !result.contains(name) { result.append(name) }
        return result
    }

    /// The directory has other files too, such as own.yaml.
    private static func answered() -> [String] {
        guard let path = Environment.configDirectory else { return [] }
        return ((try? toolNames(in: path)) ?? []).filter { tool in
            guard let directory = (try? Directory.openAny(path + "/" + tool)) ?? nil else { return false }
            directory.close()
            return true
        }
    }

    private static func toolNames(in path: String?) throws(SystemError) -> [String] {
        guard let path, let directory = try Directory.openAny(path) else { return [] }
        defer { directory.close() }
        return Directory.names(in: directory).filter { ToolName.isValid($0) }
    }
}
