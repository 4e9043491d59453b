// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Where what is recorded waits: the author's choice, and what this machine lets happen.
extension Options {
    package var storage: telemetry_storage_kind { telemetry_storage_kind(UInt32(truncatingIfNeeded: self[.storage])) }

    /// Nothing is kept on this machine.
    package var isInMemory: Bool { storage == TELEMETRY_STORE_IN_MEMORY }

    /// This process leaves alone what an earlier version of the tool may have kept here. The helper shows and erases it.
    var leavesFilesAlone: Bool { isInMemory && !role.isHelper }

    /// The directory of all tools that this one's is in. Nil: the user has none.
    var stateBase: String? {
        let usual = Environment.stateDirectory
        guard storage == TELEMETRY_STORE_IN_TMPDIR || role.isHelper && isTemporary(usual) else { return usual }
        if let usual, !TemporaryState.isOfNoUse(usual) { return usual }
        return TemporaryState.path
    }

    /// The directory of the tool, whether it exists or not. Nil: the user has none.
    var statePath: String? { stateBase.map { $0 + "/" + stateName } }

    /// A program may have chosen the place in code, which the helper cannot know.
    private func isTemporary(_ usual: String?) -> Bool {
        if let usual, Environment.owner(usual + "/" + toolName) != nil { return false }
        return ToolName.isValid(toolName) && Environment.owner(TemporaryState.path + "/" + toolName) == csystem_user()
    }

    /// What does not go with the storage, as a sentence; nil: nothing.
    var storageProblem: String? {
        role.isHelper || role.isAgent
            ? nil : Self.storageProblem(self[.storage], settings.chosen, delivery: self[.deliveryMode])
    }

    static func storageProblem(_ storage: Int64, _ destinations: [Destination], delivery: Int64) -> String? {
        guard storage == Int64(TELEMETRY_STORE_IN_MEMORY.rawValue) else { return nil }
        for destination in destinations {
            if case .file = destination.choice {
                return "memory does not go with a backend of kind file, which keeps events on this machine"
            }
        }
        return delivery == Int64(TELEMETRY_IN_PROCESS.rawValue)
            ? nil : "memory does not go with delivery by another process; expected delivery.mode: in-process"
    }
}
