// SPDX-License-Identifier: Apache-2.0
import CSystem

/// Delivery by a separate process, so that the tool's process ends at once: a `telemetry deliver`, started without the
/// caller's terminal, group or files (CSystem/spawn.c).
package enum DetachedDelivery {
    /// At most one process of the tool at a time. The new process inherits the lock with the open file, so it is never
    /// free in between. That process looks again after it has released the lock.
    /// `isForOwn`: something may be left for receivers of the user's own too.
    @inline(never)
    static func startUnlessRunning(_ options: Options, _ decision: ConsentDecision, isForOwn: Bool) {
        if options.role.isAgent { return }
        if options.delivery == TELEMETRY_AGENT && agentDelivers(options, decision, isForOwn) { return }
        guard obstacle(options) == nil, let program = program(options), let shared = DetachedLock.directory(options)
        else { return }
        defer { shared.close() }
        // If it cannot be started, its work is left to the next one.
        if let lock = DetachedLock.take(shared) {
            defer { ForkHandling.closeHeld(lock, unlocking: false) }
            _ = PathText.call(program) { program in
                PathText.call(options.manifestPath ?? "") {
                    csystem_start_deliverer(program, options.toolName, options.toolVersion, $0, lock.raw)
                }
            }
        }
    }

    /// Before the spool is let go of, so that no pass delivers by another manifest. The installed one needs no word.
    @inline(never)
    static func announce(_ options: Options) {
        guard options.delivery == TELEMETRY_AGENT, !options.role.isAgent, let manifest = options.manifestPath,
            ManifestLookup.installed(tool: options.toolName) != manifest
        else { return }
        _ = AgentPlace.wake(options.toolName, manifest: manifest, isAhead: true)
    }

    /// The user's agent is told, or started if none is there. True: it delivers, and no other process must be started. It
    /// knows the manifest and nothing else, and it has not the environment of this process.
    private static func agentDelivers(_ options: Options, _ decision: ConsentDecision, _ isForOwn: Bool) -> Bool {
        guard let manifest = options.manifestPath, canAgentKnow(options, decision),
            !isForOwn || !OwnChoice.look(options).decision.source.isOfThisProcess
        else { return false }
        if AgentPlace.wake(options.toolName, manifest: manifest) { return true }
        guard csystem_may_spawn(), AgentPlace.isUsable, let program = program(options) else { return false }
        return PathText.call(program) { csystem_start_agent($0, ContinuousIntegration.services.cString) } == 0
    }

    private static func canAgentKnow(_ options: Options, _ decision: ConsentDecision) -> Bool {
        (options.role.isHelper || options.manifestMark?.isAll(of: options) == true) && !decision.source.isOfThisProcess
    }

    /// Why no process is started, whatever waits; nil: one may be started.
    private static func obstacle(_ options: Options) -> StaticString? {
        if !csystem_may_spawn() { return "this process may start none" }
        if options.role.isHelper { return nil }
        if options.manifestPath == nil || options.manifestMark?.isAll(of: options) != true {
            return "chosen in code, not by a manifest"
        }
        return program(options) == nil ? "no helper found" : nil
    }

    /// For `backend_info`: what delivers for a program.
    @inline(never)
    static func info(_ options: Options, _ decision: ConsentDecision) -> String {
        if options.role.isHelper { return "" }
        if options.delivery == TELEMETRY_AGENT && options.manifestPath != nil && canAgentKnow(options, decision)
            && AgentPlace.isUsable
        {
            return "; left to the user's agent"
        }
        if let obstacle = obstacle(options) { return "; left to another process: " + obstacle.description }
        return "; delivered by " + (program(options) ?? "")
    }

    /// Never from PATH, and no variable names it: the environment must not choose what runs.
    private static func program(_ options: Options) -> String? {
        if options.role.isHelper { return "/proc/self/exe" }
        if let chosen = options.helper { return isTrusted(chosen) ? chosen : nil }
        if let beside = besideLibrary, isTrusted(beside) { return beside }
        let installed = "/usr/bin/telemetry"
        return isTrusted(installed) ? installed : nil
    }

    /// `…/bin/telemetry` for `…/lib/libtelemetry.so.0`. Nil if the loader knows only a relative path.
    private static var besideLibrary: String? {
        guard let library = csystem_library_path(), library.pointee == CChar(UInt8(ascii: "/")) else { return nil }
        let path = Array(PathText.string(library).utf8)
        return String(bytes: path[..<(path.lastIndex(of: UInt8(ascii: "/")) ?? 0)]) + "/../bin/telemetry"
    }

    private static func isTrusted(_ path: String) -> Bool {
        guard let status = SharedFile.programStatus(path) else { return false }
        return FileTrust(acceptsRoot: true, refusedMode: 0o022).problem(status) == nil
    }

    /// Releases the lock after a pass and then looks at what has come meanwhile. In this order, because a process that
    /// finds the lock held has left its events before. Returns what is there (0: nothing), if the lock could be taken
    /// again.
    package static func left(_ options: Options) -> UInt64 {
        guard let held = DetachedLock.held else { return 0 }
        held.unlock()
        let left = options.ofEachSignal.reduce(0) { $0 &+ SpoolInspector.deliverable(options: $1) }
        return left != 0 && held.tryLock() ? left : 0
    }
}
