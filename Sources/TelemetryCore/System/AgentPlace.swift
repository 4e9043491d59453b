// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Where the user's agent listens: every process of the user finds the same place.
package enum AgentPlace {
    /// `$XDG_RUNTIME_DIR/telemetry`; if there is no such directory of this user's own, `/tmp/telemetry-UID`.
    package static var directory: String {
        if let base = Environment.runtimeDirectory, isOwn(base) { return base + "/telemetry" }
        return "/tmp/telemetry-" + csystem_user().description
    }

    package static var socket: String { directory + "/agent.sock" }

    /// It exists, is this user's, and nobody else may put anything there.
    private static func isOwn(_ path: String) -> Bool {
        var status = stat()
        return SystemCall.status.once({ PathText.call(path) { stat($0, &status) } }) == 0
            && status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR) && status.isOwn && status.st_mode & 0o022 == 0
    }

    /// An agent could listen there.
    package static var isUsable: Bool {
        let path = directory
        var status = stat()
        if SystemCall.status.once({ PathText.call(path) { lstat($0, &status) } }) == 0 {
            return status.st_mode & mode_t(S_IFMT) == mode_t(S_IFDIR) && status.isOwn
        }
        return csystem_errno() == ENOENT && PathText.call(parent(path)) { access($0, W_OK) } == 0
    }

    private static func parent(_ path: String) -> String {
        let bytes = Array(path.utf8)
        return String(bytes: bytes[..<(bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0)])
    }

    /// Tells the agent that the tool has left something. True: it is told, or has so much to do that it will look anyway.
    /// A service manager that listens in its place starts it.
    /// `isAhead`: it will leave something, and says so before. That waits for the agent's word, but not for long.
    static func wake(_ tool: String, manifest: String, isAhead: Bool = false) -> Bool {
        PathText.call(socket) { path in
            PathText.call(manifest) { csystem_wake_agent(path, tool, $0, isAhead) ? 0 : -1 }
        } == 0
    }
}
