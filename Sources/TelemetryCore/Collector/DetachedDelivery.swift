// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Delivery by a process of its own, so that the tool's ends at once: a `telemetry deliver`, started
/// without the caller's terminal, group or files (CSystem/spawn.c).
package enum DetachedDelivery {
    /// This program is the helper, and is started again.
    nonisolated(unsafe) package static var isHelper = false

    /// At most one process of the tool at a time. The lock goes over to the new one with the open file:
    /// there is no moment at which another could find it free. That process looks again after it has let go.
    @inline(never)
    static func startUnlessRunning(_ options: Options) {
        if options.delivery == TELEMETRY_AGENT && agentDelivers(options.toolName) { return }
        guard obstacle(options) == nil, let program = program(options),
            let shared = SpoolDirectory.openExisting(tool: options.toolName)
        else { return }
        defer { shared.close() }
        // When it cannot be started, what it was to do is left to the next one.
        if let lock = DetachedLock.take(shared) {
            defer { ForkHandling.closeHeld(lock, unlocking: false) }
            _ = PathText.call(program) { program in
                PathText.call(options.manifestPath ?? "") {
                    csystem_start_deliverer(program, options.toolName, options.toolVersion, $0, lock.raw)
                }
            }
        }
    }

    /// The one place where the user's agent would be asked: over the socket `telemetry/agent.sock` in
    /// `$XDG_RUNTIME_DIR`, with the tool's name. True: it delivers, and no process is to be started. There
    /// is no agent yet.
    private static func agentDelivers(_ tool: String) -> Bool { false }

    /// Why no process is started, whatever waits; nil: one may be.
    private static func obstacle(_ options: Options) -> StaticString? {
        if !csystem_may_spawn() { return "this process may start none" }
        if isHelper { return nil }
        if options.manifestPath == nil || options.manifestMark?.isAll(of: options) != true {
            return "chosen in code, not by a manifest"
        }
        return program(options) == nil ? "no helper found" : nil
    }

    /// For `backend_info`: who delivers for a program.
    @inline(never)
    static func info(_ options: Options) -> String {
        if isHelper { return "" }
        if let obstacle = obstacle(options) { return "; left to another process: " + obstacle.description }
        return "; delivered by " + (program(options) ?? "")
    }

    /// Never from PATH, and no variable names it: what runs is not the environment's to choose.
    private static func program(_ options: Options) -> String? {
        if isHelper { return "/proc/self/exe" }
        if let chosen = options.helper { return isTrusted(chosen) ? chosen : nil }
        if let beside = besideLibrary, isTrusted(beside) { return beside }
        let installed = "/usr/bin/telemetry"
        return isTrusted(installed) ? installed : nil
    }

    /// `…/lib/libtelemetry.so.0`: `…/bin/telemetry`. Not what the loader knows by a relative path only.
    private static var besideLibrary: String? {
        guard let library = csystem_library_path(), library.pointee == CChar(UInt8(ascii: "/")) else { return nil }
        let path = Array(PathText.string(library).utf8)
        return String(bytes: path[..<(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)]) + "/../bin/telemetry"
    }

    private static func isTrusted(_ path: String) -> Bool {
        var status = stat()
        guard PathText.call(path, { stat($0, &status) }) == 0, PathText.call(path, { access($0, X_OK) }) == 0 else {
            return false
        }
        return FileTrust(acceptsRoot: true, refusedMode: 0o022).problem(status) == nil
    }

    /// Lets go of the lock after a pass and looks at what has come meanwhile, in this order: who has found the
    /// lock held has left its events before. What is there (0: nothing), if the lock is held again.
    package static func left(_ options: Options) -> UInt64 {
        guard let held = DetachedLock.held else { return 0 }
        held.unlock()
        let left = SpoolInspector.deliverable(options: options)
        return left != 0 && held.tryLock() ? left : 0
    }
}
